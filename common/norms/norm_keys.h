// The keys that norms may have. A new norm is one line here and its rows in deploy/norms.
#pragma once

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "common/norms/norms.h"

namespace nisi::norms {

struct KeySpec {
  absl::string_view key;
  Unit unit = Unit::kCount;
  // Rows stand for single days or years: holes are usual and no row is needed. Such rows must end.
  bool single = false;
};

absl::Span<const KeySpec> Keys();
// nullptr for an unknown key.
const KeySpec* FindKey(absl::string_view key);

// What holidays.csv says (see Calendar).
inline constexpr absl::string_view kHolidaysMoving = "holidays.moving.";
inline constexpr absl::string_view kHolidaysStill = "holidays.still.";
inline constexpr absl::string_view kDayOff = "holidays.day_off";
inline constexpr absl::string_view kWorkingWeekend = "holidays.working_weekend";
inline constexpr absl::string_view kPublishedYear = "holidays.published_year";

}  // namespace nisi::norms
