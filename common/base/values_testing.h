// Values of the kind that tests make by hand.
#pragma once

#include <cstdint>
#include <string>

#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "common/base/codes.h"
#include "common/base/date.h"
#include "common/base/money.h"

namespace nisi::base {

// Of "2026-06-15".
inline Date Day(absl::string_view text) {
  return *Date::Parse(text);
}

inline google::type::Money Tenge(int64_t tenge) {
  return Money::FromTenge(tenge)->ToProto();
}

// The n-th valid BIN of a row of them.
inline std::string Bin(int n) {
  for (int serial = n * 2;; ++serial) {
    const std::string digits = absl::StrFormat("990140%05d", serial);
    for (char check = '0'; check <= '9'; ++check) {
      if (BinIin::ParseBin(digits + check).ok()) return digits + check;
    }
  }
}

}  // namespace nisi::base
