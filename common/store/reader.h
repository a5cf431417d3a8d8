// Reading records: one consistent snapshot, two times.
//
// `At` says which state is asked for: as_of, the state in force on a date; known_at, what the
// register knew at a moment. A version holds from its effective_from until a later one; of two with
// the same date the one recorded later wins. Absent means today and now, which has a short path.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "common/base/date.h"
#include "common/base/status.h"
#include "common/store/engine.h"
#include "common/store/layout.h"
#include "common/store/table.h"
#include "common/store/totals.h"

namespace nisi::store {

struct At {
  std::optional<base::Date> as_of;
  std::optional<int64_t> known_at_us;  // microseconds since the epoch
};

template <class Row>
struct Stored {
  Row row;
  Version version;
};

// A row as bytes, for replies that pass it on unparsed.
struct RawRow {
  Version version;
  std::string value;  // the whole stored value
  absl::string_view row() const { return absl::string_view(value).substr(kRowHeaderBytes); }
  RowView view() const { return RowView{version, row()}; }
};

// Where a scan starts and how it is bounded. `prefix`: only keys that begin with it (of the table's
// key, or of the index's). `after`: only keys past this one, as given to the visitor before.
struct Range {
  Key prefix;
  std::string after;
  // How many rows the visitor is likely to take, so that no more are read at once; 0: unknown.
  size_t expected = 0;
};

// Called for each row in key order; return false to stop. `at_key` names the place, for
// Range::after.
using RowVisitor =
    std::function<absl::StatusOr<bool>(const RowView& row, absl::string_view at_key)>;

// Called for each group in order of key; return false to stop.
using TotalsVisitor =
    std::function<absl::StatusOr<bool>(absl::string_view group, absl::Span<const Int> sums)>;

// The row of a stored version. DATA_LOSS when the bytes are none.
absl::StatusOr<std::unique_ptr<google::protobuf::Message>> ParseRow(const TableDef& table,
                                                                    absl::string_view row);

// Not thread-safe; must not outlive its snapshot.
class Reader {
 public:
  // `today` is the legal day of the reading. `settled`: every version effective by today is already
  // current, so the short path tells the truth. `all_built`: no index, totals or what is derived is
  // still being built, so that nobody looks whether it is.
  Reader(const Snapshot* snapshot, const Schema* schema, base::Date today, bool settled,
         bool all_built)
      : snapshot_(snapshot),
        schema_(schema),
        today_(today),
        settled_(settled),
        all_built_(all_built) {}
  bool settled() const { return settled_; }
  virtual ~Reader() = default;

  base::Date today() const { return today_; }
  const Snapshot& snapshot() const { return *snapshot_; }

  // nullopt where no version is in force or the record has ended. DATA_LOSS on damage.
  absl::StatusOr<std::optional<RawRow>> FindRaw(const TableDef& table, const Key& key,
                                                const At& at = {}) const;
  template <class Row>
  absl::StatusOr<std::optional<Stored<Row>>> Find(const Table<Row>& table, const Key& key,
                                                  const At& at = {}) const {
    ASSIGN_OR_RETURN(std::optional<RawRow> raw, FindRaw(table, key, at));
    std::optional<Stored<Row>> found;
    if (raw.has_value()) {
      ASSIGN_OR_RETURN(found, Parse<Row>(raw->view()));
    }
    return found;
  }
  // The first of these keys that a record is under, all of which are looked up together: who is to
  // find none of them, as a new record does, pays for little more than one.
  absl::StatusOr<std::optional<size_t>> FindFirst(const TableDef& table, absl::Span<const Key> keys,
                                                  const At& at = {}) const;
  // By a unique index; today's state only. UNAVAILABLE while the index is being built.
  absl::StatusOr<std::optional<RawRow>> FindUniqueRaw(const IndexDef& index, const Key& key) const;
  template <class Row>
  absl::StatusOr<std::optional<Stored<Row>>> FindUnique(const Index<Row>& index,
                                                        const Key& key) const {
    ASSIGN_OR_RETURN(std::optional<RawRow> raw, FindUniqueRaw(index, key));
    std::optional<Stored<Row>> found;
    if (raw.has_value()) {
      ASSIGN_OR_RETURN(found, Parse<Row>(raw->view()));
    }
    return found;
  }

