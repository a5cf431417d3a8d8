#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace nisi::cli {

// What the .proto says about a service, method, message, field or enum value, by its full name: its
// leading comment on one line. Empty when it says nothing.
std::string CommentOf(absl::string_view full_name);

// What a .proto file of the package says above its name, of what the service is for: the one of its
// resources, else one that declares a service. Files of rows and of facts speak of themselves
// alone.
std::string CommentOfPackage(absl::string_view package);

}  // namespace nisi::cli
