// The scrub: reads everything once and holds it against itself. What is held against each other is
// of one snapshot; a new one is taken after every so many entries, so that a slow scrub keeps no
// old versions alive, and each may find a later store. It remembers nothing of what it has passed
// but numbers, so it has room in any process.
#include <algorithm>
#include <bit>
#include <functional>
#include <map>
#include <optional>
#include <set>

#include "absl/strings/str_cat.h"
#include "common/store/derived.h"
#include "common/store/scrub_pace.h"
#include "common/store/store.h"
#include "common/store/totals_changes.h"

namespace nisi::store {
namespace {

using google::protobuf::Message;

// What stands before the reply in the row of a request: time, hash of the body, position.
constexpr size_t kOnceHeaderBytes = 8 + sizeof(Hash) + 8;
// So long is a request answered again; engines drop its row some time later.
constexpr absl::Duration kRequestsKept = absl::Hours(30 * 24);

// Entries read of one snapshot, where nothing else asks for a whole table of one.
constexpr size_t kEntriesASnapshot = 2000;
// More would not be read by anybody.
constexpr size_t kMostFindings = 1000;

class Scrubber {
 public:
  // `read` makes a view of the store as it is then.
  Scrubber(std::function<View()> read, const Schema& schema, base::Clock& clock)
      : read_(std::move(read)), schema_(schema), clock_(clock) {}

  absl::Status Run() {
    RETURN_IF_ERROR(Renew());
    for (const TableDef* table : schema_.tables) {
      RETURN_IF_ERROR(Rows(*table));
      for (const IndexDef* index : schema_.IndexesOf(*table)) RETURN_IF_ERROR(Entries(*index));
      RETURN_IF_ERROR(History(*table));
      for (const TotalsDef* totals : schema_.TotalsOf(*table)) {
        RETURN_IF_ERROR(Renew());
        RETURN_IF_ERROR(CompareTotals(*totals));
      }
      for (const Derived* derived : schema_.DerivedOf(*table)) {
        RETURN_IF_ERROR(Renew());
        if (!unbuilt_.contains(derived->id)) RETURN_IF_ERROR(derived->Scrub(*view_, &findings));
      }
    }
    RETURN_IF_ERROR(Journal());
    RETURN_IF_ERROR(Tree());
    return Requests();
  }

  std::vector<std::string> findings;

 private:
  using Visit = std::function<absl::Status(absl::string_view key, absl::string_view value)>;

  // The store as it is now.
  absl::Status Renew() {
    view_.reset();  // one at a time
    view_.emplace(read_());
    ASSIGN_OR_RETURN(position_, view_->Position());
    oldest_ = 1;
    ASSIGN_OR_RETURN(const std::string oldest, view_->Meta("oldest"));
    if (!oldest.empty()) {
      ASSIGN_OR_RETURN(oldest_, DecodeNumber(oldest, "oldest position"));
    }
    // The clock may have been set back since.
    ASSIGN_OR_RETURN(const int64_t recorded_us, view_->RecordedUs());
    const absl::Time now = std::max(clock_.Now(), absl::FromUnixMicros(recorded_us));
    requests_since_us_ = absl::ToUnixMicros(now - kRequestsKept);
    unbuilt_.clear();
    const auto look = [&](uint16_t id) -> absl::Status {
      std::string building;
      ASSIGN_OR_RETURN(const bool unbuilt,
                       view_->snapshot().Get(Space::kData, BuildingKey(id), &building));
      if (unbuilt) unbuilt_.insert(id);
      return absl::OkStatus();
    };
    for (const IndexDef* index : schema_.indexes) RETURN_IF_ERROR(look(index->id));
    for (const TotalsDef* totals : schema_.totals) RETURN_IF_ERROR(look(totals->id));
    for (const Derived* derived : schema_.derived) RETURN_IF_ERROR(look(derived->id));
    return absl::OkStatus();
  }

