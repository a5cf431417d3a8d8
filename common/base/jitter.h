// Times that are not the same for all.
#pragma once

#include "absl/time/time.h"
#include "common/base/clock.h"

namespace nisi::base {

// From 0 to 1, by the time alone.
inline double Chance(absl::Time now = SystemNow()) {
  return static_cast<double>(absl::ToUnixNanos(now) / 100 % 1024) / 1024;
}

// Up to that part of it more or less: those who are turned away together, or came together, are not
// to come back or go together.
inline absl::Duration Jittered(absl::Duration time, double part = 0.5,
                               absl::Time now = SystemNow()) {
  return time * (1 - part + 2 * part * Chance(now));
}

}  // namespace nisi::base
