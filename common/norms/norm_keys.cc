#include "common/norms/norm_keys.h"

#include <algorithm>
#include <iterator>

namespace nisi::norms {
namespace {

constexpr KeySpec kKeys[] = {
    // Monthly calculation index.
    {"mci", Unit::kTenge},
    // Base rate of the National Bank, a year.
    {"base_rate", Unit::kPercent},
    // Art. 26(2): most points of each criterion, and from how many points a level of processing
    // begins.
    {"priority_goods.points.technological_complexity_max", Unit::kPoints},
    {"priority_goods.points.export_potential_max", Unit::kPoints},
    {"priority_goods.points.domestic_potential_max", Unit::kPoints},
    {"priority_goods.level.high_from", Unit::kPoints},
    {"priority_goods.level.medium_from", Unit::kPoints},
    // Holidays that move to the next working day when they fall on a weekend.
    {"holidays.moving.new_year_1", Unit::kMonthDay},
    {"holidays.moving.new_year_2", Unit::kMonthDay},
    {"holidays.moving.womens_day", Unit::kMonthDay},
    {"holidays.moving.nauryz_1", Unit::kMonthDay},
    {"holidays.moving.nauryz_2", Unit::kMonthDay},
    {"holidays.moving.nauryz_3", Unit::kMonthDay},
    {"holidays.moving.unity_day", Unit::kMonthDay},
    {"holidays.moving.defender_day", Unit::kMonthDay},
    {"holidays.moving.victory_day", Unit::kMonthDay},
    {"holidays.moving.capital_day", Unit::kMonthDay},
    {"holidays.moving.constitution_day", Unit::kMonthDay},
    {"holidays.moving.republic_day", Unit::kMonthDay},
    {"holidays.moving.independence_day", Unit::kMonthDay},
    // A day off that does not move.
    {"holidays.still.christmas", Unit::kMonthDay},
    // Single days off that do not move (Kurban Ait, days added by decision), and weekend days that
    // are worked. The
    // value is the number of days of the row.
    {kDayOff, Unit::kDays, true},
    {kWorkingWeekend, Unit::kDays, true},
    // A year whose days off are listed whole: the holidays above do not apply to it.
    {kPublishedYear, Unit::kCount, true},
};

}  // namespace

absl::Span<const KeySpec> Keys() {
  return kKeys;
}

const KeySpec* FindKey(absl::string_view key) {
  const auto* found = std::find_if(std::begin(kKeys), std::end(kKeys),
                                   [key](const KeySpec& spec) { return spec.key == key; });
  return found == std::end(kKeys) ? nullptr : found;
}

}  // namespace nisi::norms
