// "host:port", as it is given in flags.
#pragma once

#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace nisi::http2 {

struct Address {
  std::string host;  // of "[::1]:80": without the brackets
  std::string port;
};

// nullopt where there is no port.
std::optional<Address> ParseAddress(absl::string_view text);

}  // namespace nisi::http2
