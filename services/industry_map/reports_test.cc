// Quarterly reports, their terms over ends of quarters and years, the traffic light and success.
#include <set>

#include "services/industry_map/rules.h"
#include "services/industry_map/service_testing.h"

namespace nisi::industry_map {
namespace {

using v1::Project;

class ReportsTest : public MapTest {
 protected:
  std::vector<cases::v1::Deadline> Overdue(const rpc::Caller& caller, const std::string& region,
                                           const std::string& body = "", bool escalated = false) {
    v1::ListOverdueReportsRequest list;
    list.set_region(region);
    list.set_body_bin(body);
    list.set_escalated_only(escalated);
    const auto found = Do<v1::ListOverdueReportsResponse>("ListOverdueReports", caller, list);
    EXPECT_TRUE(found.ok()) << found.status();
    if (!found.ok()) return {};
    return {found->deadlines().begin(), found->deadlines().end()};
  }
  absl::StatusOr<v1::Report> Correct(const v1::Report& report, int64_t used,
                                     const rpc::Caller& caller, int32_t load_bp = 0) {
    v1::CorrectReportRequest correct;
    v1::Report& given = *correct.mutable_report();
    given.set_name(report.name());
    given.set_etag(report.etag());
    *given.mutable_administrative_data() = Report(report.name()).administrative_data();
    given.mutable_administrative_data()->clear_traffic_light();
    given.mutable_administrative_data()->set_capacity_load_bp(load_bp);
    *given.mutable_administrative_data()->mutable_construction_used() = Tenge(used);
    *given.mutable_administrative_data()->mutable_sources(0)->mutable_amount() = Tenge(used);
    correct.mutable_update_mask()->add_paths("administrative_data");
    correct.set_reason("Опечатка.");
    return Do<v1::Report>("CorrectReport", caller, correct);
  }
  v1::Progress::TrafficLight Light(const std::string& project) {
    return Get(project).administrative_data().progress().traffic_light();
  }
};

TEST_F(ReportsTest, AQuarterIsReportedOnWhenItIsOverByWhoAnswered) {
  const std::string name = Include();
  const v1::Report second = MakeReport("2026Q2", 100, 500);
  EXPECT_EQ(base::ReasonOf(Submit(name, second, akimat_).status()), "QUARTER_NOT_ENDED");
  GoTo(Day("2026-07-01"));
  EXPECT_EQ(base::ReasonOf(Submit(name, MakeReport("2026Q1", 100, 500), akimat_).status()),
            "NOT_ON_MAP");
  EXPECT_EQ(base::ReasonOf(Submit(name, second, holding_).status()), "NOT_RESPONSIBLE");
  EXPECT_EQ(base::ReasonOf(Submit(name, second, other_akimat_).status()), "ACCESS_DENIED");
  const auto report = Submit(name, second, akimat_);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->name(), "projects/1/reports/2026q2");
  EXPECT_EQ(base::Date::FromProto(report->due_date())->ToString(), "2026-07-10");
  EXPECT_FALSE(report->late());
  EXPECT_EQ(base::ReasonOf(Submit(name, second, akimat_).status()), "ALREADY_EXISTS");
  const Project project = Get(name);
  EXPECT_EQ(project.jobs_fact(), 120);
  EXPECT_EQ(project.last_report_quarter(), "2026Q2");
  EXPECT_EQ(project.administrative_data().progress().investment_used().units(), 100);
}

TEST_F(ReportsTest, FiguresGoTogether) {
  const std::string name = Include();
  GoTo(Day("2026-07-01"));
  v1::Report report = MakeReport("2026Q2", 100, 500);
  *report.mutable_administrative_data()->mutable_other_used() = Tenge(1);
  EXPECT_EQ(base::ReasonOf(Submit(name, report, akimat_).status()), "SOURCES_MISMATCH");
  report = MakeReport("2026Q2", 100, 500, 9'000);
  EXPECT_EQ(base::ReasonOf(Submit(name, report, akimat_).status()), "LOAD_BEFORE_COMMISSIONING");
  report = MakeReport("2026Q2", 100, 500);
  report.mutable_administrative_data()->add_outputs()->set_product("сплав");
  report.mutable_administrative_data()->mutable_outputs(0)->set_unit("t");
  EXPECT_EQ(base::ReasonOf(Submit(name, report, akimat_).status()), "LOAD_BEFORE_COMMISSIONING");
}

TEST_F(ReportsTest, WhatIsCountedSinceTheBeginningNeverFalls) {
  const std::string name = Include();
  GoTo(Day("2026-10-01"));
  const auto later = Submit(name, MakeReport("2026Q3", 200, 2'000), akimat_);
  ASSERT_TRUE(later.ok()) << later.status();
  const auto refused = Submit(name, MakeReport("2026Q2", 300, 500), akimat_);
  EXPECT_EQ(base::ReasonOf(refused.status()), "CUMULATIVE_FELL");
  EXPECT_EQ(base::InfoOf(refused.status()).metadata().at("field"), "construction_used");
  EXPECT_EQ(base::InfoOf(refused.status()).metadata().at("quarter"), "2026Q3");
  const auto earlier = Submit(name, MakeReport("2026Q2", 150, 500), akimat_);
  ASSERT_TRUE(earlier.ok()) << earlier.status();
  EXPECT_TRUE(earlier->late());
  // The project shows the newest quarter, not the newest report.
  EXPECT_EQ(Get(name).administrative_data().progress().investment_used().units(), 200);
  EXPECT_EQ(base::ReasonOf(Correct(*later, 100, akimat_).status()), "CUMULATIVE_FELL");
  // A fall is mended by correcting the earlier quarter first.
  const auto mended = Correct(*earlier, 90, akimat_);
  ASSERT_TRUE(mended.ok()) << mended.status();
  EXPECT_EQ(mended->correction_count(), 1);
  EXPECT_TRUE(mended->late());
  EXPECT_EQ(base::ReasonOf(Correct(*earlier, 80, akimat_).status()), "VERSION_MISMATCH");
  EXPECT_EQ(base::ReasonOf(Correct(*mended, 90, akimat_).status()), "CORRECTION_EMPTY");
  EXPECT_EQ(base::ReasonOf(Correct(*mended, 80, holding_).status()), "NOT_RESPONSIBLE");
  ASSERT_TRUE(Correct(*later, 100, akimat_).ok());
  EXPECT_EQ(Get(name).administrative_data().progress().investment_used().units(), 100);
  v1::GetReportRequest get;
  get.set_name(earlier->name());
  EXPECT_EQ(base::ReasonOf(Do<v1::Report>("GetReport", other_akimat_, get).status()),
            "ACCESS_DENIED");
  EXPECT_TRUE(Do<v1::Report>("GetReport", owner_, get).ok());
}

// Its region is whose akimat answers: that of another district of it does not.
TEST_F(ReportsTest, AnAkimatOfAnotherDistrictReportsNothing) {
  const std::string name = Include();
  NextQuarter();
  const rpc::Caller other = CallerOf("district@akimat", {rpc::v1::AKIMAT}, "", {"3912"});
  const rpc::Caller own = CallerOf("city@akimat", {rpc::v1::AKIMAT}, "", {"3910"});
  const v1::Report report = MakeReport("2026Q2", 100, 500);
  EXPECT_EQ(base::ReasonOf(Submit(name, report, other).status()), "ACCESS_DENIED");
  EXPECT_EQ(base::ReasonOf(Commission(name, other).status()), "ACCESS_DENIED");
  const auto filed = Submit(name, report, own);
  ASSERT_TRUE(filed.ok()) << filed.status();
  EXPECT_EQ(base::ReasonOf(Correct(*filed, 90, other).status()), "ACCESS_DENIED");
}

TEST_F(ReportsTest, MissingOnesAreOwedFromTheEndOfTheQuarterOverTheEndOfTheYear) {
  v1::Project of_holding = MakeProject();
  of_holding.mutable_parameters()->mutable_responsible_body()->set_kind(
      v1::ResponsibleBody::HOLDING);
  GoTo(Day("2026-12-01"));
  const std::string by_akimat = Include();
  const std::string by_holding = Include(of_holding);
  GoTo(Day("2027-01-10"));
  EXPECT_TRUE(Overdue(authority_, "").empty());
  ASSERT_TRUE(Submit(by_akimat, MakeReport("2026Q4", 1, 1), akimat_).ok());
  clock_.Set(Day("2027-01-11").StartOfDay());  // legal midnight, and not a second before
  ASSERT_TRUE(store().RunDueTimers().ok());
  const auto overdue = Overdue(authority_, "");
  ASSERT_EQ(overdue.size(), 1U);
  EXPECT_EQ(overdue[0].record(), "projects/2/reports/2026q4");
  EXPECT_EQ(overdue[0].body(), kHoldingBin);
  EXPECT_EQ(Overdue(akimat_, "39").size(), 1U);
  EXPECT_EQ(Overdue(holding_, "", kHoldingBin).size(), 1U);
  EXPECT_EQ(Overdue(authority_, "75").size(), 0U);
  // Without asking for more than its own nobody but bodies of the country sees more.
  EXPECT_EQ(Overdue(akimat_, "").size(), 1U);
  EXPECT_EQ(Overdue(other_akimat_, "").size(), 0U);
  EXPECT_EQ(Overdue(sector_, "").size(), 0U);
  // Five working days later it has gone to the authority.
  GoTo(Day("2027-01-15"));
  EXPECT_TRUE(Overdue(authority_, "", "", true).empty());
  GoTo(Day("2027-01-18"));
  ASSERT_EQ(Overdue(authority_, "", "", true).size(), 1U);
  const auto late = Submit(by_holding, MakeReport("2026Q4", 1, 1), holding_);
  ASSERT_TRUE(late.ok()) << late.status();
  EXPECT_TRUE(late->late());
  EXPECT_TRUE(Overdue(authority_, "").empty());
  EXPECT_TRUE(Overdue(authority_, "", "", true).empty());
}

TEST_F(ReportsTest, QuartersThatEndedWhileTheServiceWasAwayAreOwedToo) {
  const std::string name = Include();
  service_.reset();
  clock_.Set(Day("2027-02-01").StartOfDay());
  Reopen();
  ASSERT_TRUE(store().RunDueTimers().ok());
  std::set<std::string> owed;
  for (const auto& deadline : Overdue(authority_, "")) owed.insert(deadline.record());
  EXPECT_EQ(owed, (std::set<std::string>{name + "/reports/2026q2", name + "/reports/2026q3",
                                         name + "/reports/2026q4"}));
}

TEST_F(ReportsTest, SuspendedOnesOweNothingAndOldDebtsStay) {
  const std::string name = Include();
  NextQuarter();
  ASSERT_TRUE(Suspend(name, authority_).ok());
  GoTo(Day("2026-12-01"));
  EXPECT_EQ(Overdue(authority_, "").size(), 1U);
  EXPECT_EQ(base::ReasonOf(Submit(name, MakeReport("2026Q3", 1, 1), akimat_).status()),
            "NOT_ON_MAP");
  EXPECT_TRUE(Submit(name, MakeReport("2026Q2", 1, 1), akimat_).ok());
  EXPECT_TRUE(Overdue(authority_, "").empty());
}

TEST_F(ReportsTest, TheLightTurnsByItselfOnItsDay) {
  const std::string name = Include();
  EXPECT_EQ(Light(name), v1::Progress::GREEN);
  // Planned for the 31st of December 2027: three months end on the 31st of March.
  GoTo(Day("2028-03-31"));
  EXPECT_EQ(Light(name), v1::Progress::GREEN);
  clock_.Set(Day("2028-04-01").StartOfDay());
  ASSERT_TRUE(store().RunDueTimers().ok());
  EXPECT_EQ(Light(name), v1::Progress::YELLOW);
  GoTo(Day("2028-06-30"));
  EXPECT_EQ(Light(name), v1::Progress::YELLOW);
  GoTo(Day("2028-07-01"));
  EXPECT_EQ(Light(name), v1::Progress::RED);
  ASSERT_TRUE(Commission(name, akimat_).ok());
  EXPECT_EQ(Light(name), v1::Progress::TRAFFIC_LIGHT_UNSPECIFIED);
}

TEST_F(ReportsTest, TheLightShowsLagAndForecast) {
  const std::string name = Include();
  GoTo(Day("2027-01-01"));
  // A year of two is over: half is planned.
  ASSERT_TRUE(Submit(name, MakeReport("2026Q2", 1, 1'000), akimat_).ok());
  EXPECT_EQ(Light(name), v1::Progress::YELLOW);  // planned 24.7 %
  ASSERT_TRUE(Submit(name, MakeReport("2026Q4", 1, 2'900), akimat_).ok());
  EXPECT_EQ(Light(name), v1::Progress::RED);
  GoTo(Day("2027-04-01"));
  v1::Report good = MakeReport("2027Q1", 1, 6'000);
  ASSERT_TRUE(Submit(name, good, akimat_).ok());
  EXPECT_EQ(Light(name), v1::Progress::GREEN);
  GoTo(Day("2027-07-01"));
  v1::Report slipping = MakeReport("2027Q2", 1, 8'000);
  *slipping.mutable_forecast_commissioning_date() = Day("2028-07-01").ToProto();
  const auto report = Submit(name, slipping, akimat_);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(Report(report->name()).administrative_data().traffic_light(), v1::Progress::RED);
  v1::ReplayDecisionRequest replay;
  replay.set_name(name);
  const auto replayed = Do<v1::ReplayDecisionResponse>("ReplayDecision", institute_, replay);
  ASSERT_TRUE(replayed.ok()) << replayed.status();
  EXPECT_TRUE(replayed->same());
  EXPECT_EQ(replayed->stored().outcome(), "RED");
}

TEST_F(ReportsTest, FourLoadedQuartersAreProposedAsSuccessAndAPersonDecides) {
  const std::string name = Include();
  ASSERT_TRUE(Commission(name, akimat_).ok());
  auto success = Exclusion(name, v1::CAPACITY_SUSTAINED);
  EXPECT_EQ(base::ReasonOf(Do<v1::Review>("ProposeExclusion", owner_, success).status()),
            "GROUND_NOT_MET");
  const int loads[] = {7'000, 9'000, 6'999, 7'000, 12'000, 7'100, 7'000};
  for (const int load : loads) {
    EXPECT_EQ(Get(name).open_reviews_size(), 0) << load;
    const std::string quarter = base::Quarter::Containing(today()).ToString();
    NextQuarter();
    const auto report = Submit(name, MakeReport(quarter, 1, 10'000, load), akimat_);
    ASSERT_TRUE(report.ok()) << report.status();
  }
  const Project project = Get(name);
  EXPECT_EQ(project.administrative_data().progress().loaded_quarters(), 4);
  ASSERT_EQ(project.open_reviews_size(), 1);
  const std::string review = project.open_reviews(0);
  EXPECT_EQ(Review(review).proposed_by(), "system/reports");
  EXPECT_EQ(Review(review).administrative_data().ground_decision().outcome(), "MET");
  v1::WithdrawReviewRequest withdraw;
  withdraw.set_name(review);
  withdraw.set_reason("Рано.");
  EXPECT_EQ(base::ReasonOf(Do<v1::Review>("WithdrawReview", owner_, withdraw).status()),
            "NOT_THE_PROPOSER");
  v1::ReplayDecisionRequest replay;
  replay.set_name(review);
  EXPECT_TRUE(Do<v1::ReplayDecisionResponse>("ReplayDecision", auditor_, replay)->same());
  Recommend(review);
  const auto completed = Adopt(review, authority_);
  ASSERT_TRUE(completed.ok()) << completed.status();
  EXPECT_EQ(completed->state(), Project::COMPLETED);
  // The ground of the register is computed again beside the decision that rests on it.
  const auto both = Do<v1::ReplayDecisionResponse>("ReplayDecision", institute_, replay);
  ASSERT_TRUE(both.ok()) << both.status();
  EXPECT_TRUE(both->same());
  EXPECT_EQ(both->stored().SerializeAsString(),
            Review(review).administrative_data().decision().SerializeAsString());
  EXPECT_EQ(both->stored_ground().SerializeAsString(),
            Review(review).administrative_data().ground_decision().SerializeAsString());
  EXPECT_EQ(both->replayed_ground().outcome(), "MET");
  // On a day before it was proposed there was nothing to compute.
  *replay.mutable_as_of() = Day("2026-06-20").ToProto();
  EXPECT_EQ(
      base::ReasonOf(Do<v1::ReplayDecisionResponse>("ReplayDecision", institute_, replay).status()),
      "NOT_FOUND");
}

// What was computed from a commissioning that never was is found not to hold before it is decided.
TEST_F(ReportsTest, ASuccessBeforeCommissioningIsNone) {
  const std::string name = Include();
  ASSERT_TRUE(Commission(name, akimat_).ok());
  for (int quarter = 0; quarter < 4; ++quarter) {
    const std::string reported = base::Quarter::Containing(today()).ToString();
    NextQuarter();
    ASSERT_TRUE(Submit(name, MakeReport(reported, 1, 10'000, 8'000), akimat_).ok());
  }
  const std::string review = Get(name).open_reviews(0);
  Recommend(review);
  ASSERT_TRUE(CorrectDay(name, v1::Milestone::COMMISSIONING, today(), akimat_).ok());
  EXPECT_EQ(Get(name).administrative_data().progress().loaded_quarters(), 0);
  EXPECT_EQ(base::ReasonOf(Adopt(review, authority_).status()), "GROUND_NOT_MET");
  ASSERT_TRUE(CorrectDay(name, v1::Milestone::COMMISSIONING, Day("2026-06-20"), akimat_).ok());
  EXPECT_TRUE(Adopt(review, authority_).ok());
}

TEST_F(ReportsTest, TheLightIsReplayedAsItStoodThen) {
  const std::string name = Include();
  GoTo(Day("2028-07-01"));
  v1::ReplayDecisionRequest replay;
  replay.set_name(name);
  const auto now = Do<v1::ReplayDecisionResponse>("ReplayDecision", institute_, replay);
  ASSERT_TRUE(now.ok()) << now.status();
  EXPECT_EQ(now->stored().outcome(), "RED");
  *replay.mutable_as_of() = Day("2028-06-30").ToProto();
  const auto before = Do<v1::ReplayDecisionResponse>("ReplayDecision", institute_, replay);
  ASSERT_TRUE(before.ok()) << before.status();
  EXPECT_EQ(before->stored().outcome(), "YELLOW");
  EXPECT_TRUE(before->same());
  replay.clear_as_of();
  replay.mutable_known_at()->set_seconds(absl::ToUnixSeconds(Day("2026-07-01").StartOfDay()));
  const auto known = Do<v1::ReplayDecisionResponse>("ReplayDecision", institute_, replay);
  ASSERT_TRUE(known.ok()) << known.status();
  EXPECT_EQ(known->stored().outcome(), "GREEN");
}

// The row may also be closed from behind: by a report that comes late, or by a correction.
TEST_F(ReportsTest, ALateOrCorrectedReportMayCloseTheRow) {
  const std::string late = Include();
  const std::string corrected = Include();
  for (const std::string& name : {late, corrected})
    ASSERT_TRUE(Commission(name, akimat_).ok()) << name;
  GoTo(Day("2027-04-01"));
  for (const std::string& name : {late, corrected}) {
    for (const char* quarter : {"2026Q2", "2026Q4", "2027Q1"})
      ASSERT_TRUE(Submit(name, MakeReport(quarter, 1, 10'000, 7'000), akimat_).ok()) << quarter;
    EXPECT_EQ(Get(name).open_reviews_size(), 0);
  }
  ASSERT_TRUE(Submit(late, MakeReport("2026Q3", 1, 10'000, 7'000), akimat_).ok());
  EXPECT_EQ(Get(late).open_reviews_size(), 1);
  const auto low = Submit(corrected, MakeReport("2026Q3", 1, 10'000, 6'999), akimat_);
  ASSERT_TRUE(low.ok()) << low.status();
  EXPECT_EQ(Get(corrected).open_reviews_size(), 0);
  const auto mended = Correct(*low, 1, akimat_, 7'000);
  ASSERT_TRUE(mended.ok()) << mended.status();
  const Project project = Get(corrected);
  ASSERT_EQ(project.open_reviews_size(), 1);
  EXPECT_EQ(Review(project.open_reviews(0)).administrative_data().ground_decision().outcome(),
            "MET");
}

TEST_F(ReportsTest, CommissioningCountsFromItsDayHoweverLateItWasRecorded) {
  const std::string name = Include();
  GoTo(Day("2026-10-05"));
  const auto report = Submit(name, MakeReport("2026Q3", 1, 9'000), akimat_);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(base::ReasonOf(Correct(*report, 1, akimat_, 5'000).status()),
            "LOAD_BEFORE_COMMISSIONING");
  ASSERT_TRUE(Commission(name, akimat_, Day("2026-09-30")).ok());
  // The quarter that ended the day before has none of it, this one has, filed or corrected.
  EXPECT_EQ(base::ReasonOf(Submit(name, MakeReport("2026Q2", 1, 9'000, 5'000), akimat_).status()),
            "LOAD_BEFORE_COMMISSIONING");
  EXPECT_TRUE(Submit(name, MakeReport("2026Q2", 1, 9'000), akimat_).ok());
  const auto corrected = Correct(*report, 1, akimat_, 5'000);
  ASSERT_TRUE(corrected.ok()) << corrected.status();
  EXPECT_EQ(Report(report->name()).administrative_data().capacity_load_bp(), 5'000);

  const std::string other = Include();
  GoTo(Day("2027-01-05"));
  ASSERT_TRUE(Commission(other, akimat_, Day("2026-12-20")).ok());
  v1::Report forecast = MakeReport("2026Q4", 1, 9'000, 5'000);
  *forecast.mutable_forecast_commissioning_date() = Day("2027-02-01").ToProto();
  EXPECT_EQ(base::ReasonOf(Submit(other, forecast, akimat_).status()),
            "FORECAST_AFTER_COMMISSIONING");
  forecast.clear_forecast_commissioning_date();
  EXPECT_TRUE(Submit(other, forecast, akimat_).ok());
}

TEST_F(ReportsTest, MilestonesAreReachedInOrderByTheResponsibleBody) {
  const std::string name = Include();
  EXPECT_EQ(base::ReasonOf(Commission(name, holding_).status()), "NOT_RESPONSIBLE");
  EXPECT_EQ(base::ReasonOf(Milestone(name, v1::Milestone::COMMISSIONING, akimat_).status()),
            "MILESTONE_KIND");
  GoTo(Day("2026-07-01"));
  ASSERT_TRUE(Milestone(name, v1::Milestone::CONSTRUCTION, akimat_).ok());
  EXPECT_EQ(base::ReasonOf(Milestone(name, v1::Milestone::CONSTRUCTION, akimat_).status()),
            "MILESTONE_REACHED");
  GoTo(Day("2026-07-02"));
  EXPECT_EQ(base::ReasonOf(Milestone(name, v1::Milestone::DESIGN_DOCUMENTS, akimat_).status()),
            "MILESTONES_OUT_OF_ORDER");
  ASSERT_TRUE(Commission(name, akimat_).ok());
  const auto full = Milestone(name, v1::Milestone::DESIGN_CAPACITY, akimat_);
  ASSERT_TRUE(full.ok()) << full.status();
  EXPECT_EQ(full->state(), Project::AT_CAPACITY);
}

TEST(MonthsTest, EndWhereAMonthIsShorter) {
  EXPECT_EQ(AddMonths(Day("2027-08-31"), 6), Day("2028-02-29"));
  EXPECT_EQ(AddMonths(Day("2027-08-31"), 3), Day("2027-11-30"));
  EXPECT_EQ(AddMonths(Day("2027-12-31"), 3), Day("2028-03-31"));
  EXPECT_EQ(AddMonths(Day("2027-11-15"), 3), Day("2028-02-15"));
}

}  // namespace
}  // namespace nisi::industry_map