  // Rows of a table in order of key.
  absl::Status Scan(const TableDef& table, const Range& range, const At& at,
                    const RowVisitor& visit) const;
  // Rows in order of an index. UNAVAILABLE while the index is being built.
  absl::Status Scan(const IndexDef& index, const Range& range, const At& at,
                    const RowVisitor& visit) const;
  // What Scan shows under each of these beginnings of its keys, which may come in any order: in one
  // walk in order of key. `visit` gets the place of the beginning among them, and says whether it
  // wants more of that one; what it writes may be missed. Where nothing is under most of them, many
  // cost little more than one.
  using EachVisitor = std::function<absl::StatusOr<bool>(size_t which, const RowView& row)>;
  absl::Status ScanEach(const IndexDef& index, absl::Span<const Key> prefixes, const At& at,
                        const EachVisitor& visit) const;

  // Totals of the groups whose key begins with `prefix`: what a scan of their table at `at` would
  // add up to. Groups that nothing is in are not shown. UNAVAILABLE while they are being built. A
  // group is one row, when `at` is today and now; each effective day between as_of and today adds
  // one, each command recorded since known_at one more.
  virtual absl::Status ScanTotals(const TotalsDef& totals, const Key& prefix, const At& at,
                                  const TotalsVisitor& visit) const;

  template <class Row>
  static absl::StatusOr<Stored<Row>> Parse(const RowView& view) {
    Stored<Row> stored;
    stored.version = view.version;
    if (!stored.row.ParseFromArray(view.row.data(), static_cast<int>(view.row.size()))) {
      return base::StoreCorrupt("row does not parse");
    }
    return stored;
  }

  // All versions of a record, newest first in force order; for history views. With `down_to`, those
  // effective after it and at least the one in force on it.
  absl::StatusOr<std::vector<RawRow>> Versions(
      const TableDef& table, absl::string_view key,
      std::optional<base::Date> down_to = std::nullopt) const;

 protected:
  // Whether the short path answers `at` for a record whose current version is this.
  bool CurrentAnswers(const Version& current, const At& at) const;
  bool WantsCurrent(const At& at) const {
    return settled_ && !at.as_of.has_value() && !at.known_at_us.has_value();
  }
  absl::StatusOr<std::optional<RawRow>> Resolve(const TableDef& table, absl::string_view key,
                                                const At& at, std::optional<RawRow> current) const;
  absl::StatusOr<std::optional<std::string>> UniqueKey(const IndexDef& index, const Key& key) const;
  absl::StatusOr<std::optional<RawRow>> ReadCurrent(const TableDef& table,
                                                    absl::string_view key) const;
  absl::StatusOr<bool> EmitsKey(const IndexDef& index, const RowView& row,
                                absl::string_view index_key) const;
  // Whether an index or totals are not whole yet; the marker's value then.
  absl::StatusOr<std::optional<std::string>> Building(uint16_t id) const;

  const Snapshot* snapshot_;
  const Schema* schema_;
  base::Date today_;
  bool settled_;
  bool all_built_;

 private:
  absl::Status ScanIndexCurrent(const IndexDef& index, const Range& range,
                                const RowVisitor& visit) const;
  absl::Status ScanIndexAt(const IndexDef& index, const Range& range, const At& at,
                           const RowVisitor& visit) const;
  // The rows of the next entries under `prefix`, where `cursor` stands on the first: up to so many,
  // which `visit` gets with their places; whether it wants more.
  absl::StatusOr<bool> VisitEntries(const IndexDef& index, absl::string_view prefix, size_t most,
                                    Cursor* cursor, const RowVisitor& visit) const;
  absl::Status CheckBuilt(uint16_t id) const;
  // The stored values of row keys, in order, until `visit` says enough; nullopt where absent.
  absl::Status VisitRows(const std::vector<std::string>& keys,
                         const Snapshot::ManyVisitor& visit) const;
};

// UNAVAILABLE INDEX_BUILDING.
absl::Status IndexBuilding();

// An index entry taken apart. Views into the cursor's key and value.
struct IndexEntry {
  absl::string_view index_key;
  absl::string_view primary;
};
absl::StatusOr<IndexEntry> DecodeIndexEntry(const IndexDef& index, char kind, absl::string_view key,
                                            absl::string_view value);

}  // namespace nisi::store
