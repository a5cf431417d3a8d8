// What holds from another day than the one on which it was recorded, by both times.
#include "services/industry_map/history.h"

#include <functional>

#include "common/cases/deadlines.h"
#include "services/industry_map/service_testing.h"

namespace nisi::industry_map {
namespace {

using v1::Project;

class HistoryTest : public MapTest {
 protected:
  // As it was on a day, as was known at the beginning of another; empty: now.
  Project On(const std::string& name, const char* day, const char* known = "") {
    store::At at;
    at.as_of = Day(day);
    if (*known != '\0') at.known_at_us = absl::ToUnixMicros(Day(known).StartOfDay());
    const auto found = store().Read().Find(kProjects, ProjectKey(*ProjectNumber(name)), at);
    EXPECT_TRUE(found.ok() && found->has_value()) << name << " " << day;
    return found.ok() && found->has_value() ? (*found)->row.project() : Project();
  }
  int64_t JobsOf(const char* day, const std::string& region = "") {
    v1::SummarizeRequest request;
    request.set_region(region);
    *request.mutable_as_of() = Day(day).ToProto();
    const auto said = Do<v1::SummarizeResponse>("Summarize", authority_, request);
    EXPECT_TRUE(said.ok()) << said.status();
    return said->rows_size() == 0 ? 0 : said->rows(0).jobs_plan();
  }
  std::vector<cases::Deadline> Owed(const std::string& report) {
    const auto open = cases::OpenDeadlines(store().Read(), report);
    EXPECT_TRUE(open.ok()) << open.status();
    return *open;
  }
  void TearDown() override {
    ExpectSound();
    MapTest::TearDown();
  }
};

// Also recorded late, an act holds from its date; what is owed follows.
TEST_F(HistoryTest, ASuspensionHoldsFromItsActAndSoDoesItsEnd) {
  const std::string name = Include();
  GoTo(Day("2026-07-20"));
  ASSERT_TRUE(Commission(name, akimat_).ok());
  GoTo(Day("2026-10-05"));
  ASSERT_EQ(Owed(name + "/reports/2026q3").size(), 1U);
  for (const char* day : {"2026-06-14", "2026-10-06"}) {
    EXPECT_EQ(base::ReasonOf(Suspend(name, authority_, Day(day)).status()), "ACT_DATE_INVALID")
        << day;
  }
  v1::SuspendProjectRequest bare;
  bare.set_name(name);
  bare.set_reason("Стройка стоит.");
  EXPECT_EQ(base::ReasonOf(Do<Project>("SuspendProject", authority_, bare).status()),
            "INVALID_FIELD");
  const auto suspended = Suspend(name, authority_, Day("2026-07-10"));
  ASSERT_TRUE(suspended.ok()) << suspended.status();
  EXPECT_EQ(suspended->suspended_from(), Project::COMMISSIONED);
  EXPECT_EQ(suspended->suspension_act().number(), "71-НҚ");
  EXPECT_EQ(base::Date::FromProto(suspended->suspension_act().date())->ToString(), "2026-07-10");
  EXPECT_EQ(On(name, "2026-07-09").state(), Project::INCLUDED);
  EXPECT_FALSE(On(name, "2026-07-09").has_suspension_act());
  EXPECT_EQ(On(name, "2026-07-10").state(), Project::SUSPENDED);
  EXPECT_EQ(On(name, "2026-07-10").suspended_from(), Project::INCLUDED);
  EXPECT_EQ(On(name, "2026-07-20").suspended_from(), Project::COMMISSIONED);
  EXPECT_TRUE(Owed(name + "/reports/2026q3").empty());
  EXPECT_FALSE(Owed(name + "/reports/2026q2").empty());  // it ended before

  for (const char* day : {"2026-07-09", "2026-10-06"}) {
    EXPECT_EQ(base::ReasonOf(Resume(name, authority_, Day(day)).status()), "ACT_DATE_INVALID")
        << day;
  }
  const auto resumed = Resume(name, authority_, Day("2026-07-15"));
  ASSERT_TRUE(resumed.ok()) << resumed.status();
  EXPECT_EQ(resumed->state(), Project::COMMISSIONED);
  EXPECT_EQ(resumed->resumption_act().number(), "72-НҚ");
  EXPECT_EQ(On(name, "2026-07-14").state(), Project::SUSPENDED);
  EXPECT_EQ(On(name, "2026-07-15").state(), Project::INCLUDED);
  EXPECT_EQ(On(name, "2026-07-20").state(), Project::COMMISSIONED);
  EXPECT_EQ(Owed(name + "/reports/2026q3").size(), 1U);
  // The next rests on that one.
  EXPECT_EQ(base::ReasonOf(Suspend(name, authority_, Day("2026-07-14")).status()),
            "ACT_DATE_INVALID");
}

TEST_F(HistoryTest, WhatWasFiledIsNotOwedAgainByAnEndOfASuspension) {
  const std::string name = Include();
  GoTo(Day("2026-10-05"));
  ASSERT_TRUE(Submit(name, MakeReport("2026Q3", 100, 500), akimat_).ok());
  ASSERT_TRUE(Suspend(name, authority_, Day("2026-07-10")).ok());
  ASSERT_TRUE(Resume(name, authority_, Day("2026-07-15")).ok());
  EXPECT_TRUE(Owed(name + "/reports/2026q3").empty());
}

TEST_F(HistoryTest, AChangeToComeIsReadableByItsDayAtOnce) {
  const std::string name = Include();
  GoTo(Day("2026-06-20"));
  auto change = ChangeOf(name);
  change.mutable_parameters()->set_jobs_operation(500);
  *change.mutable_effective_from() = Day("2026-08-01").ToProto();
  AdoptProposal(change);
  EXPECT_EQ(On(name, "2026-07-31").parameters().jobs_operation(), 400);
  EXPECT_EQ(On(name, "2026-08-01").parameters().jobs_operation(), 500);
  EXPECT_EQ(On(name, "2026-08-01", "2026-06-20").parameters().jobs_operation(), 400);
  EXPECT_EQ(JobsOf("2026-07-31"), 400);
  EXPECT_EQ(JobsOf("2026-08-01"), 500);
  // What is recorded until then holds then, too.
  GoTo(Day("2026-07-05"));
  ASSERT_TRUE(Submit(name, MakeReport("2026Q2", 100, 500), akimat_).ok());
  ASSERT_TRUE(Milestone(name, v1::Milestone::DESIGN_DOCUMENTS, akimat_).ok());
  EXPECT_EQ(On(name, "2026-08-01").jobs_fact(), 120);
  EXPECT_EQ(On(name, "2026-08-01").milestone_facts_size(), 1);
  EXPECT_EQ(On(name, "2026-08-01").parameters().jobs_operation(), 500);
  EXPECT_EQ(On(name, "2026-08-01").change_act().number(), "54-НҚ");
  GoTo(Day("2026-08-02"));
  EXPECT_EQ(Get(name).parameters().jobs_operation(), 500);
  EXPECT_EQ(JobsOf("2026-07-31"), 400);
  EXPECT_EQ(JobsOf("2026-08-02"), 500);
}

TEST_F(HistoryTest, TwoChangesToComeHoldInTheOrderOfTheirDays) {
  const std::string name = Include();
  auto later = ChangeOf(name);
  later.mutable_parameters()->set_jobs_operation(700);
  *later.mutable_effective_from() = Day("2026-10-01").ToProto();
  AdoptProposal(later);
  auto sooner = ChangeOf(name);
  sooner.mutable_parameters()->set_jobs_operation(500);
  sooner.mutable_parameters()->set_jobs_building(70);
  *sooner.mutable_effective_from() = Day("2026-08-01").ToProto();
  AdoptProposal(sooner);
  const auto jobs = [&](const char* day) {
    const v1::ProjectParameters then = On(name, day).parameters();
    return std::pair(then.jobs_operation(), then.jobs_building());
  };
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(jobs("2026-07-31"), std::pair(400, 0));
    EXPECT_EQ(jobs("2026-08-01"), std::pair(500, 70));
    EXPECT_EQ(jobs("2026-10-01"), std::pair(700, 70));
    GoTo(Day("2026-10-02"));  // both days at once, as after a time away
  }
  EXPECT_EQ(Get(name).parameters().jobs_operation(), 700);
}

TEST_F(HistoryTest, WhatLeavesTheMapIsNotChangedThereafter) {
  const std::string name = Include();
  auto change = ChangeOf(name);
  change.mutable_parameters()->set_jobs_operation(500);
  *change.mutable_effective_from() = Day("2026-08-01").ToProto();
  AdoptProposal(change);
  const std::string review = Do<v1::Review>("ProposeExclusion", owner_, Exclusion(name))->name();
  Recommend(review);
  ASSERT_TRUE(Adopt(review, authority_).ok());
  EXPECT_EQ(On(name, "2026-08-01").state(), Project::EXCLUDED);
  EXPECT_EQ(On(name, "2026-08-01").parameters().jobs_operation(), 400);
  EXPECT_EQ(JobsOf("2026-08-01"), 0);
  GoTo(Day("2026-08-01"));
  EXPECT_EQ(Get(name).state(), Project::EXCLUDED);
  EXPECT_EQ(Get(name).parameters().jobs_operation(), 400);
}

TEST_F(HistoryTest, AMilestoneIsReachedOnItsDay) {
  const std::string name = Include();
  GoTo(Day("2026-08-15"));
  ASSERT_TRUE(Suspend(name, authority_).ok());
  GoTo(Day("2026-08-20"));
  ASSERT_TRUE(Resume(name, authority_).ok());
  GoTo(Day("2026-09-20"));
  ASSERT_TRUE(Commission(name, akimat_, Day("2026-07-10")).ok());
  EXPECT_EQ(On(name, "2026-07-09").state(), Project::INCLUDED);
  EXPECT_EQ(On(name, "2026-07-10").state(), Project::COMMISSIONED);
  EXPECT_EQ(On(name, "2026-08-01").milestone_facts_size(), 1);
  EXPECT_EQ(On(name, "2026-08-01", "2026-09-20").state(), Project::INCLUDED);
  EXPECT_EQ(On(name, "2026-08-16").state(), Project::SUSPENDED);
  EXPECT_EQ(On(name, "2026-08-16").suspended_from(), Project::COMMISSIONED);
  EXPECT_EQ(On(name, "2026-08-20").state(), Project::COMMISSIONED);
  EXPECT_EQ(Get(name).state(), Project::COMMISSIONED);
  EXPECT_EQ(Get(name).milestone_facts_size(), 1);
  // One before the inclusion holds from the inclusion.
  const std::string old = Include();
  ASSERT_TRUE(Commission(old, akimat_, Day("2026-01-10")).ok());
  EXPECT_EQ(On(old, "2026-09-20").state(), Project::COMMISSIONED);
}

// A commissioning of another day, or of another project: what follows from it is found anew of
// every day since, and what was known before stays.
TEST_F(HistoryTest, AnActualDayThatWasRecordedWronglyIsCorrected) {
  const std::string name = Include();
  GoTo(Day("2026-10-02"));
  v1::Report forecast = MakeReport("2026Q2", 1, 500);
  *forecast.mutable_forecast_commissioning_date() = Day("2027-11-01").ToProto();
  ASSERT_TRUE(Submit(name, forecast, akimat_).ok());
  ASSERT_TRUE(Milestone(name, v1::Milestone::CONSTRUCTION, akimat_).ok());
  GoTo(Day("2027-01-20"));
  ASSERT_TRUE(Commission(name, akimat_, Day("2026-12-10")).ok());
  ASSERT_TRUE(Submit(name, MakeReport("2026Q4", 1, 9'000, 8'000), akimat_).ok());
  const auto progress = [&](const Project& project) {
    return project.administrative_data().progress();
  };
  EXPECT_EQ(progress(Get(name)).capacity_load_bp(), 8'000);
  EXPECT_EQ(progress(Get(name)).loaded_quarters(), 1);
  EXPECT_EQ(progress(Get(name)).traffic_light(), v1::Progress::TRAFFIC_LIGHT_UNSPECIFIED);

  // Later: on the days between it was under construction.
  GoTo(Day("2027-01-25"));
  const auto moved = CorrectDay(name, v1::Milestone::COMMISSIONING, Day("2027-01-15"), akimat_);
  ASSERT_TRUE(moved.ok()) << moved.status();
  EXPECT_EQ(moved->state(), Project::COMMISSIONED);
  EXPECT_EQ(base::Date::FromProto(moved->milestone_facts(1).actual_date())->ToString(),
            "2027-01-15");
  EXPECT_EQ(Get(name).administrative_data().milestone_proofs_size(), 1);
  ASSERT_EQ(Get(name).administrative_data().milestone_corrections_size(), 1);
  const v1::MilestoneCorrection said = Get(name).administrative_data().milestone_corrections(0);
  EXPECT_EQ(base::Date::FromProto(said.before())->ToString(), "2026-12-10");
  EXPECT_EQ(base::Date::FromProto(said.after())->ToString(), "2027-01-15");
  EXPECT_EQ(said.corrected_by(), akimat_.subject);
  EXPECT_EQ(said.reason(), "Акт другого проекта.");
  EXPECT_EQ(On(name, "2026-12-20").state(), Project::INCLUDED);
  EXPECT_EQ(On(name, "2026-12-20").milestone_facts_size(), 1);
  EXPECT_EQ(On(name, "2026-12-20").administrative_data().milestone_proofs_size(), 0);
  EXPECT_TRUE(On(name, "2026-12-20").has_forecast_commissioning_date());
  EXPECT_EQ(progress(On(name, "2026-12-20")).traffic_light(), v1::Progress::YELLOW);  // by 2026Q2
  EXPECT_EQ(On(name, "2027-01-15").state(), Project::COMMISSIONED);
  EXPECT_EQ(On(name, "2026-12-20", "2027-01-25").state(), Project::COMMISSIONED);
  // The load of a quarter that ended before it does not count.
  EXPECT_EQ(progress(Get(name)).capacity_load_bp(), 0);
  EXPECT_EQ(progress(Get(name)).loaded_quarters(), 0);

  // Earlier again: it counts.
  const auto back = CorrectDay(name, v1::Milestone::COMMISSIONING, Day("2026-11-01"), akimat_);
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(On(name, "2026-11-01").state(), Project::COMMISSIONED);
  EXPECT_EQ(On(name, "2026-11-01").administrative_data().milestone_proofs_size(), 1);
  EXPECT_EQ(On(name, "2026-10-31").state(), Project::INCLUDED);
  EXPECT_EQ(progress(Get(name)).capacity_load_bp(), 8'000);
  EXPECT_EQ(progress(Get(name)).loaded_quarters(), 1);
  EXPECT_EQ(Get(name).administrative_data().milestone_corrections_size(), 2);

  // It was another project's: the light shines and turns again, and forecasts are taken.
  const auto none = CorrectDay(name, v1::Milestone::COMMISSIONING, std::nullopt, akimat_);
  ASSERT_TRUE(none.ok()) << none.status();
  EXPECT_EQ(none->state(), Project::INCLUDED);
  EXPECT_EQ(none->milestone_facts_size(), 1);
  EXPECT_EQ(Get(name).administrative_data().milestone_proofs_size(), 0);
  EXPECT_FALSE(Get(name).administrative_data().milestone_corrections(2).has_after());
  EXPECT_EQ(On(name, "2026-12-20").state(), Project::INCLUDED);
  EXPECT_EQ(progress(Get(name)).capacity_load_bp(), 0);
  EXPECT_EQ(progress(Get(name)).traffic_light(), v1::Progress::GREEN);
  EXPECT_EQ(base::ReasonOf(Submit(name, MakeReport("2026Q3", 1, 500, 10), akimat_).status()),
            "LOAD_BEFORE_COMMISSIONING");
  GoTo(Day("2027-04-02"));
  v1::Report next = MakeReport("2027Q1", 1, 9'000);
  *next.mutable_forecast_commissioning_date() = Day("2028-11-01").ToProto();
  ASSERT_TRUE(Submit(name, next, akimat_).ok());
  EXPECT_EQ(progress(Get(name)).traffic_light(), v1::Progress::RED);
}

TEST_F(HistoryTest, AMilestoneIsCorrectedAmongTheOthersByWhoAnswers) {
  const std::string name = Include();
  GoTo(Day("2026-07-01"));
  ASSERT_TRUE(Milestone(name, v1::Milestone::CONSTRUCTION, akimat_).ok());
  GoTo(Day("2026-08-01"));
  ASSERT_TRUE(Commission(name, akimat_).ok());
  GoTo(Day("2026-09-01"));
  ASSERT_TRUE(Milestone(name, v1::Milestone::DESIGN_CAPACITY, akimat_).ok());
  GoTo(Day("2026-09-10"));
  struct {
    v1::Milestone::Kind kind;
    std::optional<base::Date> day;
    const char* reason;
  } const refused[] = {
      {v1::Milestone::COMMISSIONING, Day("2026-06-30"), "MILESTONES_OUT_OF_ORDER"},
      {v1::Milestone::COMMISSIONING, Day("2026-09-02"), "MILESTONES_OUT_OF_ORDER"},
      {v1::Milestone::COMMISSIONING, std::nullopt, "MILESTONES_OUT_OF_ORDER"},
      {v1::Milestone::COMMISSIONING, Day("2026-08-01"), "CORRECTION_EMPTY"},
      {v1::Milestone::DESIGN_CAPACITY, Day("2026-09-11"), "DATE_IN_FUTURE"},
      {v1::Milestone::DESIGN_DOCUMENTS, Day("2026-06-20"), "MILESTONE_NOT_REACHED"},
  };
  for (const auto& c : refused) {
    const absl::Status status = CorrectDay(name, c.kind, c.day, akimat_).status();
    EXPECT_EQ(base::ReasonOf(status), c.reason) << status;
  }
  EXPECT_EQ(
      base::ReasonOf(
          CorrectDay(name, v1::Milestone::COMMISSIONING, Day("2026-08-02"), holding_).status()),
      "NOT_RESPONSIBLE");
  auto stale = Correction(name, v1::Milestone::COMMISSIONING, Day("2026-08-02"));
  ASSERT_TRUE(CorrectDay(name, v1::Milestone::COMMISSIONING, Day("2026-08-03"), akimat_).ok());
  EXPECT_EQ(base::ReasonOf(Do<Project>("CorrectMilestone", akimat_, stale).status()),
            "VERSION_MISMATCH");
  // Of a time in which it was suspended, what it is suspended from.
  ASSERT_TRUE(Suspend(name, authority_).ok());
  GoTo(Day("2026-09-12"));
  const auto taken = CorrectDay(name, v1::Milestone::DESIGN_CAPACITY, std::nullopt, akimat_);
  ASSERT_TRUE(taken.ok()) << taken.status();
  EXPECT_EQ(taken->state(), Project::SUSPENDED);
  EXPECT_EQ(taken->suspended_from(), Project::COMMISSIONED);
  EXPECT_EQ(On(name, "2026-09-05").state(), Project::COMMISSIONED);
  EXPECT_EQ(On(name, "2026-09-11").suspended_from(), Project::COMMISSIONED);
  const auto resumed = Resume(name, authority_);
  ASSERT_TRUE(resumed.ok()) << resumed.status();
  EXPECT_EQ(resumed->state(), Project::COMMISSIONED);
}

TEST_F(HistoryTest, AnInclusionHoldsFromItsActAndOwesTheQuartersSince) {
  GoTo(Day("2026-12-29"));
  const std::string name = Create(MakeProject());
  const std::string review = Propose(name, owner_)->name();
  Recommend(review);
  GoTo(Day("2027-01-05"));
  auto act = Act<v1::IncludeProjectRequest>(review);
  *act.mutable_act_date() = Day("2026-12-30").ToProto();
  const auto included = Do<Project>("IncludeProject", authority_, act);
  ASSERT_TRUE(included.ok()) << included.status();
  EXPECT_EQ(On(name, "2026-12-29").state(), Project::AUTHORITY_REVIEW);
  EXPECT_EQ(On(name, "2026-12-30").state(), Project::INCLUDED);
  EXPECT_EQ(On(name, "2026-12-31", "2027-01-05").state(), Project::AUTHORITY_REVIEW);
  EXPECT_EQ(base::Date::FromProto(included->include_date())->ToString(), "2026-12-30");
  EXPECT_EQ(JobsOf("2026-12-30"), 400);
  ASSERT_EQ(Owed(name + "/reports/2026q4").size(), 1U);
  EXPECT_EQ(base::Date::FromProto(Owed(name + "/reports/2026q4")[0].due_date())->ToString(),
            "2027-01-10");
  ASSERT_TRUE(Submit(name, MakeReport("2026Q4", 100, 500), akimat_).ok());
  EXPECT_TRUE(Owed(name + "/reports/2026q4").empty());
}

TEST_F(HistoryTest, AnExclusionHoldsFromItsActAndOwesNothingSince) {
  GoTo(Day("2026-12-01"));
  const std::string name = Include();
  GoTo(Day("2026-12-29"));
  const std::string review = Do<v1::Review>("ProposeExclusion", owner_, Exclusion(name))->name();
  Recommend(review);
  GoTo(Day("2027-01-04"));
  ASSERT_TRUE(Suspend(name, authority_).ok());
  EXPECT_EQ(Owed(name + "/reports/2026q4").size(), 1U);
  GoTo(Day("2027-01-05"));
  auto act = Act<v1::ExcludeProjectRequest>(review);
  *act.mutable_act_date() = Day("2026-12-30").ToProto();
  const auto excluded = Do<Project>("ExcludeProject", authority_, act);
  ASSERT_TRUE(excluded.ok()) << excluded.status();
  EXPECT_EQ(On(name, "2026-12-29").state(), Project::INCLUDED);
  for (const char* day : {"2026-12-30", "2026-12-31", "2027-01-04", "2027-01-05"})
    EXPECT_EQ(On(name, day).state(), Project::EXCLUDED) << day;
  EXPECT_EQ(On(name, "2026-12-31", "2027-01-05").state(), Project::INCLUDED);
  EXPECT_EQ(JobsOf("2026-12-31"), 0);
  EXPECT_TRUE(Owed(name + "/reports/2026q4").empty());
  EXPECT_EQ(base::ReasonOf(Submit(name, MakeReport("2026Q4", 1, 1), akimat_).status()),
            "NOT_ON_MAP");
}

// Whoever saw another version did not see what would refuse it now.
TEST_F(HistoryTest, AStaleEtagIsToldBeforeWhatElseRefuses) {
  const std::string name = Include();
  GoTo(Day("2026-07-05"));
  const auto filed = Submit(name, MakeReport("2026Q2", 100, 500), akimat_);
  ASSERT_TRUE(filed.ok()) << filed.status();
  const std::string review = Do<v1::Review>("ProposeExclusion", owner_, Exclusion(name))->name();
  Recommend(review);
  ASSERT_TRUE(
      Do<Project>("ExcludeProject", authority_, Act<v1::ExcludeProjectRequest>(review)).ok());
  const rpc::Caller other_owner = CallerOf("x", {rpc::v1::ENTITY}, kSectorBin);
  const struct {
    const char *method, *state;
    const rpc::Caller &caller, &stranger;
    std::string seen;
    std::function<absl::Status(const rpc::Caller&, const std::string&)> call;
  } kCases[] = {
      {"ProposeProject", "REVIEW_STATE", owner_, other_owner, Get(name).etag(),
       [&](const rpc::Caller& caller, const std::string& etag) {
         v1::ProposeProjectRequest propose;
         propose.set_name(name);
         propose.set_etag(etag);
         return Do<v1::Review>("ProposeProject", caller, propose).status();
       }},
      // Of a report no state of its project refuses a correction; another body is told so next.
      {"CorrectReport", "NOT_RESPONSIBLE", holding_, other_akimat_, Report(filed->name()).etag(),
       [&](const rpc::Caller& caller, const std::string& etag) {
         v1::CorrectReportRequest correct;
         *correct.mutable_report() = MakeReport("2026Q2", 90, 500);
         correct.mutable_report()->clear_quarter();
         correct.mutable_report()->set_name(filed->name());
         correct.mutable_report()->set_etag(etag);
         correct.mutable_update_mask()->add_paths("administrative_data");
         correct.set_reason("Опечатка.");
         return Do<v1::Report>("CorrectReport", caller, correct).status();
       }},
  };
  for (const auto& c : kCases) {
    EXPECT_EQ(base::ReasonOf(c.call(c.caller, c.seen)), c.state) << c.method;
    EXPECT_EQ(base::ReasonOf(c.call(c.caller, "\"0-0\"")), "VERSION_MISMATCH") << c.method;
    EXPECT_EQ(base::ReasonOf(c.call(c.stranger, "\"0-0\"")), "ACCESS_DENIED") << c.method;
  }
}

TEST_F(HistoryTest, ACorrectionOfAReportHoldsFromItsFirstFiling) {
  const std::string name = Include();
  GoTo(Day("2026-07-05"));
  const auto filed = Submit(name, MakeReport("2026Q2", 100, 500), akimat_);
  ASSERT_TRUE(filed.ok()) << filed.status();
  GoTo(Day("2026-08-10"));
  v1::CorrectReportRequest correct;
  *correct.mutable_report() = MakeReport("2026Q2", 90, 500);
  correct.mutable_report()->clear_quarter();
  correct.mutable_report()->set_name(filed->name());
  correct.mutable_report()->set_etag(Report(filed->name()).etag());
  correct.mutable_update_mask()->add_paths("administrative_data");
  correct.set_reason("Опечатка.");
  const auto corrected = Do<v1::Report>("CorrectReport", akimat_, correct);
  ASSERT_TRUE(corrected.ok()) << corrected.status();
  const auto used = [&](const char* day, const char* known = "") {
    return On(name, day, known).administrative_data().progress().investment_used().units();
  };
  EXPECT_EQ(used("2026-07-04"), 0);
  EXPECT_EQ(used("2026-07-20"), 90);
  EXPECT_EQ(used("2026-07-20", "2026-08-10"), 100);
  EXPECT_EQ(used("2026-08-10"), 90);
  const auto reported = [&](const char* day, const char* known = "") {
    store::At at;
    at.as_of = Day(day);
    if (*known != '\0') at.known_at_us = absl::ToUnixMicros(Day(known).StartOfDay());
    const auto found = store().Read().Find(kReports, ReportKey(1, *base::Quarter::Of(2026, 2)), at);
    return (*found)->row.report().administrative_data().construction_used().units();
  };
  EXPECT_EQ(reported("2026-07-05"), 90);
  EXPECT_EQ(reported("2026-07-20", "2026-08-10"), 100);
}

TEST_F(HistoryTest, APastChangeOfOwnerAndBodyHandsOnReportsAndDuties) {
  const std::string name = Include();
  GoTo(Day("2026-07-05"));
  const auto filed = Submit(name, MakeReport("2026Q2", 100, 500), akimat_);
  ASSERT_TRUE(filed.ok()) << filed.status();
  GoTo(Day("2026-10-05"));
  EXPECT_EQ(Owed(name + "/reports/2026q3")[0].region(), kPlace);
  const std::string exclusion =
      Do<v1::Review>("ProposeExclusion", institute_, Exclusion(name))->name();
  const rpc::Caller heir = CallerOf("heir@zavod", {rpc::v1::ENTITY}, kSectorBin);
  v1::GetReportRequest get;
  get.set_name(filed->name());
  EXPECT_EQ(base::ReasonOf(Do<v1::Report>("GetReport", heir, get).status()), "ACCESS_DENIED");
  auto change = ChangeOf(name);
  change.mutable_parameters()->set_owner_bin(kSectorBin);
  change.mutable_parameters()->clear_sector_body_bin();
  change.mutable_parameters()->mutable_responsible_body()->set_kind(v1::ResponsibleBody::HOLDING);
  *change.mutable_effective_from() = Day("2026-06-20").ToProto();
  AdoptProposal(change);
  EXPECT_EQ(On(name, "2026-06-19").parameters().owner_bin(), kOwnerBin);
  EXPECT_EQ(On(name, "2026-06-20").parameters().owner_bin(), kSectorBin);
  EXPECT_TRUE(Do<v1::Report>("GetReport", heir, get).ok());
  EXPECT_EQ(base::ReasonOf(Do<v1::Report>("GetReport", owner_, get).status()), "ACCESS_DENIED");
  EXPECT_EQ(Report(filed->name()).responsible_body().kind(), v1::ResponsibleBody::HOLDING);
  const auto owed = Owed(name + "/reports/2026q3");
  ASSERT_EQ(owed.size(), 1U);
  EXPECT_EQ(owed[0].body(), kHoldingBin);
  EXPECT_EQ(owed[0].region(), "");
  EXPECT_EQ(owed[0].roles(0), rpc::v1::HOLDING);
  EXPECT_EQ(Review(exclusion).owner_bin(), kSectorBin);
  EXPECT_EQ(base::ReasonOf(Submit(name, MakeReport("2026Q3", 100, 500), akimat_).status()),
            "NOT_RESPONSIBLE");
  EXPECT_TRUE(Submit(name, MakeReport("2026Q3", 100, 500), holding_).ok());
}

TEST_F(HistoryTest, AMoveToComeHandsOnOpenReviewsOnItsDay) {
  const std::string name = Include();
  const std::string exclusion = Do<v1::Review>("ProposeExclusion", owner_, Exclusion(name))->name();
  auto change = ChangeOf(name);
  change.mutable_parameters()->set_kato(kOtherPlace);
  *change.mutable_effective_from() = Day("2026-08-01").ToProto();
  const std::string review = Do<v1::Review>("ProposeChange", owner_, change)->name();
  ASSERT_TRUE(Start(review, other_akimat_).ok());
  ASSERT_TRUE(Conclude(review, v1::Conclusion::RECOMMEND, other_akimat_).ok());
  ASSERT_TRUE(Adopt(review, authority_).ok());
  EXPECT_EQ(JobsOf("2026-08-01", "75"), 400);
  EXPECT_EQ(JobsOf("2026-07-31", "75"), 0);
  EXPECT_EQ(JobsOf("2026-08-01", "39"), 0);
  EXPECT_EQ(Review(exclusion).kato(), kPlace);
  GoTo(Day("2026-08-01"));
  EXPECT_EQ(Review(exclusion).kato(), kOtherPlace);
  EXPECT_EQ(Owed(exclusion)[0].region(), kOtherPlace);
  EXPECT_EQ(base::ReasonOf(Start(exclusion, akimat_).status()), "ACCESS_DENIED");
  EXPECT_TRUE(Start(exclusion, other_akimat_).ok());
}

TEST_F(HistoryTest, ALightThatTurnedWhileTheServiceWasAwayTurnedOnItsDays) {
  const std::string name = Include();
  service_.reset();
  clock_.Set(Day("2028-07-10").StartOfDay());
  Reopen();
  ASSERT_TRUE(store().RunDueTimers().ok());
  const auto light = [&](const char* day) {
    return On(name, day).administrative_data().progress().traffic_light();
  };
  EXPECT_EQ(light("2028-03-31"), v1::Progress::GREEN);
  EXPECT_EQ(light("2028-04-01"), v1::Progress::YELLOW);
  EXPECT_EQ(light("2028-06-30"), v1::Progress::YELLOW);
  EXPECT_EQ(light("2028-07-01"), v1::Progress::RED);
  EXPECT_EQ(Get(name).administrative_data().progress().traffic_light(), v1::Progress::RED);
}

// A past change of the plan turns the light on the day on which that plan would have.
TEST_F(HistoryTest, APastLightIsThatOfItsDay) {
  const std::string name = Include();
  GoTo(Day("2027-01-15"));
  auto change = ChangeOf(name);
  *change.mutable_parameters()->mutable_milestones(1)->mutable_planned_date() =
      Day("2026-08-01").ToProto();
  *change.mutable_effective_from() = Day("2026-06-20").ToProto();
  AdoptProposal(change);
  const auto light = [&](const char* day) {
    return On(name, day).administrative_data().progress().traffic_light();
  };
  EXPECT_EQ(light("2026-06-20"), v1::Progress::GREEN);
  EXPECT_EQ(light("2026-11-01"), v1::Progress::GREEN);
  EXPECT_EQ(light("2026-11-02"), v1::Progress::YELLOW);
  EXPECT_EQ(light("2027-01-15"), v1::Progress::YELLOW);
  GoTo(Day("2027-02-02"));
  EXPECT_EQ(Get(name).administrative_data().progress().traffic_light(), v1::Progress::RED);
}

}  // namespace
}  // namespace nisi::industry_map