  // Shows the entries in [lower, upper), each of a snapshot that `view_` is of then.
  absl::Status Walk(Space space, std::string lower, const std::string& upper, const Visit& visit) {
    for (bool more = true; more;) {
      RETURN_IF_ERROR(Renew());
      const auto cursor = view_->snapshot().Scan(space, lower, upper);
      for (size_t n = 0; cursor->Valid() && n < kEntriesASnapshot; ++n, cursor->Next()) {
        RETURN_IF_ERROR(visit(cursor->key(), cursor->value()));
      }
      RETURN_IF_ERROR(cursor->status());
      more = cursor->Valid();
      if (more) lower = std::string(cursor->key());
    }
    return absl::OkStatus();
  }

  // Up to where the store is when it begins.
  absl::Status Journal() {
    const int64_t position = position_;
    int64_t next = oldest_;
    const absl::Status walked =
        Walk(Space::kLog, JournalKey(next), JournalKey(position + 1),
             [&](absl::string_view key, absl::string_view value) -> absl::Status {
               if (!IsOf(key, 'J', position)) return absl::OkStatus();
               next = std::max(next, oldest_);  // what was pruned since is no gap
               if (key != JournalKey(next)) {
                 Find(absl::StrCat("journal: gap at position ", next));
                 next = PositionOf(key);
               }
               ASSIGN_OR_RETURN(const JournalRecord record, DecodeJournal(next, value));
               ASSIGN_OR_RETURN(const Hash leaf, NodeAt(0, next - 1));
               if (leaf != LeafHash(record.leaf)) {
                 Find(absl::StrCat("journal: entry ", next, " is not the one in the tree"));
               }
               RETURN_IF_ERROR(FindsWhatItDid(next, record));
               ++next;
               return absl::OkStatus();
             });
    RETURN_IF_ERROR(walked);
    next = std::max(next, oldest_);
    if (next <= position)
      Find(absl::StrCat("journal: ends at ", next - 1, ", the store is at ", position));
    return absl::OkStatus();
  }

  // Every row of a request: of a position that the store has, and of the request that lies there;
  // of none where it changed nothing.
  absl::Status Requests() {
    return Walk(
        Space::kOnce, "", "", [&](absl::string_view key, absl::string_view value) -> absl::Status {
          if (value.size() < kOnceHeaderBytes || key.size() != sizeof(Hash)) {
            Find("requests: a row does not parse");
            return absl::OkStatus();
          }
          const auto recorded_us = static_cast<int64_t>(ReadBigEndian64(value));
          const int64_t at = PositionIn(value);
          if (at == 0) return absl::OkStatus();  // Of an update that changed nothing.
          if (at < 1 || at > position_) {
            Find(absl::StrCat("requests: a row of position ", at, ", the store is at ", position_));
            return absl::OkStatus();
          }
          if (at < oldest_) return absl::OkStatus();  // Its entry is no longer kept.
          std::string bytes;
          ASSIGN_OR_RETURN(const bool present,
                           view_->snapshot().Get(Space::kLog, JournalKey(at), &bytes));
          if (!present) return absl::OkStatus();  // A gap of the journal, found there.
          ASSIGN_OR_RETURN(const JournalRecord record, DecodeJournal(at, bytes));
          journal::v1::Entry entry;
          if (!entry.ParseFromString(record.leaf) || OnceKey(InfoOf(entry)) != key ||
              RecordedUs(entry) != recorded_us) {
            Find(absl::StrCat("requests: a row of position ", at, " is not of the request there"));
          }
          return absl::OkStatus();
        });
  }

