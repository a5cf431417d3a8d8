// The scrub: reads everything once and holds it against itself.
#include <algorithm>
#include <bit>
#include <map>
#include <set>

#include "absl/strings/str_cat.h"
#include "common/store/derived.h"
#include "common/store/store.h"
#include "common/store/totals_changes.h"

namespace nisi::store {
namespace {

using google::protobuf::Message;
using Entries = std::set<std::string>;

// What stands before the reply in the row of a request: time, hash of the body, position.
constexpr size_t kOnceHeaderBytes = 8 + sizeof(Hash) + 8;
// So long is a request answered again; engines drop its row some time later.
constexpr absl::Duration kRequestsKept = absl::Hours(30 * 24);

class Scrubber {
 public:
  // Requests recorded since then have a row each.
  Scrubber(const View& view, const Schema& schema, absl::Time requests_since)
      : view_(view), schema_(schema), requests_since_us_(absl::ToUnixMicros(requests_since)) {}

  absl::Status Tables() {
    for (const TableDef* table : schema_.tables) {
      const std::vector<const IndexDef*> indexes = schema_.IndexesOf(*table);
      std::vector<Entries> expected(indexes.size());
      RETURN_IF_ERROR(Rows(*table, indexes, &expected));
      for (size_t i = 0; i < indexes.size(); ++i)
        RETURN_IF_ERROR(CompareIndex(*indexes[i], std::move(expected[i])));
      RETURN_IF_ERROR(History(*table, indexes));
      for (const TotalsDef* totals : schema_.TotalsOf(*table))
        RETURN_IF_ERROR(CompareTotals(*totals));
      for (const Derived* derived : schema_.DerivedOf(*table)) {
        ASSIGN_OR_RETURN(const bool unbuilt, Unbuilt(derived->id));
        if (!unbuilt) RETURN_IF_ERROR(derived->Scrub(view_, &findings));
      }
    }
    return absl::OkStatus();
  }

  absl::Status Journal(int64_t oldest, int64_t position) {
    int64_t next = oldest;
    const auto cursor = view_.snapshot().Scan(Space::kLog, JournalKey(oldest), "");
    for (; cursor->Valid(); cursor->Next()) {
      if (!IsOf(cursor->key(), 'J', position)) continue;
      if (cursor->key() != JournalKey(next)) {
        Find(absl::StrCat("journal: gap at position ", next));
        next = PositionOf(cursor->key());
      }
      ASSIGN_OR_RETURN(const JournalRecord record, DecodeJournal(next, cursor->value()));
      ASSIGN_OR_RETURN(const Hash leaf, NodeAt(0, next - 1));
      if (leaf != LeafHash(record.leaf)) {
        Find(absl::StrCat("journal: entry ", next, " is not the one in the tree"));
      }
      RETURN_IF_ERROR(FindsRequest(next, record));
      ++next;
    }
    RETURN_IF_ERROR(cursor->status());
    if (next != position + 1)
      Find(absl::StrCat("journal: ends at ", next - 1, ", the store is at ", position));
    return absl::OkStatus();
  }

  // Every row of a request: of a position that the store has, and of the request that lies there.
  absl::Status Requests(int64_t oldest, int64_t position) {
    const auto cursor = view_.snapshot().Scan(Space::kOnce, "", "");
    for (; cursor->Valid(); cursor->Next()) {
      const absl::string_view value = cursor->value();
      if (value.size() < kOnceHeaderBytes || cursor->key().size() != sizeof(Hash)) {
        Find("requests: a row does not parse");
        continue;
      }
      const auto recorded_us = static_cast<int64_t>(ReadBigEndian64(value));
      const auto at =
          static_cast<int64_t>(ReadBigEndian64(value.substr(kOnceHeaderBytes - sizeof(int64_t))));
      if (at < 1 || at > position) {
        Find(absl::StrCat("requests: a row of position ", at, ", the store is at ", position));
        continue;
      }
      if (at < oldest) continue;  // Its entry is no longer kept.
      std::string bytes;
      ASSIGN_OR_RETURN(const bool present,
                       view_.snapshot().Get(Space::kLog, JournalKey(at), &bytes));
      if (!present) continue;  // A gap of the journal, found there.
      ASSIGN_OR_RETURN(const JournalRecord record, DecodeJournal(at, bytes));
      journal::v1::Entry entry;
      if (!entry.ParseFromString(record.leaf) || OnceKey(InfoOf(entry)) != cursor->key() ||
          RecordedUs(entry) != recorded_us) {
        Find(absl::StrCat("requests: a row of position ", at, " is not of the request there"));
      }
    }
    return cursor->status();
  }

