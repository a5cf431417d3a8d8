// The rules as tables: every finding both ways.
#include "services/clusters/rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "services/clusters/service_testing.h"

namespace nisi::clusters {
namespace {

using base::ReasonOf;
using Request = v1::DecideSelectionRequest;

const norms::Norms& TheNorms() {
  static const auto* const kNorms = new norms::Norms(*norms::Norms::Default());
  return *kNorms;
}
const base::Date kDay = Day("2026-06-15");

std::string Unsatisfied(const Decision& decision) {
  std::string rules;
  for (const auto& finding : decision.findings()) {
    if (!finding.satisfied()) absl::StrAppend(&rules, rules.empty() ? "" : " ", finding.rule());
    EXPECT_FALSE(finding.legal_basis().article().empty()) << finding.rule();
  }
  return rules;
}

bool SameAgain(const Decision& stored, absl::StatusOr<Decision> (*replay)(const Decision&)) {
  const auto again = replay(stored);
  EXPECT_TRUE(again.ok()) << again.status();
  return again.ok() && again->SerializeAsString() == stored.SerializeAsString();
}

TEST(NormsTest, CriteriaAddUpToAHundredOnEveryDay) {
  std::set<base::Date> days;
  for (const Criterion criterion : kCriteria) {
    for (const norms::Norm& norm : TheNorms().Series(MaximumNorm(criterion)))
      days.insert(norm.from);
  }
  for (const base::Date day : days) {
    int64_t sum = 0;
    for (const Criterion criterion : kCriteria) {
      sum += TheNorms().Int(MaximumNorm(criterion), day).value();
    }
    EXPECT_EQ(sum, 100) << day.ToString();
  }
}

std::vector<Participant> Members(int manufacturers, int science, int others) {
  std::vector<Participant> members;
  int n = 100;
  for (int i = 0; i < manufacturers; ++i) {
    members.push_back(MakeParticipant(++n, v1::MANUFACTURER));
  }
  for (int i = 0; i < science; ++i) members.push_back(MakeParticipant(++n, v1::RESEARCH));
  for (int i = 0; i < others; ++i) members.push_back(MakeParticipant(++n, v1::SUPPLIER));
  return members;
}

TEST(CompositionTest, EveryFindingBothWays) {
  std::vector<Participant> twice = Members(5, 1, 3);
  twice.push_back(twice.front());  // counts once
  std::vector<Participant> both = Members(5, 1, 4);
  both[0].add_roles(v1::HIGHER_EDUCATION);
  both.erase(both.begin() + 5);  // the researcher; a manufacturer that teaches stands in
  both.push_back(MakeParticipant(999, v1::OTHER));
  std::vector<Participant> neighbour = Members(5, 1, 4), far = neighbour;
  neighbour[0].set_region(kPavlodar);
  far[0].set_region(kMangystau);
  std::vector<Participant> vocational = Members(5, 0, 4);
  vocational.push_back(MakeParticipant(998, v1::VOCATIONAL_EDUCATION));
  const struct {
    const char* name;
    std::vector<Participant> members;
    std::string organization;
    const char* unsatisfied;
  } kCases[] = {
      {"just enough", Members(5, 1, 4), Bin(1), ""},
      {"nine", Members(5, 1, 3), Bin(1), "ENOUGH_PARTICIPANTS"},
      {"one twice", twice, Bin(1), "ENOUGH_PARTICIPANTS"},
      {"four manufacturers", Members(4, 1, 5), Bin(1), "ENOUGH_MANUFACTURERS"},
      {"no science", Members(5, 0, 5), Bin(1), "HAS_RESEARCH_OR_EDUCATION"},
      {"two roles", both, Bin(1), ""},
      {"vocational", vocational, Bin(1), ""},
      {"no organization", Members(5, 1, 4), "", "HAS_CLUSTER_ORGANIZATION"},
      {"a neighbour", neighbour, Bin(1), ""},
      {"far away", far, Bin(1), "GEOGRAPHICALLY_CONCENTRATED"},
      {"nothing",
       {},
       "",
       "ENOUGH_PARTICIPANTS ENOUGH_MANUFACTURERS HAS_RESEARCH_OR_EDUCATION "
       "HAS_CLUSTER_ORGANIZATION"},
  };
  for (const auto& c : kCases) {
    const auto decision =
        JudgeComposition(c.members, c.organization, kAkmola, {"clusters/1", "e"}, TheNorms(), kDay);
    ASSERT_TRUE(decision.ok()) << c.name << decision.status();
    EXPECT_EQ(Unsatisfied(*decision), c.unsatisfied) << c.name;
    EXPECT_EQ(decision->outcome(), *c.unsatisfied == '\0' ? "WHOLE" : "BELOW_MINIMUM") << c.name;
    EXPECT_TRUE(decision->rests_on_assumption());
    EXPECT_TRUE(SameAgain(*decision, ReplayComposition)) << c.name;
    EXPECT_EQ(ReasonOf(CheckWhole(*decision)),
              *c.unsatisfied == '\0' ? "" : "COMPOSITION_BELOW_MINIMUM");
  }
}

TEST(CompositionTest, PlacesLieInTheMainRegionOrBorderOnIt) {
  v1::Initiative initiative = MakeInitiative(1);
  const auto check = [&] {
    return ReasonOf(CheckPlaces(initiative.region(), initiative.other_regions(),
                                initiative.participants(), "initiative"));
  };
  EXPECT_EQ(check(), "");
  initiative.add_other_regions(kMangystau);
  EXPECT_EQ(check(), "REGION_NOT_NEIGHBOURING");
  initiative.mutable_other_regions()->RemoveLast();
  initiative.mutable_participants(3)->set_region(kMangystau);
  EXPECT_EQ(check(), "REGION_NOT_NEIGHBOURING");
  initiative.mutable_participants(3)->set_region(kPavlodar);
  initiative.mutable_participants(3)->set_bin(initiative.participants(2).bin());
  EXPECT_EQ(check(), "PARTICIPANT_TWICE");
}

TEST(CureTest, RunsFromTheLaterOfTheLossAndItsRecording) {
  const base::Date lost = Day("2026-06-01"), known = Day("2026-06-15");
  const Cure whole, running{lost, Day("2026-09-13"), std::nullopt};
  const Cure proposed{lost, Day("2026-09-13"), Day("2026-09-14")};
  const struct {
    const char* name;
    Cure before;
    bool whole;
    base::Date day, recorded;
    Cure after;
  } kCases[] = {
      {"whole stays whole", whole, true, lost, known, whole},
      {"a loss told late", whole, false, lost, known, running},
      {"a loss that lies ahead",
       whole,
       false,
       known,
       lost,
       {known, Day("2026-09-13"), std::nullopt}},
      {"a second loss gives no new period", running, false, lost, known, running},
      {"an older loss gives no new period",
       running,
       false,
       lost.AddDays(-5),
       known,
       {lost.AddDays(-5), Day("2026-09-13"), std::nullopt}},
      {"nor does one that its period covers",
       running,
       false,
       lost.AddDays(5),
       known.AddDays(30),
       {lost.AddDays(5), Day("2026-09-13"), std::nullopt}},
      {"a younger loss has its own",
       proposed,
       false,
       known.AddDays(5),
       known.AddDays(100),
       {known.AddDays(5), Day("2026-09-18"), std::nullopt}},
      {"proposed stays proposed", proposed, false, lost, known, proposed},
      {"whole again", proposed, true, known, known, whole},
  };
  for (const auto& c : kCases) {
    const auto after = CureAfter(c.before, c.whole, c.day, c.recorded, TheNorms());
    ASSERT_TRUE(after.ok()) << after.status();
    EXPECT_EQ(*after, c.after) << c.name;
  }
}

TEST(DiagnosisTest, TheLevelByTheSum) {
  const struct {
    std::vector<int32_t> points;
    const char* level;
    const char* reason;
  } kCases[] = {
      {{25, 20, 20, 15, 20}, "MATURE", ""},       {{14, 14, 14, 14, 14}, "MATURE", ""},
      {{14, 14, 14, 14, 13}, "DEVELOPING", ""},   {{8, 8, 8, 8, 8}, "DEVELOPING", ""},
      {{8, 8, 8, 8, 7}, "EMERGING", ""},          {{0, 0, 0, 0, 0}, "EMERGING", ""},
      {{26, 0, 0, 0, 0}, "", "POINTS_OVER_NORM"}, {{0, 0, 0, 16, 0}, "", "POINTS_OVER_NORM"},
      {{1, 1, 1, 1}, "", "CRITERIA_INCOMPLETE"},
  };
  for (const auto& c : kCases) {
    v1::Diagnostic diagnostic;
    for (size_t i = 0; i < c.points.size(); ++i) {
      auto* given = diagnostic.add_points();
      given->set_criterion(static_cast<Criterion>(i + 1));
      given->set_points(c.points[i]);
    }
    const auto decision = Diagnose(diagnostic, TheNorms(), kDay);
    EXPECT_EQ(ReasonOf(decision.status()), c.reason);
    if (!decision.ok()) continue;
    EXPECT_EQ(decision->outcome(), c.level);
    EXPECT_TRUE(SameAgain(*decision, ReplayDiagnosis));
  }
  v1::Diagnostic twice;
  for (int i : {1, 2, 3, 4, 4}) {
    twice.add_points()->set_criterion(static_cast<Criterion>(i));
  }
  EXPECT_EQ(ReasonOf(Diagnose(twice, TheNorms(), kDay).status()), "CRITERIA_INCOMPLETE");
}

TEST(AdmissionTest, EveryFindingBothWays) {
  const auto admitted =
      [](const std::function<void(v1::Initiative*, v1::Selection*, Filing*)>& set) {
        v1::Initiative initiative = MakeInitiative(1);
        initiative.set_diagnostic("diagnostics/d");
        v1::Selection selection;
        *selection.mutable_applications_from() = Day("2026-06-10").ToProto();
        *selection.mutable_applications_until() = Day("2026-06-15").ToProto();
        Filing filing{&initiative, &selection, {"selections/1/applications/1", "e"}, kDay, true};
        set(&initiative, &selection, &filing);
        const auto decision = Admit(filing, TheNorms());
        EXPECT_TRUE(decision.ok()) << decision.status();
        const std::string unsatisfied = Unsatisfied(*decision);
        EXPECT_EQ(decision->outcome(), unsatisfied.empty() ? "ADMITTED" : "REFUSED");
        EXPECT_TRUE(SameAgain(*decision, ReplayAdmission));
        return unsatisfied;
      };
  using I = v1::Initiative;
  using S = v1::Selection;
  EXPECT_EQ(admitted([](I*, S*, Filing*) {}), "");
  EXPECT_EQ(admitted([](I* i, S*, Filing*) { i->clear_diagnostic(); }), "INITIATIVE_DIAGNOSED");
  EXPECT_EQ(admitted([](I* i, S*, Filing*) { i->mutable_participants()->RemoveLast(); }),
            "ENOUGH_PARTICIPANTS");
  EXPECT_EQ(admitted([](I* i, S*, Filing*) { i->clear_work_plan(); }), "HAS_WORK_PLAN");
  EXPECT_EQ(admitted([](I*, S*, Filing* f) { f->documents_complete = false; }),
            "DOCUMENTS_COMPLETE");
  EXPECT_EQ(admitted([](I*, S*, Filing* f) { f->filed = Day("2026-06-16"); }), "FILED_IN_TIME");
  EXPECT_EQ(admitted([](I*, S*, Filing* f) { f->filed = Day("2026-06-09"); }), "FILED_IN_TIME");
  EXPECT_EQ(admitted([](I*, S* s, Filing*) { s->add_regions(kPavlodar); }),
            "IN_SCOPE_OF_SELECTION");
  EXPECT_EQ(admitted([](I*, S* s, Filing*) { s->add_regions("111010000"); }), "");
  EXPECT_EQ(admitted([](I*, S* s, Filing*) { s->add_okeds("10.11"); }), "IN_SCOPE_OF_SELECTION");
  EXPECT_EQ(admitted([](I*, S* s, Filing*) { s->add_okeds("28.30"); }), "");
  const auto branch = [&](const char* own, const char* announced) {
    return admitted([&](I* i, S* s, Filing*) {
      *i->mutable_specialization()->mutable_okeds(0) = own;
      s->add_okeds(announced);
    });
  };
  EXPECT_EQ(branch("24.10.1", "24.10"), "");
  EXPECT_EQ(branch("24.10", "24.10.1"), "IN_SCOPE_OF_SELECTION") << "the part is not the whole";
  EXPECT_EQ(branch("24.10.1", "24.1"), "IN_SCOPE_OF_SELECTION");
}

TEST(IndependenceTest, NoOrganizationInCommon) {
  v1::Expert expert;
  expert.set_state(v1::Expert::APPOINTED);
  const std::set<std::string> applicant{Bin(1), Bin(2)};
  EXPECT_EQ(ReasonOf(CheckIndependent(expert, applicant)), "TIES_NOT_DECLARED");
  expert.set_state(v1::Expert::DECLARED);
  EXPECT_EQ(ReasonOf(CheckIndependent(expert, applicant)), "");
  expert.add_employers(Bin(2));
  EXPECT_EQ(ReasonOf(CheckIndependent(expert, applicant)), "EXPERT_TIED");
  expert.clear_employers();
  expert.add_declared_ties(Bin(1));
  EXPECT_EQ(ReasonOf(CheckIndependent(expert, applicant)), "EXPERT_TIED");
  EXPECT_EQ(ReasonOf(CheckIndependent(expert, {Bin(3)})), "");
}

// Applications by the points of each expert; the time of filing is the number.
std::vector<Scored> Scores(const std::vector<std::vector<Points>>& all) {
  std::vector<Scored> scored;
  for (size_t i = 0; i < all.size(); ++i) {
    Scored one{static_cast<int32_t>(i + 1), static_cast<int64_t>(1000 + i), {}};
    for (size_t e = 0; e < all[i].size(); ++e) one.scores[static_cast<int32_t>(e + 1)] = all[i][e];
    scored.push_back(std::move(one));
  }
  return scored;
}

TEST(RankingTest, ByMeanThenCriteriaThenTime) {
  const struct {
    const char* name;
    std::vector<std::vector<Points>> scores;
    const char* order;
    std::set<int32_t> passed;
  } kCases[] = {
      {"by the sum", {{{10, 10, 10, 10, 10}}, {{20, 20, 20, 10, 10}}}, "2,1", {2}},
      {"just passed", {{{20, 10, 10, 10, 10}}, {{20, 10, 10, 10, 9}}}, "1,2", {1}},
      {"equal sums: the first criterion decides",
       {{{10, 20, 10, 10, 10}}, {{11, 19, 10, 10, 10}}},
       "2,1",
       {1, 2}},
      {"then the next", {{{10, 10, 20, 10, 10}}, {{10, 11, 19, 10, 10}}}, "2,1", {1, 2}},
      {"all equal: who filed first",
       {{{10, 10, 20, 10, 10}}, {{10, 10, 20, 10, 10}}},
       "1,2",
       {1, 2}},
      // 181/3 is more than 120/2, and less than 60.34: no rounding in between.
      {"means, not sums",
       {{{20, 10, 10, 10, 10}, {20, 10, 10, 10, 10}},
        {{20, 10, 10, 10, 10}, {20, 10, 10, 10, 10}, {21, 10, 10, 10, 10}}},
       "2,1",
       {1, 2}},
      {"59.99 does not pass",
       {{{20, 10, 10, 10, 10}, {20, 10, 10, 10, 10}, {19, 10, 10, 10, 10}}},
       "1",
       {}},
  };
  Selection selection;
  selection.set_pass_points(60);
  *selection.mutable_applications_from() = kDay.ToProto();
  for (const auto& c : kCases) {
    std::vector<Scored> scored = Scores(c.scores);
    const auto ranking = Rank(scored, selection, {"selections/1", "e"}, TheNorms());
    ASSERT_TRUE(ranking.ok()) << c.name << ranking.status();
    EXPECT_EQ(ranking->outcome(), c.order) << c.name;
    const auto ranked = RankedBy(*ranking);
    ASSERT_TRUE(ranked.ok());
    EXPECT_EQ(ranked->passed, c.passed) << c.name;
    EXPECT_TRUE(SameAgain(*ranking, ReplayRanking)) << c.name;
    EXPECT_EQ(ranking->norms_edition(), TheNorms().edition());
    EXPECT_TRUE(ranking->rests_on_assumption()) << "the points to pass";
    // In whatever order they come, the ranking is the same.
    std::reverse(scored.begin(), scored.end());
    EXPECT_EQ(Rank(scored, selection, {"selections/1", "e"}, TheNorms())->outcome(), c.order)
        << c.name;
    // Those from before the edition and the mark were kept.
    Decision older = *ranking;
    older.clear_norms_edition();
    older.clear_rests_on_assumption();
    EXPECT_TRUE(SameAgain(older, ReplayRanking)) << c.name;
  }
}

TEST(RankingTest, TheTotalIsTheMeanRoundedHalfUp) {
  const struct {
    std::vector<Points> scores;
    const char* total;
  } kCases[] = {
      {{{10, 10, 10, 10, 10}}, "50.00"},
      {{{1, 0, 0, 0, 0}, {0, 0, 0, 0, 0}, {0, 0, 0, 0, 0}}, "0.33"},
      {{{1, 0, 0, 0, 0}, {1, 0, 0, 0, 0}, {0, 0, 0, 0, 0}}, "0.67"},
      {{{1, 0, 0, 0, 0},
        {0, 0, 0, 0, 0},
        {0, 0, 0, 0, 0},
        {0, 0, 0, 0, 0},
        {0, 0, 0, 0, 0},
        {0, 0, 0, 0, 0},
        {0, 0, 0, 0, 0},
        {0, 0, 0, 0, 0}},
       "0.13"},  // 0.125
      {{{25, 20, 20, 15, 20}}, "100.00"},
  };
  for (const auto& c : kCases) {
    const auto total =
        Total(Scores({c.scores}).front(), {"selections/1/applications/1", "e"}, TheNorms());
    ASSERT_TRUE(total.ok()) << total.status();
    EXPECT_EQ(total->outcome(), c.total);
    EXPECT_EQ(total->norms_edition(), TheNorms().edition());
    EXPECT_TRUE(SameAgain(*total, ReplayTotal));
  }
}

TEST(ScoresTest, NobodyIsMissing) {
  const Points p{1, 1, 1, 1, 1};
  const std::map<int32_t, std::set<int32_t>> due{{1, {1, 2, 3}}, {2, {1, 2}}};
  EXPECT_EQ(ReasonOf(CheckScores(due, Scores({{p, p, p}, {p, p}}), 2)), "");
  const absl::Status silent = CheckScores(due, Scores({{p, p}, {p, p}}), 2);
  EXPECT_EQ(ReasonOf(silent), "SCORES_MISSING");
  EXPECT_EQ(base::InfoOf(silent).metadata().at("missing"), "application 1: experts 3");
  const absl::Status few = CheckScores(due, Scores({{p, p, p}, {p, p}}), 3);
  EXPECT_EQ(base::InfoOf(few).metadata().at("missing"), "application 2: 2 of 3 experts");
}

TEST(CommissionTest, QuorumMajorityAndConflicts) {
  // F for it, A against, R recused, - absent; the first has the chair.
  const struct {
    const char* name;
    const char* votes;
    const char* reason;
  } kCases[] = {
      {"all", "FFFFFFF", ""},
      {"six are not odd", "FFFFFF", "NO_QUORUM"},
      {"five are too few", "FFFFF", "NO_QUORUM"},
      {"two thirds: five of seven", "FFFFF--", ""},
      {"four of seven", "FFFF---", "NO_QUORUM"},
      {"recused are present", "FFRRR--", ""},
      {"equal, the chair for it", "FFAARRR", ""},
      {"equal, the chair against", "AAFFRRR", "NOT_CARRIED"},
      {"more against", "FAAAAAA", "NOT_CARRIED"},
      {"nobody votes", "RRRRRRR", "NOT_CARRIED"},
  };
  for (const auto& c : kCases) {
    Request request;
    for (const char* vote = c.votes; *vote != '\0'; ++vote) {
      auto* member = request.add_members();
      member->set_subject(absl::StrCat("member-", request.members_size()));
      member->set_vote(*vote == 'F'   ? Request::FOR
                       : *vote == 'A' ? Request::AGAINST
                       : *vote == 'R' ? Request::RECUSED
                                      : Request::ABSENT);
      member->set_chair(request.members_size() == 1);
    }
    Meeting meeting;
    meeting.members = &request.members();
    meeting.ranked = {{3, 1, 2}, {3, 1}};
    const auto decision = DecideAsCommission(meeting, TheNorms(), kDay);
    EXPECT_EQ(ReasonOf(decision.status()), c.reason) << c.name;
    if (!decision.ok()) continue;
    EXPECT_EQ(decision->outcome(), "3,1") << c.name;
    EXPECT_TRUE(SameAgain(*decision, ReplayCommission)) << c.name;
  }
}

TEST(CommissionTest, WhoIsTiedIsRecusedAndWhoIsPassedOverIsNotSelected) {
  Request request;
  for (int i = 1; i <= 7; ++i) {
    auto* member = request.add_members();
    member->set_subject(absl::StrCat("member-", i));
    member->set_vote(Request::FOR);
    member->set_chair(i == 1);
  }
  Meeting meeting;
  meeting.members = &request.members();
  meeting.applicants = {Bin(1)};
  meeting.officials = {"daniyar"};
  meeting.ranked = {{3, 1, 2, 4}, {3, 1, 2}};
  const auto outcome = [&]() -> std::string {
    const auto decision = DecideAsCommission(meeting, TheNorms(), kDay);
    return decision.ok() ? decision->outcome() : ReasonOf(decision.status());
  };
  EXPECT_EQ(outcome(), "3,1,2");
  meeting.max_selected = 2;
  EXPECT_EQ(outcome(), "3,1");
  meeting.passed_over = {3};
  EXPECT_EQ(outcome(), "1,2");
  request.mutable_members(4)->add_ties(Bin(1));
  EXPECT_EQ(outcome(), "VOTE_CONFLICTED");
  request.mutable_members(4)->set_vote(Request::RECUSED);
  EXPECT_EQ(outcome(), "1,2");
  request.mutable_members(5)->set_subject("daniyar");
  EXPECT_EQ(outcome(), "VOTE_CONFLICTED");
  request.mutable_members(5)->set_vote(Request::ABSENT);
  EXPECT_EQ(outcome(), "1,2");
  request.mutable_members(2)->set_chair(true);
  EXPECT_EQ(outcome(), "NO_QUORUM");
}

TEST(GroundTest, RestsOnWhatTheRegisterKnows) {
  v1::Cluster cluster;
  const auto judged = [&](Cluster::Ground ground, bool overdue) {
    const auto decision = JudgeGround({Cluster::SUSPENDED,
                                       ground,
                                       &cluster,
                                       overdue,
                                       {"clusters/1", "e"},
                                       {"deadlines/7", "d"},
                                       true},
                                      TheNorms());
    EXPECT_TRUE(decision.ok()) << decision.status();
    EXPECT_EQ(decision->norms_edition(), TheNorms().edition());
    const auto& told = decision->findings(0).facts(3);
    EXPECT_EQ(told.source() + told.version(), overdue ? "deadlines/7d" : "open deadlines");
    // The days of what nobody has proposed or missed were not looked at.
    EXPECT_EQ(decision->rests_on_assumption(),
              ground == Cluster::REPORT_MISSING || (ground == Cluster::COMPOSITION_NOT_CURED &&
                                                    cluster.has_suspension_proposed_on()));
    EXPECT_EQ(ReplayRegister(*decision)->SerializeAsString(), decision->SerializeAsString());
    EXPECT_EQ(decision->outcome() == "SUSPENDED", CheckGround(*decision).ok());
    return ReasonOf(CheckGround(*decision));
  };
  EXPECT_EQ(judged(Cluster::COMPOSITION_NOT_CURED, true), "GROUND_NOT_MET");
  EXPECT_EQ(judged(Cluster::REPORT_MISSING, false), "GROUND_NOT_MET");
  EXPECT_EQ(judged(Cluster::REPORT_MISSING, true), "");
  EXPECT_EQ(judged(Cluster::FALSE_DATA, false), "");
  EXPECT_EQ(judged(Cluster::GROUND_UNSPECIFIED, false), "GROUND_NOT_MET");
  *cluster.mutable_suspension_proposed_on() = kDay.ToProto();
  EXPECT_EQ(judged(Cluster::COMPOSITION_NOT_CURED, false), "");
  EXPECT_EQ(ReportDue(2026, TheNorms())->ToString(), "2027-03-01");
}

TEST(OrderTest, IsNotDatedBeforeWhatItRestsOn) {
  v1::Cluster cluster;
  *cluster.mutable_suspension_proposed_on() = kDay.ToProto();
  const auto since = [&](Cluster::Ground ground) {
    Grounding grounding{.ground = ground, .cluster = &cluster};
    grounding.report_due = kDay.AddDays(10);
    return GroundSince(grounding);
  };
  EXPECT_EQ(since(Cluster::COMPOSITION_NOT_CURED), kDay);
  EXPECT_EQ(since(Cluster::REPORT_MISSING), kDay.AddDays(11));
  EXPECT_EQ(since(Cluster::FALSE_DATA), base::Date::Min());
  EXPECT_EQ(ReasonOf(CheckOrderDate(kDay, kDay, kDay)), "");
  EXPECT_EQ(ReasonOf(CheckOrderDate(kDay.AddDays(1), kDay, kDay)), "ORDER_DATE_INVALID");
  const absl::Status early = CheckOrderDate(kDay.AddDays(-1), kDay, kDay);
  EXPECT_EQ(ReasonOf(early), "ORDER_DATE_INVALID");
  EXPECT_EQ(base::InfoOf(early).metadata().at("earliest"), kDay.ToString());

  ClusterRow row;
  row.mutable_cluster()->mutable_create_time()->set_seconds(absl::ToUnixSeconds(kDay.StartOfDay()));
  EXPECT_EQ(*InStateSince(row), kDay) << "of a candidate";
  *row.mutable_selected_on() = kDay.AddDays(20).ToProto();
  EXPECT_EQ(*InStateSince(row), kDay.AddDays(20));
  *row.mutable_cluster()->mutable_order_date() = kDay.AddDays(30).ToProto();
  EXPECT_EQ(*InStateSince(row), kDay.AddDays(30));
  *row.mutable_cluster()->mutable_order_date() = kDay.AddDays(10).ToProto();
  EXPECT_EQ(*InStateSince(row), kDay.AddDays(20)) << "as older stores may have it";
}

// Of every state that a cluster can have been in on a day since.
TEST(OrderTest, MakesOfEachDaySinceWhatItDoesOfToday) {
  using Was = std::pair<Cluster::State, Cluster::State>;  // and suspended from
  const auto after = [](void (*order)(ClusterRow*), Was was) {
    ClusterRow row;
    row.mutable_cluster()->set_state(was.first);
    row.mutable_cluster()->set_member_count(10);
    row.set_suspended_from(was.second);
    order(&row);
    EXPECT_EQ(row.cluster().member_count(), order == Remove ? 0 : 10);
    return Was(row.cluster().state(), row.suspended_from());
  };
  constexpr Cluster::State kNone = Cluster::STATE_UNSPECIFIED;
  const Was selected(Cluster::SELECTED, kNone), registered(Cluster::REGISTERED, kNone),
      suspended(Cluster::SUSPENDED, Cluster::SELECTED),
      out(Cluster::SUSPENDED, Cluster::REGISTERED);
  EXPECT_EQ(after(Enter, selected), registered);
  EXPECT_EQ(after(Enter, suspended), out);
  EXPECT_EQ(after(Suspend, selected), suspended);
  EXPECT_EQ(after(Suspend, registered), out);
  EXPECT_EQ(after(Suspend, suspended), suspended);
  EXPECT_EQ(after(Resume, suspended), selected);
  EXPECT_EQ(after(Resume, out), registered);
  EXPECT_EQ(after(Resume, registered), registered);
  EXPECT_EQ(after(Remove, out).first, Cluster::REMOVED);
}

TEST(DatesTest, OfASelection) {
  v1::Selection selection;
  *selection.mutable_applications_from() = kDay.ToProto();
  *selection.mutable_applications_until() = kDay.AddDays(1).ToProto();
  EXPECT_EQ(ReasonOf(CheckDates(selection, kDay, "")), "");
  EXPECT_EQ(ReasonOf(CheckDates(selection, kDay.AddDays(1), "")), "DATES_INVALID");
  EXPECT_EQ(ReasonOf(CheckOpen(selection, kDay.AddDays(-1))), "APPLICATIONS_NOT_OPEN");
  EXPECT_EQ(ReasonOf(CheckOpen(selection, kDay.AddDays(1))), "");
  EXPECT_EQ(ReasonOf(CheckOpen(selection, kDay.AddDays(2))), "APPLICATIONS_NOT_OPEN");
  *selection.mutable_applications_until() = kDay.AddDays(-1).ToProto();
  EXPECT_EQ(ReasonOf(CheckDates(selection, kDay, "")), "DATES_INVALID");
}

TEST(NumbersTest, AreReadBackFromFacts) {
  EXPECT_EQ(*Split("3,1,2"), (std::vector<int64_t>{3, 1, 2}));
  EXPECT_TRUE(Split("")->empty());
  EXPECT_FALSE(Split("3,x").ok());
}

}  // namespace
}  // namespace nisi::clusters
