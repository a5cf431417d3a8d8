// A token bucket. Time is a parameter. Not thread-safe.
#pragma once

#include <algorithm>

#include "absl/time/time.h"
#include "common/http2/limits.h"

namespace nisi::http2 {

class Bucket {
 public:
  Bucket(const Rate& rate, absl::Time now) : rate_(rate), tokens_(rate.burst), at_(now) {}

  // False: it is empty.
  bool Take(absl::Time now) {
    if (!rate_.bounded()) return true;
    // A clock set back refills nothing.
    const double passed = std::max(0.0, absl::ToDoubleSeconds(now - at_));
    at_ = now;
    Give(passed * rate_.per_second);
    if (tokens_ < 1) return false;
    tokens_ -= 1;
    return true;
  }
  void Give(double tokens) { tokens_ = std::min(rate_.burst, tokens_ + tokens); }

 private:
  const Rate rate_;
  double tokens_;
  absl::Time at_;
};

}  // namespace nisi::http2
