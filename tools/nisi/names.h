#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace nisi::cli {

// "CheckGoods" and "check_goods" are both "check-goods".
std::string Kebab(absl::string_view name);

// The one of `among` that was probably meant; empty when none is near.
std::string Nearest(absl::string_view word, const std::vector<std::string>& among);
// " Did you mean X?", or nothing.
std::string DidYouMean(absl::string_view word, const std::vector<std::string>& among);

// How many columns of a terminal the text takes.
int DisplayWidth(absl::string_view text);
// The text in at most `width` columns, ending in an ellipsis when something was cut off.
std::string Truncate(absl::string_view text, int width);
// The text on one line and harmless to a terminal: control characters become spaces.
std::string OneLine(absl::string_view text);
bool IsUtf8(absl::string_view text);

}  // namespace nisi::cli
