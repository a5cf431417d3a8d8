#include "common/search/columns.h"

#include "common/base/status.h"
#include "common/store/key.h"

namespace nisi::search {
namespace {

using store::Space;

absl::Status Missing(absl::string_view what) {
  return base::StoreCorrupt(what);
}

}  // namespace

absl::Status ColumnStore::CatchUp(const store::Snapshot& snapshot, uint16_t id,
                                  const Counts& counts) {
  if (documents_.load(std::memory_order_acquire) >= counts.documents &&
      deaths_.load(std::memory_order_acquire) >= counts.deaths) {
    return absl::OkStatus();
  }
  const std::lock_guard<std::mutex> lock(mutex_);
  RETURN_IF_ERROR(ReadDocuments(snapshot, id, counts.documents));
  return ReadDeaths(snapshot, id, counts.deaths);
}

absl::Status ColumnStore::ReadDocuments(const store::Snapshot& snapshot, uint16_t id,
                                        uint32_t end) {
  uint32_t next = documents_.load(std::memory_order_relaxed);
  if (next >= end) return absl::OkStatus();
  const auto cursor = snapshot.Scan(Space::kData, DocumentKey(id, next), DocumentKey(id, end));
  for (; cursor->Valid(); cursor->Next(), ++next) {
    if (cursor->key() != DocumentKey(id, next)) return Missing("a document is missing");
    ASSIGN_OR_RETURN(const DocumentRow row, DecodeDocument(cursor->value()));
    std::unique_ptr<Chunk>& chunk = owned_[next >> kChunkBits];
    if (chunk == nullptr) {
      chunk = std::make_unique<Chunk>();
      chunks_[next >> kChunkBits].store(chunk.get(), std::memory_order_release);
    }
    const Columns& columns = row.columns;
    chunk->glances[next & (kChunkEntries - 1)] = {columns.place, columns.value_bp, columns.size,
                                                  columns.kind};
    Entry& entry = At(next);
    entry.columns = columns;
    entry.number = row.number;
    entry.born_us = row.born_us;
    documents_.store(next + 1, std::memory_order_release);
  }
  RETURN_IF_ERROR(cursor->status());
  return next == end ? absl::OkStatus() : Missing("a document is missing");
}

absl::Status ColumnStore::ReadDeaths(const store::Snapshot& snapshot, uint16_t id, uint32_t end) {
  uint32_t next = deaths_.load(std::memory_order_relaxed);
  if (next >= end) return absl::OkStatus();
  const auto cursor = snapshot.Scan(Space::kData, DeathKey(id, next), DeathKey(id, end));
  for (; cursor->Valid(); cursor->Next(), ++next) {
    if (cursor->key() != DeathKey(id, next)) return Missing("a death is missing");
    ASSIGN_OR_RETURN(const Death death, DecodeDeath(cursor->value()));
    if (death.document >= documents_.load(std::memory_order_relaxed))
      return Missing("a death of no document");
    At(death.document).died_us.store(death.died_us, std::memory_order_relaxed);
    deaths_.store(next + 1, std::memory_order_release);
  }
  RETURN_IF_ERROR(cursor->status());
  return next == end ? absl::OkStatus() : Missing("a death is missing");
}

size_t ColumnStore::bytes() const {
  const uint32_t documents = documents_.load(std::memory_order_acquire);
  return (size_t{documents} + kChunkEntries - 1) / kChunkEntries * sizeof(Chunk);
}

}  // namespace nisi::search