  // Up to where the store is when it begins.
  absl::Status Tree() {
    RETURN_IF_ERROR(Renew());
    const int64_t position = position_;
    std::map<int, int64_t> nodes;  // how many of each level
    RETURN_IF_ERROR(Walk(
        Space::kLog, "", "", [&](absl::string_view key, absl::string_view hashes) -> absl::Status {
          if (!IsOf(key, 'N', position_)) {
            if (!IsOf(key, 'J', position_)) Find("log: a row of no position");
            return absl::OkStatus();
          }
          const int64_t leaf = PositionOf(key);
          if (leaf > position) return absl::OkStatus();
          // The subtrees that end with a leaf: one for each time its position halves evenly, and
          // itself.
          const int levels = std::countr_zero(static_cast<uint64_t>(leaf)) + 1;
          if (hashes.size() != static_cast<size_t>(levels) * sizeof(Hash)) {
            Find(absl::StrCat("tree: other hashes lie at position ", leaf, " than end there"));
          }
          for (int level = 0;
               level < levels && hashes.size() >= static_cast<size_t>(level + 1) * sizeof(Hash);
               ++level) {
            ++nodes[level];
            if (level == 0) continue;
            const int64_t index = (leaf >> level) - 1;
            ASSIGN_OR_RETURN(const Hash left, NodeAt(level - 1, 2 * index));
            ASSIGN_OR_RETURN(const Hash right, NodeAt(level - 1, 2 * index + 1));
            ASSIGN_OR_RETURN(const Hash node, NodeAt(level, index));
            if (node != NodeHash(left, right)) {
              Find(absl::StrCat("tree: node ", level, "/", index,
                                " does not follow from its children"));
            }
          }
          return absl::OkStatus();
        }));
    for (int level = 0; position >> level > 0; ++level) {
      if (nodes[level] == position >> level) continue;
      Find(absl::StrCat("tree: level ", level, " has ", nodes[level], " nodes, not ",
                        position >> level));
    }
    return absl::OkStatus();
  }

  static CommandInfo InfoOf(const journal::v1::Entry& entry) {
    CommandInfo info;
    info.actor = entry.actor();
    info.on_behalf_of = entry.on_behalf_of();
    info.method = entry.method();
    info.request_id = entry.request_id();
    return info;
  }
  static int64_t RecordedUs(const journal::v1::Entry& entry) {
    return entry.record_time().seconds() * 1'000'000 + entry.record_time().nanos() / 1000;
  }
  absl::Status FindsWhatItDid(int64_t position, const JournalRecord& record) {
    journal::v1::Entry entry;
    if (!entry.ParseFromString(record.leaf)) {
      Find(absl::StrCat("journal: entry ", position, " does not parse"));
      return absl::OkStatus();
    }
    for (int i = 0; i < entry.changes_size(); ++i) {
      RETURN_IF_ERROR(FindsVersionOf(position, entry, i));
    }
    return FindsRequest(position, entry);
  }

  // Every version that a command has recorded is there, current or not: a record that is gone with
  // all that leads to it, or lies there as it was before, contradicts nothing else.
  absl::Status FindsVersionOf(int64_t position, const journal::v1::Entry& entry, int at) {
    const journal::v1::Change& change = entry.changes(at);
    const TableDef* const table = schema_.FindTable(change.table());
    const auto from = base::Date::FromProto(change.effective_from());
    if (table == nullptr || !from.ok()) return absl::OkStatus();  // a table that was given up
    Version version;
    version.position = position;
    version.effective_from = *from;
    ASSIGN_OR_RETURN(bool there, IsAt(RowKey(*table, change.key()), version));
    if (!there) {
      ASSIGN_OR_RETURN(there, IsAt(HistoryKey(*table, change.key(), version), version));
    }
    if (!there) {
      ASSIGN_OR_RETURN(there, IsReplaced(position, entry, at));
    }
    if (!there) {
      Find(absl::StrCat("table ", table->name, ": the version of position ", position,
                        " is not there"));
    }
    return absl::OkStatus();
  }
  absl::StatusOr<bool> IsAt(const std::string& place, const Version& version) const {
    std::string value;
    ASSIGN_OR_RETURN(const bool present, view_->snapshot().Get(Space::kData, place, &value));
    if (!present) return false;
    const auto stored = DecodeRow(value);  // one that is no row was found with the rows
    return stored.ok() && stored->version.position == version.position &&
           stored->version.effective_from == version.effective_from;
  }
  // Whether the command itself put another in the place of what a change has put there.
  absl::StatusOr<bool> IsReplaced(int64_t position, journal::v1::Entry entry, int at) const {
    const journal::v1::Change change = entry.changes(at);
    const auto same = [&change](const journal::v1::Change& other) {
      return other.table() == change.table() && other.key() == change.key() &&
             other.effective_from().SerializeAsString() ==
                 change.effective_from().SerializeAsString();
    };
    for (auto from = entry.changes().begin() + at + 1;; from = entry.changes().begin()) {
      if (std::any_of(from, entry.changes().end(), same)) return true;
      if (entry.part() >= entry.parts()) return false;
      std::string value;
      ASSIGN_OR_RETURN(const bool present,
                       view_->snapshot().Get(Space::kLog, JournalKey(++position), &value));
      if (!present) return false;
      ASSIGN_OR_RETURN(const JournalRecord record, DecodeJournal(position, value));
      if (!entry.ParseFromString(record.leaf)) return false;
    }
  }

