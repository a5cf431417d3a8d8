#include "common/norms/norms.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "common/base/status.h"
#include "common/norms/norm_keys.h"

namespace nisi::norms {
namespace {

using base::Date;
using ::testing::HasSubstr;

constexpr char kHeader[] = "key,value,unit,in_force_from,in_force_to,source,certainty\n";

Date D(const char* text) {
  return Date::Parse(text).value();
}
std::string SourceDir() {
  return absl::StrCat(NISI_SOURCE_DIR, "/deploy/norms");
}

// The compiled-in files with one replaced.
absl::StatusOr<Norms> With(const std::string& name, const std::string& text) {
  std::vector<NormFile> files = Norms::DefaultFiles();
  for (NormFile& file : files) {
    if (file.name == name) file.text = text;
  }
  return Norms::LoadText(files);
}

std::string ErrorOf(const std::string& rows) {
  return std::string(With("mci.csv", kHeader + rows).status().message());
}

TEST(NormsTest, DefaultIsWhatTheFolderHolds) {
  const auto compiled = Norms::Default();
  const auto loaded = Norms::Load(SourceDir());
  ASSERT_TRUE(compiled.ok()) << compiled.status();
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(compiled->edition(), loaded->edition());
  EXPECT_EQ(compiled->edition().size(), 16u);
  for (const KeySpec& spec : Keys()) {
    EXPECT_EQ(compiled->Series(spec.key).size(), loaded->Series(spec.key).size()) << spec.key;
  }
}

TEST(NormsTest, Answers) {
  const Norms norms = Norms::Default().value();
  EXPECT_EQ(norms.Int("priority_goods.level.high_from", D("2026-01-01")).value(), 70);
  EXPECT_EQ(norms.Percent("base_rate", D("2026-09-06"))->ToString(), "16.75");
  EXPECT_EQ(norms.Percent("base_rate", D("2026-09-07"))->ToString(), "16.25");
  EXPECT_EQ(norms.Percent("base_rate", D("2030-01-01"))->ToString(), "16.25");
  EXPECT_EQ(norms.Tenge("mci", D("2023-12-31"))->ToString(), "3450.00");
  const Norm mci = norms.Get("mci", D("2023-06-01")).value();
  EXPECT_EQ(mci.text, "3450");
  EXPECT_EQ(mci.millionths, 3'450'000'000);
  EXPECT_EQ(mci.from, D("2023-01-01"));
  EXPECT_EQ(mci.to, D("2023-12-31"));
  EXPECT_EQ(mci.certainty, Certainty::kByLaw);
  const Norm points = norms.Get("priority_goods.level.medium_from", D("2022-01-01")).value();
  EXPECT_EQ(points.certainty, Certainty::kAssumption);
  EXPECT_FALSE(points.to.has_value());
  EXPECT_THAT(points.source, HasSubstr("Art. 26(2)"));
}

TEST(NormsTest, PointsOfTheCriteriaMakeAHundred) {
  const Norms norms = Norms::Default().value();
  int64_t sum = 0;
  for (const char* name :
       {"technological_complexity_max", "export_potential_max", "domestic_potential_max"}) {
    sum += norms.Int(absl::StrCat("priority_goods.points.", name), D("2026-01-01")).value();
  }
  EXPECT_EQ(sum, 100);
}

TEST(NormsTest, SaysWhenItDoesNotKnow) {
  const Norms norms = Norms::Default().value();
  for (const char* date : {"2018-12-31", "2027-01-01"}) {
    const absl::Status status = norms.Tenge("mci", D(date)).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_EQ(base::ReasonOf(status), "NORM_NOT_IN_FORCE");
    EXPECT_EQ(base::InfoOf(status).metadata().at("date"), date);
    const base::LegalBasis basis = base::LegalBasisOf(status);
    // Of the nearest value.
    const std::string year = absl::StrContains(date, "2018") ? "2019" : "2026";
    EXPECT_EQ(basis.act(), "Law on the republican budget");
    EXPECT_EQ(basis.article(), absl::StrCat("monthly calculation index from 1 January ", year));
    EXPECT_THAT(basis.summary(), ::testing::StartsWith("Law on the republican budget, monthly"));
  }
  const base::LegalBasis days =
      base::LegalBasisOf(norms.Get("contracts.day.list", D("2021-12-31")).status());
  EXPECT_THAT(days.act(), HasSubstr("No. 86-VII"));
  EXPECT_EQ(days.article(), "Art. 47(2)");
  EXPECT_EQ(norms.Get("no.such.norm", D("2026-01-01")).status().code(),
            absl::StatusCode::kInternal);
  EXPECT_EQ(norms.Int("mci", D("2026-01-01")).status().code(), absl::StatusCode::kInternal);
  EXPECT_EQ(norms.Percent("mci", D("2026-01-01")).status().code(), absl::StatusCode::kInternal);
  EXPECT_EQ(norms.Tenge("base_rate", D("2026-01-01")).status().code(), absl::StatusCode::kInternal);
}

TEST(NormsTest, EveryKindOfBadRowNamesFileAndLine) {
  const std::string good = "mci,1,TENGE,2019-01-01,2019-12-31,s,BY_LAW\n";
  const struct {
    std::string rows;
    const char* message;
  } kCases[] = {
      {"mcj,1,TENGE,2019-01-01,,s,BY_LAW\n", "mci.csv:2: the key is unknown"},
      {"mci,1,PERCENT,2019-01-01,,s,BY_LAW\n",
       "mci.csv:2: the unit is not TENGE, as its key needs"},
      {"mci,1,tenge,2019-01-01,,s,BY_LAW\n", "mci.csv:2: the unit is not TENGE, as its key needs"},
      {"mci,,TENGE,2019-01-01,,s,BY_LAW\n", "mci.csv:2: the value is not a decimal number"},
      {"mci,1e3,TENGE,2019-01-01,,s,BY_LAW\n", "mci.csv:2: the value is not a decimal number"},
      {"mci,1.005,TENGE,2019-01-01,,s,BY_LAW\n", "mci.csv:2: the value has more than 2 decimals"},
      {"mci,-1,TENGE,2019-01-01,,s,BY_LAW\n",
       "mci.csv:2: the value is not between 0 and 1000000000000"},
      {"mci,1000000000000.01,TENGE,2019-01-01,,s,BY_LAW\n",
       "mci.csv:2: the value is not between 0 and 1000000000000"},
      {"mci,1,TENGE,2019-02-29,,s,BY_LAW\n",
       "mci.csv:2: the in_force_from has a day that its month does not have"},
      {"mci,1,TENGE,,,s,BY_LAW\n", "mci.csv:2: the in_force_from is not a date as YYYY-MM-DD"},
      {"mci,1,TENGE,2019-01-01,never,s,BY_LAW\n",
       "mci.csv:2: the in_force_to is not a date as YYYY-MM-DD"},
      {"mci,1,TENGE,2019-01-02,2019-01-01,s,BY_LAW\n",
       "mci.csv:2: in_force_to is before in_force_from"},
      {"mci,1,TENGE,2019-01-01,,,BY_LAW\n", "mci.csv:2: the source is empty"},
      {"mci,1,TENGE,2019-01-01,,s,SURE\n",
       "mci.csv:2: the certainty is not STATUTE, BY_LAW or ASSUMPTION"},
      {"mci,1,TENGE,2019-01-01,,s\n", "mci.csv:2: has 6 columns, needs 7"},
      {"mci,\"1,TENGE,2019-01-01,,s,BY_LAW\n", "mci.csv:2: a quoted field does not end"},
      {good + "mci,1,TENGE,2019-12-31,,s,BY_LAW\n", "mci.csv:3: overlaps with mci.csv:2"},
      {good + good, "mci.csv:3: overlaps with mci.csv:2"},
      {"mci,1,TENGE,2019-01-01,,s,BY_LAW\nmci,1,TENGE,2020-01-01,,s,BY_LAW\n",
       "mci.csv:3: overlaps with mci.csv:2"},
      {good + "mci,1,TENGE,2020-01-02,,s,BY_LAW\n", "mci.csv:3: leaves a hole after mci.csv:2"},
      {"", "the norm mci has no row in any file"},
      {"base_rate,5,PERCENT,2021-01-01,2021-12-31,s,BY_LAW\n" + good,
       "base_rate.csv:2: overlaps with mci.csv:2"},
      {good + "holidays.day_off,1,DAYS,2025-01-03,,s,BY_LAW\n",
       "mci.csv:3: a row of this key needs in_force_to"},
      {good + "holidays.day_off,2,DAYS,2025-01-03,2025-01-03,s,BY_LAW\n",
       "mci.csv:3: the value is not the number of days from in_force_from to in_force_to"},
      {good + "holidays.published_year,2026,COUNT,2025-01-01,2025-12-31,s,BY_LAW\n",
       "mci.csv:3: in_force_from and in_force_to are not the ends of the year"},
      {"holidays.moving.nauryz_1,02-30,MONTH_DAY,1990-01-01,,s,BY_LAW\n",
       "mci.csv:2: the value is not a day of every year as MM-DD"},
      // No report would be due in three years of four, and what opens its term would fail.
      {"export_refunds.report_due,02-29,MONTH_DAY,2023-01-01,,s,BY_LAW\n",
       "mci.csv:2: the value is not a day of every year as MM-DD"},
      // A line is computed with thousandths: what is beyond them would be lost.
      {"export_refunds.logistics_factor.yes,1.0525,RATE,2023-01-01,,s,BY_LAW\n",
       "mci.csv:2: the value has more than 3 decimals"},
      {"base_rate,100.01,PERCENT,2019-01-01,,s,BY_LAW\n",
       "mci.csv:2: the value is not between 0 and 100"},
  };
  for (const auto& c : kCases) EXPECT_EQ(ErrorOf(c.rows), c.message) << c.rows;

  EXPECT_EQ(std::string(With("mci.csv", "").status().message()),
            "mci.csv:1: the header row is missing");
  EXPECT_EQ(std::string(With("mci.csv", "key,value\n").status().message()),
            "mci.csv:1: the column unit is missing");
  EXPECT_EQ(
      std::string(
          With("mci.csv", absl::StrReplaceAll(kHeader, {{"\n", ",more\n"}})).status().message()),
      "mci.csv:1: there is a column too many");
}

TEST(NormsTest, ReportsTheFirstTwentyErrors) {
  std::string rows;
  for (int i = 0; i < 30; ++i) rows += "mcj,1,TENGE,2019-01-01,,s,BY_LAW\n";
  const std::vector<std::string> lines = absl::StrSplit(ErrorOf(rows), '\n');
  ASSERT_EQ(lines.size(), 20u);
  EXPECT_EQ(lines.back(), "mci.csv:21: the key is unknown");
  // Several faults of one row all show.
  EXPECT_EQ(ErrorOf("mci,x,TENGE,y,,s,BY_LAW\n"),
            "mci.csv:2: the value is not a decimal number\n"
            "mci.csv:2: the in_force_from is not a date as YYYY-MM-DD");
}

TEST(NormsTest, EditionChangesWithAnyFieldAndNotWithTheFiles) {
  const std::string edition = Norms::Default()->edition();
  const std::string row = "mci,1,TENGE,2019-01-01,,s,BY_LAW\n";
  const std::string first = With("mci.csv", kHeader + row)->edition();
  EXPECT_NE(first, edition);
  for (const char* changed :
       {"mci,2,TENGE,2019-01-01,,s,BY_LAW\n", "mci,1,TENGE,2019-01-02,,s,BY_LAW\n",
        "mci,1,TENGE,2019-01-01,2020-01-01,s,BY_LAW\n", "mci,1,TENGE,2019-01-01,,t,BY_LAW\n",
        "mci,1,TENGE,2019-01-01,,s,STATUTE\n"}) {
    EXPECT_NE(With("mci.csv", kHeader + std::string(changed))->edition(), first) << changed;
  }
  std::vector<NormFile> files = Norms::DefaultFiles();
  files[0].name = "other.csv";
  std::swap(files[0], files[1]);
  EXPECT_EQ(Norms::LoadText(files)->edition(), edition);
}

TEST(NormsTest, CalendarComesFromTheData) {
  const Norms norms = Norms::Default().value();
  const struct {
    const char* date;
    bool working;
  } kCases[] = {
      {"2024-03-25", false},                                                // published
      {"2024-06-17", true},  {"2024-07-08", false}, {"2025-06-06", false},  // Kurban Ait
      {"2026-03-24", false},                                                // moved
      {"2026-03-26", true},  {"2026-01-07", false}, {"2026-01-08", true},
      {"2028-01-03", false}, {"2026-09-07", true},  {"2026-09-12", false},
  };
  for (const auto& c : kCases)
    EXPECT_EQ(norms.calendar().IsWorkingDay(D(c.date)), c.working) << c.date;

  const auto moved =
      With("mci.csv", std::string(kHeader) +
                          "mci,1,TENGE,2019-01-01,,s,BY_LAW\n"
                          "holidays.working_weekend,1,DAYS,2026-09-12,2026-09-12,s,BY_LAW\n");
  ASSERT_TRUE(moved.ok()) << moved.status();
  EXPECT_TRUE(moved->calendar().IsWorkingDay(D("2026-09-12")));
}

// What the rule makes of 2024 is what was published for it.
TEST(NormsTest, RuleAgreesWithThePublishedYear) {
  std::vector<NormFile> files = Norms::DefaultFiles();
  for (NormFile& file : files) {
    std::string kept;
    for (const absl::string_view line : absl::StrSplit(file.text, '\n', absl::SkipEmpty())) {
      if (line.find("Official calendar of 2024") == absl::string_view::npos)
        absl::StrAppend(&kept, line, "\n");
    }
    file.text = kept;
  }
  const auto rule_only = Norms::LoadText(files);
  ASSERT_TRUE(rule_only.ok()) << rule_only.status();
  const Norms published = Norms::Default().value();
  ASSERT_EQ(published.Series(kPublishedYear).size(), 1u);
  ASSERT_TRUE(rule_only->Series(kPublishedYear).empty());
  int holidays = 0;
  for (Date day = D("2024-01-01"); day <= D("2024-12-31"); day = day.AddDays(1)) {
    const bool worked = published.calendar().IsWorkingDay(day);
    EXPECT_EQ(rule_only->calendar().IsWorkingDay(day), worked) << day.ToString();
    if (!worked && !day.is_weekend()) ++holidays;
  }
  EXPECT_EQ(holidays, 13);
}

TEST(NormsTest, LoadNamesAFolderItCannotUse) {
  const auto missing = Norms::Load("/no/such/folder");
  EXPECT_EQ(missing.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(missing.status().message()), HasSubstr("/no/such/folder"));

  std::string dir = testing::TempDir() + "norms_XXXXXX";
  ASSERT_NE(mkdtemp(dir.data()), nullptr);
  EXPECT_EQ(Norms::Load(dir).status().code(), absl::StatusCode::kNotFound);
  std::ofstream(dir + "/bad.csv") << kHeader << "mcj,1,TENGE,2019-01-01,,s,BY_LAW\n";
  EXPECT_EQ(std::string(Norms::Load(dir).status().message()), "bad.csv:2: the key is unknown");
  std::filesystem::remove_all(dir);
}

}  // namespace
}  // namespace nisi::norms
