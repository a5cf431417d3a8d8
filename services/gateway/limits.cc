#include "services/gateway/limits.h"

#include <algorithm>

namespace nisi::gateway {

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
