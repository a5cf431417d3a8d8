// One command's view of the store: reads see its own writes, writes keep history, indexes and
// journal right.
//
// A command is a function of (Tx, facts). It must be safe to run again: no clock, no randomness, no
// call to another service, no state kept between runs. What it needs of these it gets as facts from
// its handler.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/store/command.h"
#include "common/store/derived.h"
#include "common/store/journal.h"
#include "common/store/overlay.h"
#include "common/store/reader.h"
#include "common/store/table_use.h"
#include "common/store/totals_changes.h"

namespace nisi::store {

// How the building of a unique index fares with records that hold one key.
struct TakenKeys {
  std::string after;     // those up to here were looked at again
  int64_t position = 0;  // the newest of their versions that is in conflict; 0: none
  absl::Status status;   // when all were: ALREADY_EXISTS while any is
};

class Tx : public Reader {
 public:
  // The entry this command's changes go to. Bulk commands fill several; it moves on as they do.
  int64_t position() const { return first_position_ + static_cast<int64_t>(entries_.size()) - 1; }
  // The etag of what it writes next: of position and time, as a store that was restored to an
  // earlier point gives the positions of what it lost again.
  std::string etag() const;
  // When this command is recorded; strictly after every earlier one.
  absl::Time recorded() const { return absl::FromUnixMicros(recorded_us_); }

  // Records that `row` holds from `effective_from` on (absent: today). In the future: takes effect
  // on its day. In the past: a correction, which wins from that day until the next later version.
  // ALREADY_EXISTS when a unique index is taken. The store sets the resource's etag and times. A
  // command that keeps what is the same (CommandInfo) leaves a row that holds already as it is.
  absl::Status Put(const TableDef& table, google::protobuf::Message* row,
                   std::optional<base::Date> effective_from = std::nullopt);
  // Records that the record ends on `effective_from` (absent: today). NOT_FOUND when it never was.
  absl::Status End(const TableDef& table, const Key& key,
                   std::optional<base::Date> effective_from = std::nullopt);

  // With what this command has changed so far.
  absl::Status ScanTotals(const TotalsDef& totals, const Key& prefix, const At& at,
                          const TotalsVisitor& visit) const override;

  // The next number of a counter of this store: 1, 2, ... without gaps.
  absl::StatusOr<int64_t> Next(absl::string_view counter);
  // Leaves a message for another service: delivered after the commit until confirmed, in order a
  // target.
  void Emit(absl::string_view target, absl::string_view method,
            const google::protobuf::Message& message);
  // Runs the timer `kind` (see Store::Options::timers) with `payload` at `due`, once.
  void Schedule(absl::Time due, absl::string_view kind, absl::string_view payload);
  // Runs a part of the command that may be refused while the rest of it stands: when it fails,
  // nothing it did is left.
  absl::Status Attempt(const std::function<absl::Status()>& part);
  // What follows from this record may have changed, though it was not put: something it rests on
  // was.
  void Touch(const Derived& derived, const Key& key) { touched_[derived.id].emplace(key.bytes()); }
  // The law this command rests on; goes into the journal, once however often it is named.
  void Cite(const base::LegalBasis& basis);

 private:
  friend class Writer;
  friend class Store;
  Tx(Overlay* overlay, const Schema* schema, TableUses* tables, const Sealer* sealer,
     base::Date today, bool settled, bool all_built, int64_t first_position, int64_t recorded_us);

  // ALREADY_EXISTS when another record holds a unique key of the row on a day, from today on, on
  // which this version will hold. So uniqueness is decided when a version is recorded, and a day's
  // turn never fails by it. While an index is being built, a record may keep what it holds, though
  // another holds it as well, and UNAVAILABLE INDEX_BUILDING is said of other keys where more
  // records are not in it yet than can be looked at.
  absl::Status CheckUnique(const TableDef& table, absl::string_view key, const Version& version,
                           const google::protobuf::Message& row);
  // ALREADY_EXISTS when one of `others` holds an index key on a day in [from, until).
  absl::Status CheckFree(const IndexDef& index, const std::set<std::string>& others,
                         absl::string_view index_key, base::Date from,
                         std::optional<base::Date> until) const;
  // Records by the index keys that they hold today or later.
  using Holders = std::map<std::string, std::set<std::string>>;
  // Of those that an index that is being built does not have yet. Looked through once a command:
  // what it puts meanwhile goes into the index.
  absl::StatusOr<const Holders*> Unbuilt(const IndexDef& index, absl::string_view built_below);
  absl::StatusOr<std::set<std::string>> OtherHolders(const IndexDef& index,
                                                     const std::string& index_key,
                                                     absl::string_view key) const;
  // Whether a record holds an index key on some day in [from, until).
  absl::StatusOr<bool> Holds(const IndexDef& index, absl::string_view key,
                             absl::string_view index_key, base::Date from,
                             std::optional<base::Date> until) const;
  // What a version change does to indexes: `before` and `after` are the current rows, either may be
  // absent.
  absl::Status Reindex(const TableDef& table, absl::string_view key,
                       const google::protobuf::Message* before,
                       const google::protobuf::Message* after);
  // Keys of a version that is not current.
  void IndexHistory(const TableDef& table, absl::string_view key,
                    const google::protobuf::Message& row);
  // The version in the current slot, and its row, which is absent where the record is, or has
  // ended, or nothing of its table asks what was before.
  struct Current {
    std::optional<RawRow> raw;
    std::unique_ptr<google::protobuf::Message> row;

