// Why sums that are each within bounds cannot be added up.
#pragma once

#include "absl/status/status.h"

namespace nisi::base {

// INVALID_ARGUMENT: together they are over what a sum may be.
absl::Status SumsTooLarge();

}  // namespace nisi::base
