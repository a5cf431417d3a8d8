// What is done every so often.
#pragma once

#include "absl/time/time.h"

namespace nisi::base {

// Whether it was done less than `every` ago. Not where `done` lies ahead: a clock that was set back
// silences nothing for as long as it was ahead.
inline bool IsRecent(absl::Time done, absl::Duration every, absl::Time now) {
  return done <= now && now < done + every;
}

}  // namespace nisi::base
