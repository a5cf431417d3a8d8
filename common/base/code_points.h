// Texts by code points.
#pragma once

#include <unicode/utf8.h>

#include <cstdint>

#include "absl/strings/string_view.h"

namespace nisi::base {

// The code point at `at`, which moves past it; negative where the bytes are no UTF-8.
inline UChar32 NextCodePoint(absl::string_view text, int32_t& at) {
  const char* const data = text.data();
  const auto size = static_cast<int32_t>(text.size());
  UChar32 c = 0;
#pragma GCC diagnostic push  // ICU's macro narrows as it means to
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
  U8_NEXT(data, at, size, c);
#pragma GCC diagnostic pop
  return c;
}

}  // namespace nisi::base
