#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace nisi::cli {

// What the .proto says about a service, method, message, field or enum value, by its full name: its
// leading comment on one line. Empty when it says nothing.
std::string CommentOf(absl::string_view full_name);

// What the .proto files of a package say above its name: what the service is for.
std::string CommentOfPackage(absl::string_view package);

}  // namespace nisi::cli
