// Reading through a store slowly: how fast, and a snapshot that keeps to it.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/store/engine.h"

namespace nisi::store {

struct ScrubLimits {
  // Of what is read; 0: as fast as it goes.
  uint64_t bytes_a_second = 0;
  // Of the time, how much is worked: what a slow disk or a busy processor takes counts, so that the
  // slower others are, the slower this is. In (0, 1].
  double share = 1;
};

// How long to pause after so much work in which so much was read.
absl::Duration PauseAfter(absl::Duration worked, uint64_t bytes, const ScrubLimits& limits);

// Told of every read. Not thread-safe.
class ScrubPace {
 public:
  // Waits, and says whether to go on.
  using Pause = std::function<bool(absl::Duration)>;

  ScrubPace(const ScrubLimits& limits, Pause pause) : limits_(limits), pause_(std::move(pause)) {}
  // CANCELLED when nothing more is to be read.
  absl::Status Read(size_t bytes);

 private:
  const ScrubLimits limits_;
  const Pause pause_;
  std::chrono::steady_clock::time_point since_ = std::chrono::steady_clock::now();
  uint64_t bytes_ = 0;
  bool ended_ = false;
};

// The same snapshot, read at a pace that outlives it.
std::unique_ptr<Snapshot> AtPace(std::unique_ptr<Snapshot> snapshot, ScrubPace* pace);

}  // namespace nisi::store