    bool is_live() const { return raw.has_value() && !raw->version.ended; }
    absl::string_view bytes() const { return is_live() ? raw->row() : absl::string_view(); }
  };
  absl::StatusOr<Current> LoadCurrent(const TableDef& table, const Key& key);
  absl::Status Install(const TableDef& table, const Key& key, const Current& current,
                       const Version& version, const google::protobuf::Message* row,
                       absl::string_view bytes);
  absl::Status Journal(const TableDef& table, const Key& key, const Version& version,
                       absl::string_view before, absl::string_view after);
  // Enters every version of one record into one index; for an index that is being built. Where it
  // holds a unique key on a day, from today on, on which another does, both are noted, and the key
  // leads to neither or one of them. The position of such a version; 0: none.
  absl::StatusOr<int64_t> IndexVersions(const IndexDef& index, absl::string_view key);
  // Enters the next `records` that are not in yet, and moves the marker; then those that were noted
  // once more. The marker goes when all are in and none is noted. Whether nothing is left to do.
  absl::StatusOr<bool> BuildIndex(const IndexDef& index, size_t records, TakenKeys* taken);
  // Gathers what a version that is being recorded changes in totals.
  absl::Status CountVersion(const TableDef& table, const Key& key, const Current& current,
                            const Version& version, const google::protobuf::Message* row);
  // Counts every version of the records from the marker on, a step of them, and moves the marker;
  // it goes when all are in. Whether they are.
  absl::StatusOr<bool> BuildTotals(const TotalsDef& totals, size_t records);
  // Writes what was gathered. Once, when the command has run, or each time it reads totals.
  absl::Status WriteTotals() const;
  // Brings up to date what follows from the records that were touched.
  absl::Status WriteDerived();
  // As BuildTotals.
  absl::StatusOr<bool> BuildDerived(const Derived& derived, size_t records);
  // The keys of the next records to be built in, `records` of them or, when they are the last,
  // fewer. Moves the marker behind them, or takes it away.
  absl::StatusOr<std::vector<std::string>> TakeUnbuilt(uint16_t id, const TableDef& table,
                                                       size_t records);
  void TouchDerived(const TableDef& table, const Key& key);
  // Makes the version in force today the current one; what a day's turn does to future-dated
  // versions.
  absl::Status Promote(const TableDef& table, const Key& key);
  void Stamp(const TableDef& table, google::protobuf::Message* row,
             const google::protobuf::Message* before);
  void OpenEntry();

  Overlay* overlay_;
  TableUses* const tables_;
  const Sealer* sealer_;
  const int64_t first_position_;
  const int64_t recorded_us_;
  bool keeps_same_ = false;
  int32_t rows_ = 0;  // timers and messages so far, to tell them apart
  size_t entry_bytes_ = 0;
  std::vector<journal::v1::Entry> entries_;
  std::vector<journal::v1::Openings> openings_;
  std::vector<base::LegalBasis> legal_basis_;
  std::set<std::string> promoted_;  // tables whose current rows changed by date alone
  bool timers_changed_ = false;
  bool outbox_changed_ = false;
  int64_t earliest_due_us_ = INT64_MAX;  // of the timers it scheduled
  // Gathered and not written yet, by number. Reading totals writes them, and changes nothing else.
  mutable std::map<uint16_t, TotalsChanges> totals_;
  // Keys of records by the number of what follows from them. A part that was taken back may leave
  // some: they are looked at and found right.
  std::map<uint16_t, std::set<std::string>> touched_;
  std::map<uint16_t, Holders> unbuilt_;  // by index
  mutable absl::Status totals_failure_;  // totals may be half kept: the command fails, too
};

// The timer that turns future-dated versions current; its payload names the record.
inline constexpr char kEffectiveTimer[] = "store/effective";

}  // namespace nisi::store
