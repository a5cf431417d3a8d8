// Time that only passes: how long something has taken, and how long it may take.
#pragma once

#include "absl/time/time.h"

namespace nisi::base {

// When the process began, and what has passed since. Where the clock of the machine is set, nothing
// ends early and nothing lasts longer. So it is no time of day: nothing that a certificate, a
// token, a record or another process says is compared with it.
absl::Time SteadyNow();

}  // namespace nisi::base
