// The columns of all documents in memory, by number: what postings bring is judged by them without
// reading a row. Only what was committed is in them. A reader brings them up to its own snapshot
// first, if nobody did; what others have read from later ones it knows by number and time and
// passes over.
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <mutex>

#include "absl/status/status.h"
#include "common/base/planted.h"
#include "common/search/rows.h"
#include "common/store/engine.h"

namespace nisi::search {

class ColumnStore {
 public:
  // What rules most documents out, once more and close together: a word that all have leads through
  // all of them, and then memory is what a search waits for.
  struct Glance {
    uint32_t place = 0;
    uint16_t value_bp = 0;  // on some day
    uint8_t size = 0;
    uint8_t kind = 0;
  };
  struct Entry {
    Columns columns;
    int64_t number = 0;
    int64_t born_us = 0;
    std::atomic<int64_t> died_us{0};  // 0: alive

    // As known at a moment, on a day.
    bool IsThere(int64_t known_at_us, int32_t day) const {
      const int64_t died = died_us.load(std::memory_order_relaxed);
      if (base::Planted("search-end-day-included") && day == columns.until) return true;
      return (born_us <= known_at_us || base::Planted("search-shows-later-births")) &&
             (died == 0 || died > known_at_us) && columns.from <= day && day < columns.until;
    }
  };

  // Reads what the snapshot has and memory does not. Thread-safe; a look at two numbers when there
  // is nothing.
  absl::Status CatchUp(const store::Snapshot& snapshot, uint16_t id, const Counts& counts);

  // Of a document below the counts of some CatchUp that this thread saw return.
  const Entry& operator[](uint32_t document) const {
    return ChunkOf(document).entries[document & (kChunkEntries - 1)];
  }
  const Glance& GlanceAt(uint32_t document) const {
    return ChunkOf(document).glances[document & (kChunkEntries - 1)];
  }
  size_t bytes() const;

 private:
  static constexpr uint32_t kChunkBits = 14;
  static constexpr uint32_t kChunkEntries = 1U << kChunkBits;
  static constexpr uint32_t kChunks = (kMaxDocuments >> kChunkBits) + 1;
  struct Chunk {
    std::array<Glance, kChunkEntries> glances;
    std::array<Entry, kChunkEntries> entries;
  };

  absl::Status ReadDocuments(const store::Snapshot& snapshot, uint16_t id, uint32_t end);
  absl::Status ReadDeaths(const store::Snapshot& snapshot, uint16_t id, uint32_t end);
  const Chunk& ChunkOf(uint32_t document) const {
    return *chunks_[document >> kChunkBits].load(std::memory_order_acquire);
  }
  Entry& At(uint32_t document) {
    return chunks_[document >> kChunkBits]
        .load(std::memory_order_relaxed)
        ->entries[document & (kChunkEntries - 1)];
  }

  std::mutex mutex_;  // one reads at a time
  std::unique_ptr<std::unique_ptr<Chunk>[]> owned_ { new std::unique_ptr<Chunk>[ kChunks ] };
  std::unique_ptr<std::atomic<Chunk*>[]> pointers_ { new std::atomic<Chunk*>[ kChunks ]() };
  std::atomic<Chunk*>* const chunks_ = pointers_.get();  // never moved
  std::atomic<uint32_t> documents_{0};
  std::atomic<uint32_t> deaths_{0};
};

}  // namespace nisi::search
