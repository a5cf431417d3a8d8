// Who else knows how far the store got. A store rolled back to an old copy, or short of its log,
// opens in perfect health; only a witness outside of it can tell. On opening, the store must not be
// behind what the witness saw.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/store/merkle.h"

namespace nisi::store {

// The tree after a commit.
struct Head {
  int64_t position = 0;
  Hash root{};
  bool operator==(const Head&) const = default;
};

// One thread at a time.
class Witness {
 public:
  virtual ~Witness() = default;
  // The last head saved that reached the witness; nullopt when there never was one. DATA_LOSS: it
  // is damaged.
  virtual absl::StatusOr<std::optional<Head>> Load() = 0;
  // Called after the commit is durable, so a witness is never ahead of its store.
  virtual absl::Status Save(const Head& head) = 0;
};

// A small file outside of the store's folder, since a copy of the store put back must not bring its
// witness along: best on another disk, where a snapshot of the volume does not hold it either.
//
// Two slots with a checksum each are written in turn, each by one pwrite: a torn write leaves the
// other. Nothing is synced but the first write, because a power cut may only make the witness lag,
// and a lagging one still notices a store older than itself; a sync would double the price of every
// commit. A killed process loses nothing: the bytes are the kernel's. FAILED_PRECONDITION from
// Save: the head goes back, and a witness never does.
std::unique_ptr<Witness> FileWitness(const std::string& path);

// Sees nothing: for tests.
std::unique_ptr<Witness> NoWitness();

}  // namespace nisi::store
