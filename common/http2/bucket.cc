#include "common/http2/bucket.h"

#include <algorithm>

namespace nisi::http2 {
namespace {

// In nanoseconds.
constexpr double kSecond = 1e9;
constexpr int64_t kApart = 100'000'000;
constexpr double kLongest = 1e18;  // until an empty one is full: some 30 years

int64_t TokenOf(const Rate& rate) {
  if (!rate.bounded()) return 0;
  return static_cast<int64_t>(
      std::clamp(kSecond / rate.per_second, 1.0, kLongest / std::max(1.0, rate.burst)));
}

}  // namespace

Bucket::Bucket(const Rate& rate)
    : token_(TokenOf(rate)), most_(static_cast<int64_t>(std::max(1.0, rate.burst)) * token_) {}

std::optional<absl::Duration> Bucket::Take(absl::Time now) {
  const int64_t at = absl::ToUnixNanos(now);
  int64_t full_at = full_at_.load(std::memory_order_relaxed);
  for (;;) {
    const int64_t taken = Taken(full_at, at);
    const auto wait = WaitFor(taken);
    const int64_t then = at + taken + (wait.has_value() ? 0 : token_);
    if (full_at_.compare_exchange_weak(full_at, then, std::memory_order_relaxed)) return wait;
  }
}

std::optional<absl::Duration> Bucket::Look(absl::Time now) const {
  return WaitFor(Taken(full_at_.load(std::memory_order_relaxed), absl::ToUnixNanos(now)));
}

void Bucket::Give(int64_t tokens) {
  int64_t full_at = full_at_.load(std::memory_order_relaxed);
  while (!full_at_.compare_exchange_weak(full_at, std::max<int64_t>(0, full_at - tokens * token_),
                                         std::memory_order_relaxed)) {
  }
}

bool Bucket::Full(absl::Time now) const {
  return full_at_.load(std::memory_order_relaxed) <= absl::ToUnixNanos(now);
}

// More than all of it can only have been taken by a clock that was set back since, which is
// nobody's fault: it is full. Threads look at their clocks at slightly other times.
int64_t Bucket::Taken(int64_t full_at, int64_t now) const {
  const int64_t taken = full_at - now;
  return taken > most_ + kApart ? 0 : std::clamp<int64_t>(taken, 0, most_);
}

std::optional<absl::Duration> Bucket::WaitFor(int64_t taken) const {
  if (taken + token_ <= most_) return std::nullopt;
  return absl::Nanoseconds(taken + token_ - most_);
}

}  // namespace nisi::http2
