// When to come again.
#pragma once

#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace nisi::base {

// Between a half and one and a half of it: those who are turned away together are not to come back
// together.
inline absl::Duration Jittered(absl::Duration time) {
  constexpr int64_t kSteps = 1024;
  const auto chance = static_cast<double>(absl::GetCurrentTimeNanos() / 100 % kSteps);
  return time * (0.5 + chance / kSteps);
}

}  // namespace nisi::base
