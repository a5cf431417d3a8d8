#include "common/base/decimal.h"

#include <limits>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace nisi::base {
namespace {

absl::Status NotANumber() {
  return absl::InvalidArgumentError("is not a decimal number");
}

// Appends one digit to a magnitude; false on overflow.
bool PushDigit(uint64_t& magnitude, unsigned digit) {
  constexpr uint64_t kMax = std::numeric_limits<int64_t>::max();
  if (magnitude > (kMax - digit) / 10) return false;
  magnitude = magnitude * 10 + digit;
  return true;
}

}  // namespace

absl::StatusOr<int64_t> ParseDecimal(absl::string_view text, int scale) {
  const bool negative = !text.empty() && text.front() == '-';
  if (negative) text.remove_prefix(1);
  const size_t point = text.find('.');
  const absl::string_view whole = text.substr(0, point);
  absl::string_view part;
  if (point != absl::string_view::npos) {
    part = text.substr(point + 1);
    if (part.empty()) return NotANumber();
  }
  if (whole.empty() || (whole.size() > 1 && whole.front() == '0')) return NotANumber();
  for (const absl::string_view run : {whole, part}) {
    for (const char c : run) {
      if (!absl::ascii_isdigit(static_cast<unsigned char>(c))) return NotANumber();
    }
  }
  if (part.size() > static_cast<size_t>(scale)) {
    return absl::InvalidArgumentError(absl::StrCat("has more than ", scale, " decimals"));
  }

  uint64_t magnitude = 0;
  for (size_t i = 0; i < whole.size() + static_cast<size_t>(scale); ++i) {
    char c = '0';
    if (i < whole.size()) {
      c = whole[i];
    } else if (i - whole.size() < part.size()) {
      c = part[i - whole.size()];
    }
    if (!PushDigit(magnitude, static_cast<unsigned>(c - '0'))) {
      return absl::InvalidArgumentError("is too large");
    }
  }
  const auto value = static_cast<int64_t>(magnitude);
  return negative ? -value : value;
}

std::string FormatDecimal(int64_t scaled, int scale) {
  // The unsigned negation is defined for the smallest int64 too.
  const uint64_t magnitude =
      scaled < 0 ? 0 - static_cast<uint64_t>(scaled) : static_cast<uint64_t>(scaled);
  std::string digits = absl::StrCat(magnitude);
  const auto decimals = static_cast<size_t>(scale);
  if (digits.size() <= decimals) digits.insert(0, decimals + 1 - digits.size(), '0');
  if (decimals > 0) digits.insert(digits.size() - decimals, 1, '.');
  return scaled < 0 ? absl::StrCat("-", digits) : digits;
}

}  // namespace nisi::base
