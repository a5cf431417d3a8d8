// The scrub: reads everything once and holds it against itself.
#include <set>

#include "absl/strings/str_cat.h"
#include "common/store/store.h"

namespace nisi::store {
namespace {

using google::protobuf::Message;
using Entries = std::set<std::string>;

class Scrubber {
 public:
  Scrubber(const View& view, const Schema& schema) : view_(view), schema_(schema) {}

  absl::Status Tables() {
    for (const TableDef* table : schema_.tables) {
      const std::vector<const IndexDef*> indexes = schema_.IndexesOf(*table);
      std::vector<Entries> expected(indexes.size());
      RETURN_IF_ERROR(Rows(*table, indexes, &expected));
      for (size_t i = 0; i < indexes.size(); ++i) RETURN_IF_ERROR(CompareIndex(*indexes[i], std::move(expected[i])));
    }
    return absl::OkStatus();
  }

  absl::Status Journal(int64_t oldest, int64_t position) {
    int64_t next = oldest;
    const auto cursor = view_.snapshot().Scan(Space::kLog, JournalKey(oldest), "K");
    for (; cursor->Valid(); cursor->Next(), ++next) {
      if (cursor->key() != JournalKey(next)) {
        Find(absl::StrCat("journal: gap at position ", next));
        next = static_cast<int64_t>(ReadBigEndian64(cursor->key().substr(1)));
      }
      ASSIGN_OR_RETURN(const JournalRecord record, DecodeJournal(next, cursor->value()));
      std::string leaf;
      ASSIGN_OR_RETURN(const bool present, view_.snapshot().Get(Space::kLog, NodeKey(0, next - 1), &leaf));
      if (!present || leaf != ToBytes(LeafHash(record.leaf))) {
        Find(absl::StrCat("journal: entry ", next, " is not the one in the tree"));
      }
    }
    RETURN_IF_ERROR(cursor->status());
    if (next != position + 1) Find(absl::StrCat("journal: ends at ", next - 1, ", the store is at ", position));
    return absl::OkStatus();
  }

  absl::Status Tree() {
    const auto cursor = view_.snapshot().Scan(Space::kLog, "N", "O");
    for (; cursor->Valid(); cursor->Next()) {
      const int level = cursor->key()[1];
      if (level == 0) continue;
      const auto index = static_cast<int64_t>(ReadBigEndian64(cursor->key().substr(2)));
      std::string left, right;
      ASSIGN_OR_RETURN(const bool has_left, view_.snapshot().Get(Space::kLog, NodeKey(level - 1, 2 * index), &left));
      ASSIGN_OR_RETURN(const bool has_right, view_.snapshot().Get(Space::kLog, NodeKey(level - 1, 2 * index + 1), &right));
      ASSIGN_OR_RETURN(const Hash left_hash, ToHash(has_left ? left : std::string(32, '\0')));
      ASSIGN_OR_RETURN(const Hash right_hash, ToHash(has_right ? right : std::string(32, '\0')));
      if (cursor->value() != ToBytes(NodeHash(left_hash, right_hash))) {
        Find(absl::StrCat("tree: node ", level, "/", index, " does not follow from its children"));
      }
    }
    return cursor->status();
  }

  std::vector<std::string> findings;

 private:
  void Find(std::string finding) { findings.push_back(std::move(finding)); }

  // Reads all rows of a table and notes which index entries they ask for.
  absl::Status Rows(const TableDef& table, const std::vector<const IndexDef*>& indexes, std::vector<Entries>* expected) {
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
      if (table.key(*row).bytes() != key) Find(absl::StrCat("table ", table.name, ": a row lies under another key"));
      for (size_t i = 0; i < indexes.size(); ++i) {
        indexes[i]->keys(*row, [&](const Key& index_key) {
          if (!(*expected)[i].insert(std::string(index_key.bytes()) + key).second) {
            Find(absl::StrCat("index ", indexes[i]->name, ": duplicate entry"));
          }
        });
      }
    }
    return cursor->status();
  }

  absl::Status CompareIndex(const IndexDef& index, Entries expected) {
    std::string building;
    ASSIGN_OR_RETURN(const bool unbuilt,
                     view_.snapshot().Get(Space::kData, SystemKey(kMetaId, Key::Of("building", int64_t{index.id})), &building));
    if (unbuilt) return absl::OkStatus();
    const std::string base = TablePrefix(index.id, kCurrent);
    const auto cursor = view_.snapshot().Scan(Space::kData, base, PrefixEnd(base));
    for (; cursor->Valid(); cursor->Next()) {
      ASSIGN_OR_RETURN(const IndexEntry entry, DecodeIndexEntry(index, kCurrent, cursor->key(), cursor->value()));
      if (expected.erase(std::string(entry.index_key) + std::string(entry.primary)) == 0) {
        Find(absl::StrCat("index ", index.name, ": dangling entry"));
      }
    }
    for (size_t i = 0; i < expected.size(); ++i) Find(absl::StrCat("index ", index.name, ": missing entry"));
    return cursor->status();
  }

  const View& view_;
  const Schema& schema_;
};

}  // namespace

absl::StatusOr<std::vector<std::string>> Store::Scrub() const {
  const View view = Read();
  ASSIGN_OR_RETURN(const int64_t at, view.Position());
  Scrubber scrubber(view, *schema_);
  RETURN_IF_ERROR(scrubber.Tables());
  RETURN_IF_ERROR(scrubber.Journal(oldest_position(), at));
  RETURN_IF_ERROR(scrubber.Tree());
  return std::move(scrubber.findings);
}

}  // namespace nisi::store