  absl::Status Tree(int64_t position) {
    std::map<int, int64_t> nodes;  // how many of each level
    const auto cursor = view_.snapshot().Scan(Space::kLog, "", "");
    for (; cursor->Valid(); cursor->Next()) {
      if (!IsOf(cursor->key(), 'N', position)) {
        if (!IsOf(cursor->key(), 'J', position)) Find("log: a row of no position");
        continue;
      }
      const int64_t leaf = PositionOf(cursor->key());
      const absl::string_view hashes = cursor->value();
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
          Find(
              absl::StrCat("tree: node ", level, "/", index, " does not follow from its children"));
        }
      }
    }
    RETURN_IF_ERROR(cursor->status());
    for (int level = 0; position >> level > 0; ++level) {
      if (nodes[level] == position >> level) continue;
      Find(absl::StrCat("tree: level ", level, " has ", nodes[level], " nodes, not ",
                        position >> level));
    }
    return absl::OkStatus();
  }

  std::vector<std::string> findings;

 private:
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
  // A request is answered again for so long at least; then its row may be gone.
  absl::Status FindsRequest(int64_t position, const JournalRecord& record) {
    journal::v1::Entry entry;
    if (!entry.ParseFromString(record.leaf)) {
      Find(absl::StrCat("journal: entry ", position, " does not parse"));
      return absl::OkStatus();
    }
    // One row a request, written with its last entry.
    if (entry.request_id().empty() || entry.part() != entry.parts()) return absl::OkStatus();
    if (RecordedUs(entry) < requests_since_us_) return absl::OkStatus();
    std::string row;
    ASSIGN_OR_RETURN(const bool present,
                     view_.snapshot().Get(Space::kOnce, OnceKey(InfoOf(entry)), &row));
    if (!present) Find(absl::StrCat("requests: the one at position ", position, " has no row"));
    return absl::OkStatus();
  }

