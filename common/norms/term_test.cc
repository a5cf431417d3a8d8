#include "common/norms/term.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "common/base/status.h"
#include "common/norms/norm_keys.h"

namespace nisi::norms {
namespace {

using base::Date;

Date Ymd(const char* text) {
  return Date::Parse(text).value();
}

constexpr char kRows[] =
    "key,value,unit,in_force_from,in_force_to,source,certainty\n"
    "test.one,1,WORKING_DAYS,2022-01-01,,s,BY_LAW\n"
    "test.examine,15,WORKING_DAYS,2022-01-01,2026-06-30,s,ASSUMPTION\n"
    "test.examine,5,WORKING_DAYS,2026-07-01,,s,BY_LAW\n"
    "test.report,10,DAYS,2022-01-01,,s,STATUTE\n";

absl::StatusOr<Norms> Load(const std::string& rows) {
  std::vector<NormFile> files = Norms::DefaultFiles();
  files.push_back({"test.csv", rows});
  return Norms::LoadText(files, {{"test.one", Unit::kWorkingDays},
                                 {"test.examine", Unit::kWorkingDays},
                                 {"test.report", Unit::kDays}});
}

const Norms& TestNorms() {
  static const auto* const kNorms = new Norms(Load(kRows).value());
  return *kNorms;
}

std::string LastDay(const char* key, const char* day) {
  const auto term = TermOf(TestNorms(), key, Ymd(day));
  return term.ok() ? term->last_day.ToString() : base::ReasonOf(term.status());
}

TEST(TermTest, BeginsOnTheDayAfterAndCountsWorkingDays) {
  EXPECT_EQ(LastDay("test.one", "2026-06-15"), "2026-06-16");      // Monday, Tuesday
  EXPECT_EQ(LastDay("test.one", "2026-06-19"), "2026-06-22");      // Friday, Monday
  EXPECT_EQ(LastDay("test.one", "2026-06-20"), "2026-06-22");      // Saturday
  EXPECT_EQ(LastDay("test.examine", "2026-06-15"), "2026-07-07");  // 6 July is Capital Day
}

TEST(TermTest, OverTheEndOfAYearAndMovedHolidays) {
  // 1 and 2 January are no working days, 7 January neither.
  EXPECT_EQ(LastDay("test.one", "2025-12-31"), "2026-01-05");
  EXPECT_EQ(LastDay("test.one", "2026-01-06"), "2026-01-08");
  // In 2028 both days of the New Year are a weekend: Monday and Tuesday are off for them.
  EXPECT_EQ(LastDay("test.one", "2027-12-31"), "2028-01-05");
  // 8 March 2026 is a Sunday: Monday the 9th is off. Nauryz: 21 and 22 March are a weekend, so the
  // 24th and 25th are off after the 23rd.
  EXPECT_EQ(LastDay("test.one", "2026-03-06"), "2026-03-10");
  EXPECT_EQ(LastDay("test.one", "2026-03-20"), "2026-03-26");
  // Kurban Ait of 2026, a Wednesday.
  EXPECT_EQ(LastDay("test.one", "2026-05-26"), "2026-05-28");
  // The calendar of 2024 as it was published.
  EXPECT_EQ(LastDay("test.one", "2024-03-20"), "2024-03-26");
}

TEST(TermTest, CalendarDaysCountAll) {
  EXPECT_EQ(LastDay("test.report", "2026-09-30"), "2026-10-10");  // a Saturday
  EXPECT_EQ(LastDay("test.report", "2025-12-31"), "2026-01-10");
}

TEST(TermTest, IsOfTheNormOfItsDay) {
  const auto before = TermOf(TestNorms(), "test.examine", Ymd("2026-06-30"));
  const auto after = TermOf(TestNorms(), "test.examine", Ymd("2026-07-01"));
  ASSERT_TRUE(before.ok() && after.ok());
  EXPECT_EQ(before->last_day, Ymd("2026-07-22"));
  EXPECT_TRUE(before->assumption);
  EXPECT_EQ(after->last_day, Ymd("2026-07-09"));
  EXPECT_EQ(after->norm, "test.examine");
  EXPECT_EQ(after->since, Ymd("2026-07-01"));
  EXPECT_EQ(LastDay("test.examine", "2021-12-31"), "NORM_NOT_IN_FORCE");
}

// As sure as the less sure of the norm and the holidays: those of 2024 were published.
TEST(TermTest, IsNoSurerThanItsWorkingDays) {
  const auto assumed = [](const Norms& norms, const char* key, const char* day) {
    const auto term = TermOf(norms, key, Ymd(day));
    return term.ok() && term->assumption;
  };
  EXPECT_FALSE(assumed(TestNorms(), "test.one", "2024-03-20"));
  EXPECT_TRUE(assumed(TestNorms(), "test.one", "2026-03-20")) << "by the rule of other years";
  EXPECT_TRUE(assumed(TestNorms(), "test.one", "2024-12-31")) << "it ends in 2025";
  EXPECT_TRUE(assumed(TestNorms(), "test.one", "2023-12-29")) << "1 January 2024 is not all of it";
  EXPECT_TRUE(assumed(TestNorms(), "test.examine", "2024-03-20")) << "its length";
  EXPECT_FALSE(assumed(TestNorms(), "test.report", "2026-03-20")) << "all days count";

  std::vector<NormFile> files = Norms::DefaultFiles();
  files.push_back({"test.csv", kRows});
  for (NormFile& file : files) {
    if (file.name != "holidays.csv") continue;
    absl::StrAppend(&file.text,
                    "holidays.published_year,2026,COUNT,2026-01-01,2026-12-31,s,BY_LAW\n");
  }
  const auto load = [&files] {
    return *Norms::LoadText(files, {{"test.one", Unit::kWorkingDays},
                                    {"test.examine", Unit::kWorkingDays},
                                    {"test.report", Unit::kDays}});
  };
  EXPECT_TRUE(assumed(load(), "test.one", "2026-03-20")) << "Kurban Ait of 2026 was recalled";
  for (NormFile& file : files) {
    file.text = absl::StrReplaceAll(
        file.text, {{"2026-05-27,2026-05-27,\"First day of Kurban Ait; recalled, not checked "
                     "against the published calendar\",ASSUMPTION",
                     "2026-05-27,2026-05-27,s,BY_LAW"}});
  }
  EXPECT_FALSE(assumed(load(), "test.one", "2026-03-20"));
  EXPECT_TRUE(assumed(load(), "test.one", "2025-03-20"));
}

TEST(TermTest, EndsAtTheEndOfItsLegalDay) {
  const auto end = [](const char* day) {
    return absl::FormatTime(absl::RFC3339_sec, TermOf(TestNorms(), "test.one", Ymd(day))->end(),
                            absl::UTCTimeZone());
  };
  // Legal time is UTC+5 since 1 March 2024 and was UTC+6 before.
  EXPECT_EQ(end("2026-06-15"), "2026-06-16T19:00:00+00:00");
  EXPECT_EQ(end("2024-02-27"), "2024-02-28T18:00:00+00:00");
  EXPECT_EQ(end("2024-02-28"), "2024-02-29T19:00:00+00:00");  // a day of 25 hours
  EXPECT_EQ(end("2024-02-29"), "2024-03-01T19:00:00+00:00");
}

TEST(TermTest, OtherNormsAreNoTerms) {
  EXPECT_EQ(TermOf(TestNorms(), "mci", Ymd("2026-01-01")).status().code(),
            absl::StatusCode::kInternal);
  EXPECT_EQ(TermOf(TestNorms(), "no.such.norm", Ymd("2026-01-01")).status().code(),
            absl::StatusCode::kInternal);
}

TEST(WorkingDaysTest, AreCheckedAsOtherUnitsAre) {
  const auto error = [](const std::string& row) {
    const std::string header = "key,value,unit,in_force_from,in_force_to,source,certainty\n";
    return std::string(Load(header + row).status().message());
  };
  EXPECT_EQ(error("test.one,1,DAYS,2022-01-01,,s,BY_LAW\n"),
            "test.csv:2: the unit is not WORKING_DAYS, as its key needs");
  EXPECT_EQ(error("test.report,1,WORKING_DAYS,2022-01-01,,s,BY_LAW\n"),
            "test.csv:2: the unit is not DAYS, as its key needs");
  EXPECT_EQ(error("test.one,1.5,WORKING_DAYS,2022-01-01,,s,BY_LAW\n"),
            "test.csv:2: the value has more than 0 decimals");
  EXPECT_EQ(error("test.one,2501,WORKING_DAYS,2022-01-01,,s,BY_LAW\n"),
            "test.csv:2: the value is not between 0 and 2500");
  EXPECT_EQ(error("test.one,1,WORKING_DAYS,2022-01-01,,s,BY_LAW\n"
                  "test.one,2,WORKING_DAYS,2023-01-01,,s,BY_LAW\n"),
            "test.csv:3: overlaps with test.csv:2");
  EXPECT_EQ(error("test.two,1,WORKING_DAYS,2022-01-01,,s,BY_LAW\n"),
            "test.csv:2: the key is unknown");
  EXPECT_EQ(TestNorms().Int("test.examine", Ymd("2026-01-01")).value(), 15);
}

}  // namespace
}  // namespace nisi::norms
