// How much one caller, and all together, may ask for. Time is a parameter.
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/http2/bucket.h"
#include "common/http2/limits.h"
#include "services/gateway/rank.h"

namespace nisi::gateway {

// What one client may do beneath its calls. Each figure stands in README.md, with its reason.
http2::Limits ForClients();

struct Limits {
  http2::Limits clients = ForClients();
  double calls_per_second = 50'000;  // a caller; 0 or less: no limit
  double burst = 100'000;
  size_t max_calls = 2048;   // under way and in line, of one service; streams apart
  size_t max_streams = 512;  // at once, of all
  // Of them, of one caller, or of one address of nobody.
  size_t calls_of_caller = 200;
  size_t streams_of_caller = 64;
  // Of this process; near it fewer calls are let in, see Memory. 0: no bound.
  size_t max_memory_bytes = 0;
  // At a service at once, at most; the others wait in line, so long.
  size_t calls_at_once = 256;
  absl::Duration wait = absl::Seconds(1);
  // How much longer than needed every call of a while may take before fewer are let in.
  absl::Duration delay = absl::Milliseconds(20);
  // How long a line that stays may be: what is answered in that time.
  absl::Duration line = absl::Milliseconds(5);
  // Tokens that do not hold, of one address: past it only those that are known are looked at.
  http2::Rate bad_tokens{500, 50};
};

// The streams that there are, and how many each caller has: never more than what is still free, so
// that there is one for who comes next, too. Thread-safe.
class StreamShares {
 public:
  StreamShares(size_t most, size_t of_caller) : most_(most), of_caller_(of_caller) {}

  // False: there is none for it.
  bool Take(const std::string& caller, Rank rank);
  void Give(const std::string& caller);
  size_t taken() const;

 private:
  const size_t most_;
  const size_t of_caller_;
  mutable std::mutex mutex_;
  size_t taken_ = 0;
  absl::flat_hash_map<std::string, size_t> callers_;
};

// A bucket a caller. Thread-safe.
class RateLimiter {
 public:
  // Buckets kept at once. Past that the full ones go, then all: forgetting favours the caller.
  static constexpr size_t kMaxCallers = 50'000;

  explicit RateLimiter(const http2::Rate& rate) : rate_(rate) {}

  // The caller's bucket, for whoever takes from it more than once. Null where there is no limit.
  std::shared_ptr<http2::Bucket> Of(absl::string_view caller, absl::Time now);
  // As of its bucket, and makes none.
  std::optional<absl::Duration> Look(absl::string_view caller, absl::Time now) const;
  size_t size() const;

 private:
  void MakeRoom(absl::Time now);

  const http2::Rate rate_;
  mutable std::mutex mutex_;
  absl::flat_hash_map<std::string, std::shared_ptr<http2::Bucket>> buckets_;
};

}  // namespace nisi::gateway