  // A request is answered again for so long at least; then its row may be gone.
  absl::Status FindsRequest(int64_t position, const journal::v1::Entry& entry) {
    // One row a request, written with its last entry.
    if (entry.request_id().empty() || entry.part() != entry.parts()) return absl::OkStatus();
    if (RecordedUs(entry) < requests_since_us_) return absl::OkStatus();
    std::string row;
    ASSIGN_OR_RETURN(const bool present,
                     view_->snapshot().Get(Space::kOnce, OnceKey(InfoOf(entry)), &row));
    if (!present) {
      Find(absl::StrCat("requests: the one at position ", position, " has no row"));
    } else if (row.size() >= kOnceHeaderBytes && PositionIn(row) == 0) {
      Find(absl::StrCat("requests: the one at position ", position, " has a row of none"));
    }
    return absl::OkStatus();
  }

  void Find(std::string finding) {
    if (findings.size() < kMostFindings) findings.push_back(std::move(finding));
  }

  // Of a row of a request.
  static int64_t PositionIn(absl::string_view row) {
    return static_cast<int64_t>(ReadBigEndian64(row.substr(kOnceHeaderBytes - sizeof(int64_t))));
  }
  // Whether a key of the log is that of a row of this kind, of a position that the store has.
  static bool IsOf(absl::string_view log_key, char kind, int64_t last) {
    return log_key.size() == JournalKey(0).size() && log_key.back() == kind &&
           PositionOf(log_key) >= 1 && PositionOf(log_key) <= last;
  }
  static int64_t PositionOf(absl::string_view log_key) {
    return static_cast<int64_t>(ReadBigEndian64(log_key));
  }
  // Zeros where there is none: no hash.
  absl::StatusOr<Hash> NodeAt(int level, int64_t index) const {
    std::string value;
    const std::string key = NodesKey(CompletedBy(level, index));
    RETURN_IF_ERROR(view_->snapshot().Get(Space::kLog, key, &value).status());
    const size_t at = static_cast<size_t>(level) * sizeof(Hash);
    if (value.size() < at + sizeof(Hash)) return Hash{};
    return ToHash(absl::string_view(value).substr(at, sizeof(Hash)));
  }

  // Whether an index leads from a key to a record, today.
  absl::StatusOr<bool> Leads(const IndexDef& index, absl::string_view index_key,
                             absl::string_view key) const {
    std::string value;
    const std::string place = absl::StrCat(TablePrefix(index.id, kCurrent), index_key,
                                           index.unique ? absl::string_view() : key);
    ASSIGN_OR_RETURN(const bool present, view_->snapshot().Get(Space::kData, place, &value));
    return present && (!index.unique || value == key);
  }

  // Whether it is this version that holds today, whatever is the current one.
  absl::StatusOr<bool> IsInForce(const TableDef& table, absl::string_view key,
                                 const Version& version) const {
    At today;
    today.as_of = view_->today();
    ASSIGN_OR_RETURN(const std::optional<RawRow> found,
                     view_->FindRaw(table, Key::FromBytes(key), today));
    return found.has_value() && found->version.position == version.position &&
           found->version.effective_from == version.effective_from;
  }

  // Whether a version would be the current one but for a timer of its day that has not fired yet.
  absl::StatusOr<bool> IsToTakeEffect(const Version& version, const Version& current) const {
    if (version.effective_from > view_->today() || !version.Beats(current)) return false;
    // Of other kinds one may fail, and be due for days.
    const int64_t today_us = absl::ToUnixMicros(view_->today().StartOfDay());
    const auto cursor = view_->snapshot().Scan(Space::kData, SystemKey(kTimersId, Key()),
                                               SystemKey(kTimersId, Key::Of(today_us + 1)));
    for (; cursor->Valid(); cursor->Next()) {
      if (KeyReader(cursor->value()).Text() == kEffectiveTimer) return false;
    }
    RETURN_IF_ERROR(cursor->status());
    return true;
  }

