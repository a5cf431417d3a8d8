// Exact decimals as scaled integers. No binary floating point anywhere near money, percents and
// norms.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace nisi::base {

// "12.5" with scale 2 is 1250. An optional minus, digits, and at most `scale` decimals after a
// point; no plus, no spaces, no exponent, no needless leading zero. INVALID_ARGUMENT with a short
// reason, never the value.
absl::StatusOr<int64_t> ParseDecimal(absl::string_view text, int scale);

// 1250 with scale 2 is "12.50".
std::string FormatDecimal(int64_t scaled, int scale);

}  // namespace nisi::base
