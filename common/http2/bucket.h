// A token bucket: it holds a burst, and gains so many tokens a second. Kept as the moment when it
// will be full again, so that taking is one exchange and needs no lock. Time is a parameter.
// Thread-safe.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>

#include "absl/time/time.h"
#include "common/http2/limits.h"

namespace nisi::http2 {

class Bucket {
 public:
  // Full. A rate without bounds never empties it; a burst is at least one.
  explicit Bucket(const Rate& rate);

  // std::nullopt: one is taken. Otherwise how long to wait for the next.
  std::optional<absl::Duration> Take(absl::Time now);
  // The same, and takes nothing.
  std::optional<absl::Duration> Look(absl::Time now) const;
  void Give(int64_t tokens);
  bool Full(absl::Time now) const;

 private:
  // How long what was taken takes to come again, in nanoseconds.
  int64_t Taken(int64_t full_at, int64_t now) const;
  std::optional<absl::Duration> WaitFor(int64_t taken) const;

  const int64_t token_;              // how long one takes to come, in nanoseconds
  const int64_t most_;               // and all of them
  std::atomic<int64_t> full_at_{0};  // Unix time in nanoseconds
};

}  // namespace nisi::http2