  // The keys under which an index has a row; one that is named twice is one.
  static std::set<std::string> KeysOf(const IndexDef& index, const Message& row) {
    std::set<std::string> keys;
    index.keys(row, [&keys](const Key& index_key) { keys.emplace(index_key.bytes()); });
    return keys;
  }

  // Every row of a table lies under its key, and the indexes lead to it.
  absl::Status Rows(const TableDef& table) {
    const std::vector<const IndexDef*> indexes = schema_.IndexesOf(table);
    const std::string base = TablePrefix(table.id, kCurrent);
    const std::unique_ptr<Message> row(table.prototype->New());
    return Walk(
        Space::kData, base, PrefixEnd(base),
        [&](absl::string_view place, absl::string_view value) -> absl::Status {
          ASSIGN_OR_RETURN(const RowView stored, DecodeRow(value));
          if (stored.version.ended) return absl::OkStatus();
          const absl::string_view key = place.substr(base.size());
          if (!row->ParseFromArray(stored.row.data(), static_cast<int>(stored.row.size()))) {
            Find(absl::StrCat("table ", table.name, ": a row does not parse"));
            return absl::OkStatus();
          }
          if (table.key(*row).bytes() != key)
            Find(absl::StrCat("table ", table.name, ": a row lies under another key"));
          for (const IndexDef* index : indexes) {
            if (unbuilt_.contains(index->id)) continue;
            for (const std::string& index_key : KeysOf(*index, *row)) {
              ASSIGN_OR_RETURN(bool good, Leads(*index, index_key, key));
              // A unique entry may have gone to its next holder, on a day to whose turn the timers
              // have not come yet.
              if (!good && index->unique) {
                ASSIGN_OR_RETURN(const bool holds, IsInForce(table, key, stored.version));
                good = !holds;
              }
              if (!good) Find(absl::StrCat("index ", index->name, ": missing entry"));
            }
          }
          return absl::OkStatus();
        });
  }

  // Every entry of an index leads to a row that has its key.
  absl::Status Entries(const IndexDef& index) {
    const std::string base = TablePrefix(index.id, kCurrent);
    const std::unique_ptr<Message> row(index.on->prototype->New());
    return Walk(
        Space::kData, base, PrefixEnd(base),
        [&](absl::string_view place, absl::string_view value) -> absl::Status {
          if (unbuilt_.contains(index.id)) return absl::OkStatus();
          ASSIGN_OR_RETURN(const IndexEntry entry, DecodeIndexEntry(index, kCurrent, place, value));
          std::string bytes;
          ASSIGN_OR_RETURN(
              const bool present,
              view_->snapshot().Get(Space::kData, RowKey(*index.on, entry.primary), &bytes));
          bool good = false;
          if (present) {
            ASSIGN_OR_RETURN(const RowView stored, DecodeRow(bytes));
            good = !stored.version.ended &&
                   row->ParseFromArray(stored.row.data(), static_cast<int>(stored.row.size())) &&
                   KeysOf(index, *row).contains(std::string(entry.index_key));
          }
          if (!good) Find(absl::StrCat("index ", index.name, ": dangling entry"));
          return absl::OkStatus();
        });
  }

