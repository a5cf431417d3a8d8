#include "common/base/calendar.h"

namespace nisi::base {
namespace {

// The days on which a fixed holiday falls, over all years in which it applies.
std::vector<Date> DaysOf(const HolidayRules::Fixed& holiday, const std::set<int>& except_years) {
  std::vector<Date> days;
  for (int year = holiday.first.year(); year <= holiday.last.year(); ++year) {
    const auto date = Date::Of(year, holiday.month, holiday.day);
    if (!date.ok() || except_years.contains(year)) continue;  // 29 February in other years
    if (*date >= holiday.first && *date <= holiday.last) days.push_back(*date);
  }
  return days;
}

}  // namespace

Calendar::Calendar(const HolidayRules& rules) {
  working_.resize(Index(Date::Max()) + 1);
  for (size_t i = 0; i < working_.size(); ++i) {
    working_[i] = !Date::Min().AddDays(static_cast<int64_t>(i)).is_weekend();
  }
  for (const Date date : rules.days_off) working_[Index(date)] = false;

  // What stays in its place first, then what moves, in order of dates: a holiday moves to a day
  // that is a working day in the end.
  std::set<Date> moving;
  for (const auto& holiday : rules.fixed) {
    for (const Date date : DaysOf(holiday, rules.published_years)) {
      if (date.is_weekend() && holiday.moves) {
        moving.insert(date);
      } else {
        working_[Index(date)] = false;
      }
    }
  }
  for (const Date date : moving) {
    const Date to = AddWorkingDays(date, 1);
    if (!rules.published_years.contains(to.year())) working_[Index(to)] = false;
  }
  for (const Date date : rules.working_weekends) working_[Index(date)] = true;
}

Date Calendar::AddWorkingDays(Date date, int64_t n) const {
  const int step = n < 0 ? -1 : 1;
  const Date end = n < 0 ? Date::Min() : Date::Max();
  while (n != 0 && date != end) {
    date = date.AddDays(step);
    if (IsWorkingDay(date)) n -= step;
  }
  return date;
}

}  // namespace nisi::base
