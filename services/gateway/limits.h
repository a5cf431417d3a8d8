// How much one caller, and all together, may ask for. Time is a parameter.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace nisi::gateway {

struct Limits {
  double calls_per_second = 50'000;  // a caller; 0 or less: no limit
  double burst = 100'000;
  size_t max_calls = 1024;   // at once, all callers; streams apart
  size_t max_streams = 512;  // at once
};

// A token bucket a caller. Not thread-safe.
class RateLimiter {
 public:
  // Buckets kept at once. Past that the full ones go, then all: forgetting favours the caller.
  static constexpr size_t kMaxCallers = 50'000;

  RateLimiter(double calls_per_second, double burst) : rate_(calls_per_second), burst_(burst) {}

  // std::nullopt: go on. Otherwise how long to wait before the next call.
  std::optional<absl::Duration> Take(absl::string_view caller, absl::Time now);
  size_t size() const { return buckets_.size(); }

 private:
  struct Bucket {
    double tokens;
    absl::Time at;
  };

  double Refilled(const Bucket& bucket, absl::Time now) const;
  void MakeRoom(absl::Time now);

  const double rate_;
  const double burst_;
  absl::flat_hash_map<std::string, Bucket> buckets_;
};

}  // namespace nisi::gateway
