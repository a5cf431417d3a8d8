#include "services/gateway/limits.h"

#include <algorithm>

namespace nisi::gateway {

http2::Limits ForClients() {
  http2::Limits limits;
  limits.max_calls_of_connection = 100;
  limits.max_unsent_bytes = 256 << 10;
  limits.handshake = absl::Seconds(5);
  limits.turn = absl::Microseconds(250);
  limits.max_connections = 1024;
  limits.max_connections_of_source = 128;
  limits.arrivals_of_source = {200, 100};
  limits.resets = {200, 40};
  limits.chatter = {2000, 200};
  limits.settings = {50, 2};
  limits.max_held_bytes = 64 << 20;
  limits.answer = absl::Seconds(10);
  limits.progress = absl::Minutes(1);
  limits.idle = absl::Minutes(1);
  limits.age = absl::Minutes(10);
  return limits;
}

bool StreamShares::Take(const std::string& caller, Rank rank) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const size_t part = PartOf(most_, rank);
  if (taken_ >= part) return false;
  const auto found = callers_.find(caller);
  const size_t its = found == callers_.end() ? 0 : found->second;
  if (its >= of_caller_ || (its > 0 && its >= part - taken_)) return false;
  ++callers_[caller];
  ++taken_;
  return true;
}

void StreamShares::Give(const std::string& caller) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto found = callers_.find(caller);
  if (--found->second == 0) callers_.erase(found);
  --taken_;
}

size_t StreamShares::taken() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return taken_;
}

std::optional<absl::Duration> RateLimiter::Take(absl::string_view caller, absl::Time now) {
  if (rate_ <= 0) {
    return std::nullopt;
  }
  auto found = buckets_.find(caller);
  if (found == buckets_.end()) {
    if (buckets_.size() >= kMaxCallers) {
      MakeRoom(now);
    }
    found = buckets_.try_emplace(std::string(caller), Bucket{burst_, now}).first;
  }
  Bucket& bucket = found->second;
  bucket.tokens = Refilled(bucket, now);
  bucket.at = now;
  if (bucket.tokens < 1) {
    return absl::Seconds((1 - bucket.tokens) / rate_);
  }
  bucket.tokens -= 1;
  return std::nullopt;
}

std::optional<absl::Duration> RateLimiter::Look(absl::string_view caller, absl::Time now) const {
  const auto found = buckets_.find(caller);
  if (rate_ <= 0 || found == buckets_.end()) return std::nullopt;
  const double tokens = Refilled(found->second, now);
  if (tokens >= 1) return std::nullopt;
  return absl::Seconds((1 - tokens) / rate_);
}

// A clock set back refills nothing.
double RateLimiter::Refilled(const Bucket& bucket, absl::Time now) const {
  const double passed = std::max(0.0, absl::ToDoubleSeconds(now - bucket.at));
  return std::min(burst_, bucket.tokens + passed * rate_);
}

void RateLimiter::MakeRoom(absl::Time now) {
  absl::erase_if(buckets_,
                 [&](const auto& entry) { return Refilled(entry.second, now) >= burst_; });
  if (buckets_.size() >= kMaxCallers) {
    buckets_.clear();
  }
}

}  // namespace nisi::gateway
