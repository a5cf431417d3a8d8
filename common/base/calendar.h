// Working days. What the holidays are is data (see common/norms); how they move and how periods run
// is here.
#pragma once

#include <cstdint>
#include <set>
#include <vector>

#include "absl/time/time.h"
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
  // The first moment after a period of n working days that runs from an event on `date`: it starts
  // on the day after and ends with its last day.
  absl::Time EndOfWorkingDays(Date date, int64_t n) const {
    return AddWorkingDays(date, n).EndOfDay();
  }
  // The same for a period of n days; holidays and weekends count.
  static absl::Time EndOfDays(Date date, int64_t n) { return date.AddDays(n).EndOfDay(); }
  // The weekdays of a year that are not worked, in order.
  std::vector<Date> HolidaysOf(int year) const;

 private:
  static size_t Index(Date date) { return static_cast<size_t>(date - Date::Min()); }

  std::vector<bool> working_;  // by day since Date::Min()
};

}  // namespace nisi::base
