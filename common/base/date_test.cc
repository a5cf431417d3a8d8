#include "common/base/date.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "absl/hash/hash.h"
#include "absl/time/civil_time.h"

namespace nisi::base {
namespace {

Date Ymd(const char* text) {
  return Date::Parse(text).value();
}
absl::Time Utc(const char* text) {
  absl::Time t;
  std::string error;
  EXPECT_TRUE(absl::ParseTime(absl::RFC3339_full, text, &t, &error)) << text << error;
  return t;
}

TEST(DateTest, ParsesAndPrints) {
  for (const char* text : {"1990-01-01", "2000-02-29", "2024-02-29", "2026-12-31", "2199-12-31"}) {
    const auto date = Date::Parse(text);
    ASSERT_TRUE(date.ok()) << text << date.status();
    EXPECT_EQ(date->ToString(), text);
    EXPECT_EQ(Date::FromProto(date->ToProto()).value(), *date);
    EXPECT_EQ(Date::FromDays(date->days()).value(), *date);
  }
  EXPECT_EQ(Date::Min().ToString(), "1990-01-01");
  EXPECT_EQ(Date::Max().ToString(), "2199-12-31");
  EXPECT_EQ(Ymd("2026-09-07").year(), 2026);
  EXPECT_EQ(Ymd("2026-09-07").month(), 9);
  EXPECT_EQ(Ymd("2026-09-07").day(), 7);
}

TEST(DateTest, RefusesWithAReason) {
  const struct {
    const char* text;
    const char* reason;
  } kCases[] = {
      {"", "is not a date as YYYY-MM-DD"},
      {"2026-1-1", "is not a date as YYYY-MM-DD"},
      {"2026/01/01", "is not a date as YYYY-MM-DD"},
      {"2026-01-0a", "is not a date as YYYY-MM-DD"},
      {"2026-01-01 ", "is not a date as YYYY-MM-DD"},
      {"-026-01-01", "is not a date as YYYY-MM-DD"},
      {"1989-12-31", "has a year outside 1990 to 2199"},
      {"2200-01-01", "has a year outside 1990 to 2199"},
      {"2026-00-01", "has a month outside 1 to 12"},
      {"2026-13-01", "has a month outside 1 to 12"},
      {"2026-02-29", "has a day that its month does not have"},
      {"2026-02-30", "has a day that its month does not have"},
      {"2026-04-31", "has a day that its month does not have"},
      {"2026-04-00", "has a day that its month does not have"},
  };
  for (const auto& c : kCases) {
    EXPECT_EQ(std::string(Date::Parse(c.text).status().message()), c.reason) << c.text;
  }
  google::type::Date only_year;
  only_year.set_year(2026);
  EXPECT_FALSE(Date::FromProto(only_year).ok());
  EXPECT_FALSE(Date::FromProto(google::type::Date()).ok());
  EXPECT_FALSE(Date::Of(2026, std::numeric_limits<int64_t>::max(), 1).ok());
  EXPECT_FALSE(Date::Of(2026, 1, std::numeric_limits<int64_t>::min()).ok());
  EXPECT_FALSE(Date::FromDays(Date::Max().days() + 1).ok());
  EXPECT_FALSE(Date::FromDays(Date::Min().days() - 1).ok());
}

// UTC+6 before, UTC+5 from 1 March 2024.
TEST(DateTest, LegalDay) {
  const struct {
    const char* utc;
    const char* day;
  } kCases[] = {
      {"2023-12-31T17:59:59Z", "2023-12-31"}, {"2023-12-31T18:00:00Z", "2024-01-01"},
      {"2025-12-31T18:59:59Z", "2025-12-31"}, {"2025-12-31T19:00:00Z", "2026-01-01"},
      {"2024-02-29T17:59:59Z", "2024-02-29"},  // clocks go back an hour at the end of this day
      {"2024-02-29T18:59:59Z", "2024-02-29"}, {"2024-02-29T19:00:00Z", "2024-03-01"},
  };
  for (const auto& c : kCases) EXPECT_EQ(Date::LegalDay(Utc(c.utc)).ToString(), c.day) << c.utc;
  EXPECT_EQ(Date::LegalDay(absl::InfiniteFuture()), Date::Max());
  EXPECT_EQ(Date::LegalDay(absl::InfinitePast()), Date::Min());
}

TEST(DateTest, StartAndEndOfDay) {
  EXPECT_TRUE(CheckLegalZone().ok());
  EXPECT_EQ(Ymd("2026-01-01").StartOfDay(), Utc("2025-12-31T19:00:00Z"));
  EXPECT_EQ(Ymd("2024-01-01").StartOfDay(), Utc("2023-12-31T18:00:00Z"));
  EXPECT_EQ(Ymd("2024-03-01").StartOfDay(), Utc("2024-02-29T19:00:00Z"));
  EXPECT_EQ(Ymd("2024-02-29").EndOfDay(), Ymd("2024-03-01").StartOfDay());
  EXPECT_EQ(Ymd("2024-02-29").EndOfDay() - Ymd("2024-02-29").StartOfDay(), absl::Hours(25));
  for (Date d = Ymd("2023-12-01"); d < Ymd("2024-06-01"); d = d.AddDays(1)) {
    ASSERT_EQ(Date::LegalDay(d.StartOfDay()), d);
    ASSERT_EQ(Date::LegalDay(d.StartOfDay() - absl::Nanoseconds(1)), d.AddDays(-1));
  }
}

TEST(DateTest, ArithmeticOrderAndHash) {
  EXPECT_EQ(Ymd("2024-02-28").AddDays(2), Ymd("2024-03-01"));
  EXPECT_EQ(Ymd("2026-01-01").AddDays(-1), Ymd("2025-12-31"));
  EXPECT_EQ(Ymd("2026-03-01") - Ymd("2026-02-01"), 28);
  EXPECT_EQ(Date::Max().AddDays(1), Date::Max());
  EXPECT_EQ(Date::Min().AddDays(std::numeric_limits<int64_t>::max()), Date::Max());
  EXPECT_EQ(Date::Max().AddDays(std::numeric_limits<int64_t>::min()), Date::Min());
  EXPECT_LT(Ymd("2025-12-31"), Ymd("2026-01-01"));
  EXPECT_EQ(absl::HashOf(Ymd("2026-01-01")), absl::HashOf(Ymd("2026-01-01")));
  EXPECT_EQ(Ymd("2026-09-07").weekday(), 0);  // a Monday
  EXPECT_FALSE(Ymd("2026-09-11").is_weekend());
  EXPECT_TRUE(Ymd("2026-09-12").is_weekend());
  EXPECT_TRUE(Ymd("2026-09-13").is_weekend());
}

TEST(QuarterTest, ParsesAndSpans) {
  const auto q3 = Quarter::Parse("2026Q3");
  ASSERT_TRUE(q3.ok());
  EXPECT_EQ(q3->first_day(), Ymd("2026-07-01"));
  EXPECT_EQ(q3->last_day(), Ymd("2026-09-30"));
  EXPECT_EQ(q3->ToString(), "2026Q3");
  EXPECT_EQ(Quarter::Parse("2026Q4")->Next()->ToString(), "2027Q1");
  EXPECT_EQ(Quarter::Containing(Ymd("2026-12-31")).ToString(), "2026Q4");
  EXPECT_EQ(Quarter::Containing(Ymd("2026-01-01")).ToString(), "2026Q1");
  EXPECT_LT(*Quarter::Parse("2025Q4"), *q3);
  EXPECT_EQ(Quarter::Parse("2199Q4")->last_day(), Date::Max());
  EXPECT_FALSE(Quarter::Parse("2199Q4")->Next().ok());
  for (const char* bad :
       {"", "2026Q0", "2026Q5", "2026q3", "2026-Q3", "1989Q1", "2200Q1", "20a6Q1"}) {
    EXPECT_FALSE(Quarter::Parse(bad).ok()) << bad;
  }
}

TEST(PeriodTest, StartsBeforeItEnds) {
  const auto may = Period::Of(Ymd("2026-05-01"), Ymd("2026-05-31"));
  ASSERT_TRUE(may.ok());
  EXPECT_TRUE(may->Contains(Ymd("2026-05-01")));
  EXPECT_TRUE(may->Contains(Ymd("2026-05-31")));
  EXPECT_FALSE(may->Contains(Ymd("2026-06-01")));
  EXPECT_FALSE(Period::Of(Ymd("2026-05-02"), Ymd("2026-05-01")).ok());
}

}  // namespace
}  // namespace nisi::base