  // Every other version: lies at its own place, belongs to a record, and is found by its indexes.
  absl::Status History(const TableDef& table) {
    constexpr size_t kVersionBytes = 12;
    const std::vector<const IndexDef*> indexes = schema_.IndexesOf(table);
    const std::string base = TablePrefix(table.id, kHistory);
    const std::unique_ptr<Message> row(table.prototype->New());
    return Walk(
        Space::kData, base, PrefixEnd(base),
        [&](absl::string_view at, absl::string_view value) -> absl::Status {
          ASSIGN_OR_RETURN(const RowView stored, DecodeRow(value));
          const absl::string_view place = at.substr(base.size());
          const absl::string_view key =
              place.substr(0, place.size() - std::min(place.size(), kVersionBytes));
          if (HistoryKey(table, key, stored.version) != at) {
            Find(absl::StrCat("table ", table.name, ": a version lies at another's place"));
            return absl::OkStatus();
          }
          std::string current;
          ASSIGN_OR_RETURN(const bool present,
                           view_->snapshot().Get(Space::kData, RowKey(table, key), &current));
          if (!present) Find(absl::StrCat("table ", table.name, ": a version without its record"));
          if (const auto standing = DecodeRow(current); standing.ok()) {
            ASSIGN_OR_RETURN(const bool missed, IsToTakeEffect(stored.version, standing->version));
            if (missed) {
              Find(absl::StrCat("table ", table.name,
                                ": a version that is in force is not the current one"));
            }
          }
          if (stored.version.ended) return absl::OkStatus();
          if (!row->ParseFromArray(stored.row.data(), static_cast<int>(stored.row.size()))) {
            Find(absl::StrCat("table ", table.name, ": a version does not parse"));
            return absl::OkStatus();
          }
          if (table.key(*row).bytes() != key)
            Find(absl::StrCat("table ", table.name, ": a version lies under another key"));
          for (const IndexDef* index : indexes) RETURN_IF_ERROR(FindsVersion(*index, *row, key));
          return absl::OkStatus();
        });
  }

  absl::Status FindsVersion(const IndexDef& index, const Message& row, absl::string_view key) {
    if (unbuilt_.contains(index.id)) return absl::OkStatus();
    for (const std::string& index_key : KeysOf(index, row)) {
      std::string value;
      const std::string past = absl::StrCat(TablePrefix(index.id, kHistory), index_key, key);
      ASSIGN_OR_RETURN(bool found, view_->snapshot().Get(Space::kData, past, &value));
      if (!found) {
        ASSIGN_OR_RETURN(found, Leads(index, index_key, key));
      }
      if (!found)
        Find(absl::StrCat("index ", index.name, ": missing entry of a past or future version"));
    }
    return absl::OkStatus();
  }

  // Adds up the versions of all records anew.
  absl::Status CompareTotals(const TotalsDef& totals) {
    if (unbuilt_.contains(totals.id)) return absl::OkStatus();
    TotalsChanges changes(&totals);
    const std::string base = TablePrefix(totals.on->id, kCurrent);
    const auto cursor = view_->snapshot().Scan(Space::kData, base, PrefixEnd(base));
    for (; cursor->Valid(); cursor->Next()) {
      ASSIGN_OR_RETURN(std::vector<RawRow> versions,
                       view_->Versions(*totals.on, cursor->key().substr(base.size())));
      const absl::Status added = changes.RecordAll(std::move(versions));
      // A row that does not parse was found with the rows.
      if (!added.ok() && added.code() != absl::StatusCode::kDataLoss) return added;
    }
    RETURN_IF_ERROR(cursor->status());
    return changes.Compare(view_->snapshot(), &findings);
  }

  const std::function<View()> read_;
  const Schema& schema_;
  base::Clock& clock_;
  // Of the snapshot that is read now.
  std::optional<View> view_;
  int64_t position_ = 0;
  int64_t oldest_ = 1;
  int64_t requests_since_us_ = 0;  // requests recorded since then have a row each
  std::set<uint16_t> unbuilt_;     // indexes and the like that are being built
};

}  // namespace

absl::StatusOr<std::vector<std::string>> Store::Scrub(ScrubPace* pace) const {
  const auto read = [&] {
    if (pace == nullptr) return Read();
    // What is read in passing must not push out what others come back to.
    return View(AtPace(engine_->NewSnapshot(Reach::kDiskInPassing), pace), schema_,
                base::Date::LegalDay(Now()), /*settled=*/false, /*all_built=*/false);
  };
  Scrubber scrubber(read, *schema_, *options_.clock);
  RETURN_IF_ERROR(scrubber.Run());
  return std::move(scrubber.findings);
}

}  // namespace nisi::store
