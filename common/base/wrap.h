// Text for a terminal.
#pragma once

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"

namespace nisi::base {

inline constexpr size_t kLineWidth = 100;

// The words in lines of at most kLineWidth, each indented by so many spaces and ended by a line
// feed; a longer word has a line of its own.
std::string Wrap(absl::string_view text, size_t indent);

}  // namespace nisi::base
