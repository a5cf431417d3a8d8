// Letters and digits as the eye takes them: for finding what somebody should compare, never for
// saying that two texts are one.
#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace nisi::base {

// Decimal digits of every script (Unicode's Nd) as 0 to 9; all else stays.
std::string PlainDigits(absl::string_view text);

// Small Latin letters without their marks, and those that are letters of their own by the letter
// they are typed as: "müller" is "muller", "łódź" is "lodz", "ærø" is "aro". Letters of other
// scripts stay, with their marks.
std::string PlainLatin(absl::string_view text);

}  // namespace nisi::base
