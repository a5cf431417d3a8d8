// Mistakes that are planted on purpose, so that tools/planted can show that a test catches each:
// tests/planted/README.md. They are there in the preset `planted` alone. In every other build
// Planted is false while compiling, so neither the mistakes nor their names get into a program;
// tests/planted/table_test.py looks.
#pragma once

#include <cstdlib>

#include "absl/strings/string_view.h"

namespace nisi::base {

#ifdef NISI_PLANTED
// Whether the environment variable NISI_PLANT chose this mistake, a name of mistakes.csv.
inline bool Planted(absl::string_view name) {
  static const char* const kChosen = std::getenv("NISI_PLANT");
  return kChosen != nullptr && name == kChosen;
}
#else
consteval bool Planted(absl::string_view /*name*/) {
  return false;
}
#endif

}  // namespace nisi::base