  void Find(std::string finding) { findings.push_back(std::move(finding)); }

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
    RETURN_IF_ERROR(view_.snapshot().Get(Space::kLog, key, &value).status());
    const size_t at = static_cast<size_t>(level) * sizeof(Hash);
    if (value.size() < at + sizeof(Hash)) return Hash{};
    return ToHash(absl::string_view(value).substr(at, sizeof(Hash)));
  }

  // Reads all rows of a table and notes which index entries they ask for.
  absl::Status Rows(const TableDef& table, const std::vector<const IndexDef*>& indexes,
                    std::vector<Entries>* expected) {
    const std::string base = TablePrefix(table.id, kCurrent);
    const auto cursor = view_.snapshot().Scan(Space::kData, base, PrefixEnd(base));
    for (; cursor->Valid(); cursor->Next()) {
      ASSIGN_OR_RETURN(const RowView view, DecodeRow(cursor->value()));
      if (view.version.ended) continue;
      const std::string key(cursor->key().substr(base.size()));
      std::unique_ptr<Message> row(table.prototype->New());
      if (!row->ParseFromArray(view.row.data(), static_cast<int>(view.row.size()))) {
        Find(absl::StrCat("table ", table.name, ": a row does not parse"));
        continue;
      }
      if (table.key(*row).bytes() != key)
        Find(absl::StrCat("table ", table.name, ": a row lies under another key"));
      for (size_t i = 0; i < indexes.size(); ++i) {
        // A row may name a key twice: still one entry.
        indexes[i]->keys(*row, [&](const Key& index_key) {
          (*expected)[i].insert(std::string(index_key.bytes()) + key);
        });
      }
    }
    return cursor->status();
  }

  absl::Status CompareIndex(const IndexDef& index, Entries expected) {
    ASSIGN_OR_RETURN(const bool unbuilt, Unbuilt(index.id));
    if (unbuilt) return absl::OkStatus();
    const std::string base = TablePrefix(index.id, kCurrent);
    const auto cursor = view_.snapshot().Scan(Space::kData, base, PrefixEnd(base));
    for (; cursor->Valid(); cursor->Next()) {
      ASSIGN_OR_RETURN(const IndexEntry entry,
                       DecodeIndexEntry(index, kCurrent, cursor->key(), cursor->value()));
      if (expected.erase(std::string(entry.index_key) + std::string(entry.primary)) == 0) {
        Find(absl::StrCat("index ", index.name, ": dangling entry"));
      }
    }
    for (size_t i = 0; i < expected.size(); ++i)
      Find(absl::StrCat("index ", index.name, ": missing entry"));
    return cursor->status();
  }

  // Every other version: lies at its own place, belongs to a record, and is found by its indexes.
  absl::Status History(const TableDef& table, const std::vector<const IndexDef*>& indexes) {
    const std::string base = TablePrefix(table.id, kHistory);
    const auto cursor = view_.snapshot().Scan(Space::kData, base, PrefixEnd(base));
    for (; cursor->Valid(); cursor->Next()) {
      constexpr size_t kVersionBytes = 12;
      ASSIGN_OR_RETURN(const RowView view, DecodeRow(cursor->value()));
      const absl::string_view place = cursor->key().substr(base.size());
      const absl::string_view key =
          place.substr(0, place.size() - std::min(place.size(), kVersionBytes));
      if (HistoryKey(table, key, view.version) != cursor->key()) {
        Find(absl::StrCat("table ", table.name, ": a version lies at another's place"));
        continue;
      }
      std::string current;
      ASSIGN_OR_RETURN(const bool present,
                       view_.snapshot().Get(Space::kData, RowKey(table, key), &current));
      if (!present) Find(absl::StrCat("table ", table.name, ": a version without its record"));
      if (view.version.ended) continue;
      std::unique_ptr<Message> row(table.prototype->New());
      if (!row->ParseFromArray(view.row.data(), static_cast<int>(view.row.size()))) {
        Find(absl::StrCat("table ", table.name, ": a version does not parse"));
        continue;
      }
      if (table.key(*row).bytes() != key)
        Find(absl::StrCat("table ", table.name, ": a version lies under another key"));
      for (const IndexDef* index : indexes) RETURN_IF_ERROR(FindsVersion(*index, *row, key));
    }
    return cursor->status();
  }

  absl::Status FindsVersion(const IndexDef& index, const Message& row, absl::string_view key) {
    ASSIGN_OR_RETURN(const bool unbuilt, Unbuilt(index.id));
    if (unbuilt) return absl::OkStatus();
    Entries keys;
    index.keys(row, [&keys](const Key& index_key) { keys.emplace(index_key.bytes()); });
    for (const std::string& index_key : keys) {
      std::string value;
      const std::string past =
          absl::StrCat(TablePrefix(index.id, kHistory), index_key, std::string(key));
      const std::string now = absl::StrCat(TablePrefix(index.id, kCurrent), index_key,
                                           index.unique ? "" : std::string(key));
      ASSIGN_OR_RETURN(bool found, view_.snapshot().Get(Space::kData, past, &value));
      if (!found) {
        ASSIGN_OR_RETURN(found, view_.snapshot().Get(Space::kData, now, &value));
        found = found && (!index.unique || value == key);
      }
      if (!found)
        Find(absl::StrCat("index ", index.name, ": missing entry of a past or future version"));
    }
    return absl::OkStatus();
  }

  // Adds up the versions of all records anew.
  absl::Status CompareTotals(const TotalsDef& totals) {
    ASSIGN_OR_RETURN(const bool unbuilt, Unbuilt(totals.id));
    if (unbuilt) return absl::OkStatus();
    TotalsChanges changes(&totals);
    const std::string base = TablePrefix(totals.on->id, kCurrent);
    const auto cursor = view_.snapshot().Scan(Space::kData, base, PrefixEnd(base));
    for (; cursor->Valid(); cursor->Next()) {
      ASSIGN_OR_RETURN(std::vector<RawRow> versions,
                       view_.Versions(*totals.on, cursor->key().substr(base.size())));
      const absl::Status added = changes.RecordAll(std::move(versions));
      // A row that does not parse was found with the rows.
      if (!added.ok() && added.code() != absl::StatusCode::kDataLoss) return added;
    }
    RETURN_IF_ERROR(cursor->status());
    return changes.Compare(view_.snapshot(), &findings);
  }

  absl::StatusOr<bool> Unbuilt(uint16_t id) {
    std::string building;
    return view_.snapshot().Get(Space::kData, BuildingKey(id), &building);
  }

  const View& view_;
  const Schema& schema_;
  const int64_t requests_since_us_;
};

}  // namespace

absl::StatusOr<std::vector<std::string>> Store::Scrub() const {
  const View view = Read();
  ASSIGN_OR_RETURN(const int64_t at, view.Position());
  // The clock may have been set back since.
  ASSIGN_OR_RETURN(const int64_t recorded_us, view.RecordedUs());
  const absl::Time now = std::max(options_.clock->Now(), absl::FromUnixMicros(recorded_us));
  Scrubber scrubber(view, *schema_, now - kRequestsKept);
  RETURN_IF_ERROR(scrubber.Tables());
  ASSIGN_OR_RETURN(const std::string oldest,
                   view.Meta("oldest"));  // of this view: pruning may go on
  int64_t first = 1;
  if (!oldest.empty()) {
    ASSIGN_OR_RETURN(first, DecodeNumber(oldest, "oldest position"));
  }
  RETURN_IF_ERROR(scrubber.Journal(first, at));
  RETURN_IF_ERROR(scrubber.Tree(at));
  RETURN_IF_ERROR(scrubber.Requests(first, at));
  return std::move(scrubber.findings);
}

}  // namespace nisi::store
