#include "common/base/calendar.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace nisi::base {
namespace {

using ::testing::ElementsAre;

Date D(const char* text) {
  return Date::Parse(text).value();
}

std::vector<std::string> Texts(const std::vector<Date>& dates) {
  std::vector<std::string> texts;
  for (const Date d : dates) texts.push_back(d.ToString());
  return texts;
}

// The weekdays that are not worked.
std::vector<Date> HolidaysOf2024(const Calendar& calendar) {
  std::vector<Date> days;
  for (Date day = D("2024-01-01"); day <= D("2024-12-31"); day = day.AddDays(1)) {
    if (!day.is_weekend() && !calendar.IsWorkingDay(day)) days.push_back(day);
  }
  return days;
}

HolidayRules Kazakhstan() {
  HolidayRules rules;
  const int kMoving[][2] = {{1, 1}, {1, 2}, {3, 8}, {3, 21}, {3, 22},  {3, 23}, {5, 1},
                            {5, 7}, {5, 9}, {7, 6}, {8, 30}, {10, 25}, {12, 16}};
  for (const auto& [month, day] : kMoving) rules.fixed.push_back({.month = month, .day = day});
  rules.fixed.push_back({.month = 1, .day = 7, .moves = false});
  return rules;
}

TEST(CalendarTest, RuleGivesTheOfficialDaysOf2024) {
  EXPECT_THAT(Texts(HolidaysOf2024(Calendar(Kazakhstan()))),
              ElementsAre("2024-01-01", "2024-01-02", "2024-03-08", "2024-03-21", "2024-03-22",
                          "2024-03-25", "2024-05-01", "2024-05-07", "2024-05-09", "2024-07-08",
                          "2024-08-30", "2024-10-25", "2024-12-16"));
}

TEST(CalendarTest, TwoHolidaysOnOneWeekendMoveToTwoDays) {
  const Calendar calendar(Kazakhstan());
  // 1 and 2 January 2022 were Saturday and Sunday; 7 January a Friday.
  EXPECT_FALSE(calendar.IsWorkingDay(D("2022-01-03")));
  EXPECT_FALSE(calendar.IsWorkingDay(D("2022-01-04")));
  EXPECT_TRUE(calendar.IsWorkingDay(D("2022-01-05")));
  EXPECT_FALSE(calendar.IsWorkingDay(D("2022-01-07")));
  // 21-23 March 2026: Saturday, Sunday, Monday. The Monday is a holiday itself.
  EXPECT_FALSE(calendar.IsWorkingDay(D("2026-03-24")));
  EXPECT_FALSE(calendar.IsWorkingDay(D("2026-03-25")));
  EXPECT_TRUE(calendar.IsWorkingDay(D("2026-03-26")));
}

TEST(CalendarTest, DaysOffDoNotMove) {
  HolidayRules rules = Kazakhstan();
  rules.days_off = {D("2026-05-27"), D("2024-06-16")};  // a Wednesday, a Sunday
  const Calendar calendar(rules);
  EXPECT_FALSE(calendar.IsWorkingDay(D("2026-05-27")));
  EXPECT_TRUE(calendar.IsWorkingDay(D("2024-06-17")));
  EXPECT_TRUE(calendar.IsWorkingDay(D("2024-01-08")));  // 7 January 2024 was a Sunday
}

TEST(CalendarTest, AHolidayMovesPastADayOff) {
  HolidayRules rules = Kazakhstan();
  rules.days_off = {D("2024-07-08")};  // the Monday to which 6 July would move
  EXPECT_FALSE(Calendar(rules).IsWorkingDay(D("2024-07-09")));
}

TEST(CalendarTest, PublishedYearReplacesTheRule) {
  HolidayRules rules = Kazakhstan();
  rules.published_years = {2024};
  rules.days_off = {D("2024-05-10")};
  rules.working_weekends = {D("2024-05-04")};
  const Calendar calendar(rules);
  EXPECT_THAT(Texts(HolidaysOf2024(calendar)), ElementsAre("2024-05-10"));
  EXPECT_TRUE(calendar.IsWorkingDay(D("2024-05-04")));
  EXPECT_FALSE(calendar.IsWorkingDay(D("2024-05-05")));
  EXPECT_FALSE(calendar.IsWorkingDay(D("2025-05-09")));  // the rule still holds for others
}

TEST(CalendarTest, FixedHolidayHoldsWhileInForce) {
  HolidayRules rules;
  rules.fixed.push_back({.month = 8, .day = 30, .first = D("2024-01-01"), .last = D("2025-08-29")});
  const Calendar calendar(rules);
  EXPECT_TRUE(calendar.IsWorkingDay(D("2023-08-30")));
  EXPECT_FALSE(calendar.IsWorkingDay(D("2024-08-30")));
  EXPECT_TRUE(
      calendar.IsWorkingDay(D("2025-09-01")));  // 30 August 2025 is a Saturday: nothing to move
}

TEST(CalendarTest, AddWorkingDays) {
  const Calendar calendar(Kazakhstan());
  const struct {
    const char* from;
    int n;
    const char* want;
  } kCases[] = {
      {"2026-09-07", 1, "2026-09-08"},  {"2026-09-11", 1, "2026-09-14"},  // over a weekend
      {"2026-09-12", 1, "2026-09-14"},  {"2026-09-07", 5, "2026-09-14"},
      {"2026-03-20", 1, "2026-03-26"},  {"2026-09-07", 0, "2026-09-07"},
      {"2026-09-12", 0, "2026-09-12"},  {"2026-09-14", -1, "2026-09-11"},
      {"2026-03-26", -1, "2026-03-20"}, {"2025-12-31", 3, "2026-01-08"},
  };
  for (const auto& c : kCases) {
    EXPECT_EQ(calendar.AddWorkingDays(D(c.from), c.n).ToString(), c.want) << c.from << " + " << c.n;
  }
  EXPECT_EQ(calendar.AddWorkingDays(Date::Max(), 5), Date::Max());
  EXPECT_EQ(calendar.AddWorkingDays(Date::Min(), -5), Date::Min());
}

}  // namespace
}  // namespace nisi::base
