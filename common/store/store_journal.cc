// The store's journal and tree, as readers see them.
#include "absl/strings/str_cat.h"
#include "common/store/store.h"

namespace nisi::store {
namespace {

absl::Status Pruned(int64_t oldest) {
  return base::Refusal(
             absl::StatusCode::kOutOfRange, "JOURNAL_PRUNED",
             "These entries are no longer kept: start at the oldest, or restore from a copy.")
      .With("oldestPosition", absl::StrCat(oldest));
}

absl::Status BeyondTree() {
  return base::Refusal(absl::StatusCode::kOutOfRange, "BEYOND_TREE",
                       "The tree has no such entry or size.");
}

}  // namespace

NodeGetter StoredNodes(const Snapshot& snapshot) {
  return [&snapshot](int level, int64_t index) -> absl::StatusOr<Hash> {
    std::string value;
    ASSIGN_OR_RETURN(const bool present,
                     snapshot.Get(Space::kLog, NodesKey(CompletedBy(level, index)), &value));
    constexpr size_t kHashBytes = sizeof(Hash);
    const size_t at = static_cast<size_t>(level) * kHashBytes;
    if (!present || value.size() < at + kHashBytes)
      return base::StoreCorrupt(absl::StrCat("missing tree node ", level, "/", index));
    return ToHash(absl::string_view(value).substr(at, kHashBytes));
  };
}

absl::StatusOr<std::vector<JournalRecord>> Store::ReadJournal(int64_t from, size_t limit,
                                                              size_t max_bytes) const {
  std::vector<JournalRecord> records;
  const auto snapshot = engine_->NewSnapshot();
  // The oldest as of this snapshot: pruning goes on meanwhile.
  std::string bytes_oldest;
  ASSIGN_OR_RETURN(
      const bool pruned,
      snapshot->Get(Space::kData, SystemKey(kMetaId, Key::Of("oldest")), &bytes_oldest));
  int64_t oldest = 1;
  if (pruned) {
    ASSIGN_OR_RETURN(oldest, DecodeNumber(bytes_oldest, "oldest position"));
  }
  if (from < oldest) return Pruned(oldest);
  const auto cursor = snapshot->Scan(Space::kLog, JournalKey(from), "");
  size_t bytes = 0;
  for (int64_t next = from; cursor->Valid() && records.size() < limit && bytes < max_bytes;
       cursor->Next()) {
    if (cursor->key() == NodesKey(next - 1)) continue;
    if (cursor->key() != JournalKey(next))
      return base::StoreCorrupt(absl::StrCat("journal gap at ", next));
    ASSIGN_OR_RETURN(JournalRecord record, DecodeJournal(next, cursor->value()));
    bytes += record.leaf.size() + record.openings.size();
    records.push_back(std::move(record));
    ++next;
  }
  RETURN_IF_ERROR(cursor->status());
  return records;
}

absl::Status Store::PruneJournal(int64_t position) {
  const int64_t first = oldest_position();
  if (position > this->position() + 1) return BeyondTree();
  constexpr int64_t kStep = 1000;
  for (int64_t at = first; at < position; at += kStep) {
    const int64_t end = std::min(position, at + kStep);
    RETURN_IF_ERROR(Bookkeep([&](Overlay& overlay) -> absl::Status {
      // Another who prunes may be further.
      std::string before;
      ASSIGN_OR_RETURN(const bool pruned,
                       overlay.Get(Space::kData, SystemKey(kMetaId, Key::Of("oldest")), &before));
      if (pruned) {
        ASSIGN_OR_RETURN(const int64_t reached, DecodeNumber(before, "oldest position"));
        if (reached >= end) return absl::OkStatus();
      }
      for (int64_t p = at; p < end; ++p) overlay.Delete(Space::kLog, JournalKey(p));
      std::string oldest;
      AppendBigEndian64(&oldest, static_cast<uint64_t>(end));
      overlay.Put(Space::kData, SystemKey(kMetaId, Key::Of("oldest")), oldest);
      return absl::OkStatus();
    }));
    int64_t known = oldest_position();
    while (known < end && !oldest_.compare_exchange_weak(known, end, std::memory_order_acq_rel)) {
    }
  }
  return absl::OkStatus();
}

absl::Status Store::EraseOpenings(int64_t position) {
  return Bookkeep([&](Overlay& overlay) -> absl::Status {
    std::string value;
    ASSIGN_OR_RETURN(const bool present, overlay.Get(Space::kLog, JournalKey(position), &value));
    if (!present) return BeyondTree();
    ASSIGN_OR_RETURN(const JournalRecord record, DecodeJournal(position, value));
    overlay.Put(Space::kLog, JournalKey(position), EncodeJournal(record.leaf, ""));
    return absl::OkStatus();
  });
}

absl::StatusOr<Hash> Store::RootAt(int64_t tree_size) const {
  if (tree_size > position()) return BeyondTree();
  const auto snapshot = engine_->NewSnapshot();
  return store::RootAt(tree_size, StoredNodes(*snapshot));
}

absl::StatusOr<Hash> Store::LeafAt(int64_t position) const {
  if (position < 1 || position > this->position()) return BeyondTree();
  const auto snapshot = engine_->NewSnapshot();
  return StoredNodes(*snapshot)(0, position - 1);
}

absl::StatusOr<std::vector<Hash>> Store::InclusionPath(int64_t position, int64_t tree_size) const {
  if (position < 1 || position > tree_size || tree_size > this->position()) return BeyondTree();
  const auto snapshot = engine_->NewSnapshot();
  return store::InclusionPath(position - 1, tree_size, StoredNodes(*snapshot));
}

absl::StatusOr<std::vector<Hash>> Store::ConsistencyPath(int64_t first, int64_t second) const {
  if (first < 1 || first > second || second > position()) return BeyondTree();
  const auto snapshot = engine_->NewSnapshot();
  return store::ConsistencyPath(first, second, StoredNodes(*snapshot));
}

}  // namespace nisi::store
