// Working days. What the holidays are is data (see common/norms); how they move and how periods run
// is here.
#pragma once

#include <cstdint>
#include <set>
#include <vector>

#include "common/base/date.h"

namespace nisi::base {

struct HolidayRules {
  // A holiday of every year in which its day lies between `first` and `last`.
  struct Fixed {
    int month = 1;
    int day = 1;
    // On a weekend it moves to the next working day.
    bool moves = true;
    Date first = Date::Min();
    Date last = Date::Max();
  };
  std::vector<Fixed> fixed;
  // Single days off that do not move: the first day of Kurban Ait of each year, and what the
  // Government adds.
  std::set<Date> days_off;
  // Weekend days that are worked.
  std::set<Date> working_weekends;
  // Years whose days_off are complete as published: fixed holidays do not apply to them.
  std::set<int> published_years;
};

// Immutable.
class Calendar {
 public:
  explicit Calendar(const HolidayRules& rules);

  bool IsWorkingDay(Date date) const { return working_[Index(date)]; }
  // The n-th working day after `date` (before it, when n is negative); `date` itself when n is 0.
  // Stops at the ends of the range of Date.
  Date AddWorkingDays(Date date, int64_t n) const;

 private:
  static size_t Index(Date date) { return static_cast<size_t>(date - Date::Min()); }

  std::vector<bool> working_;  // by day since Date::Min()
};

}  // namespace nisi::base
