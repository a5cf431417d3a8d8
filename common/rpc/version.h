// Which version of NISI this program is.
#pragma once

#include "absl/strings/string_view.h"

namespace nisi::rpc {

// "0.1.0"
absl::string_view Version();

}  // namespace nisi::rpc
