#include "services/priority_goods/rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/machine_testing.h"
#include "common/base/status.h"
#include "common/norms/norms_testing.h"
#include "common/rpc/caller.h"

namespace nisi::priority_goods {
namespace {

using base::Date;
using decision::v1::Decision;
using decision::v1::Finding;
using ::testing::HasSubstr;

Date Day(absl::string_view text) {
  return *Date::Parse(text);
}
const Date kToday = Day("2026-06-15");

norms::Norms DefaultNorms() {
  return *norms::Norms::Default();
}

Assessment Scores(int32_t technology, int32_t exports, int32_t domestic) {
  Assessment assessment;
  assessment.set_name("assessments/a1");
  assessment.set_etag("00000007");
  assessment.set_technological_complexity(technology);
  assessment.set_export_potential(exports);
  assessment.set_domestic_potential(domestic);
  return assessment;
}

const Finding& FindingOf(const Decision& decision, const std::string& rule) {
  for (const Finding& finding : decision.findings()) {
    if (finding.rule() == rule) return finding;
  }
  ADD_FAILURE() << "no finding " << rule;
  return Finding::default_instance();
}

TEST(AssessTest, LevelsAtTheirBounds) {
  struct {
    int32_t technology, exports, domestic;
    const char* outcome;
    bool enters;
  } const cases[] = {
      {0, 0, 0, "LOW", false},     {39, 0, 0, "LOW", false},    {40, 0, 0, "MEDIUM", true},
      {40, 29, 0, "MEDIUM", true}, {40, 0, 29, "MEDIUM", true}, {40, 30, 0, "HIGH", true},
      {10, 30, 30, "HIGH", true},  {9, 30, 30, "MEDIUM", true}, {40, 30, 30, "HIGH", true},
  };
  const norms::Norms norms = DefaultNorms();
  for (const auto& c : cases) {
    SCOPED_TRACE(absl::StrCat(c.technology, "+", c.exports, "+", c.domestic));
    const auto decision = Assess(Scores(c.technology, c.exports, c.domestic), norms, kToday);
    ASSERT_TRUE(decision.ok()) << decision.status();
    EXPECT_EQ(decision->outcome(), c.outcome);
    const Finding& level = FindingOf(*decision, "ENTRY_LEVEL_MEDIUM_OR_HIGH");
    EXPECT_EQ(level.satisfied(), c.enters);
    EXPECT_EQ(level.legal_basis().article(), "Art. 26(1)");
    ASSERT_EQ(level.facts_size(), 3);
    EXPECT_EQ(level.facts(0).value(), absl::StrCat(c.technology + c.exports + c.domestic));
    EXPECT_EQ(decision->norms_edition(), norms.edition());
    EXPECT_TRUE(decision->rests_on_assumption());
  }
}

TEST(AssessTest, EachScoreAgainstItsNorm) {
  struct {
    const char* name;
    Assessment at, over;
    const char* maximum;
  } const cases[] = {
      {"technological_complexity", Scores(40, 0, 0), Scores(41, 0, 0), "40"},
      {"export_potential", Scores(0, 30, 0), Scores(0, 31, 0), "30"},
      {"domestic_potential", Scores(0, 0, 30), Scores(0, 0, 31), "30"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    const auto decision = Assess(c.at, DefaultNorms(), kToday);
    ASSERT_TRUE(decision.ok()) << decision.status();
    const Finding& finding = FindingOf(*decision, absl::StrCat("SCORE_WITHIN_NORM:", c.name));
    EXPECT_TRUE(finding.satisfied());
    EXPECT_EQ(finding.legal_basis().article(), "Art. 26(2)");
    ASSERT_EQ(finding.facts_size(), 2);
    EXPECT_EQ(finding.facts(0).name(), c.name);
    EXPECT_EQ(finding.facts(0).value(), c.maximum);
    EXPECT_EQ(finding.facts(0).source(), "assessments/a1");
    EXPECT_EQ(finding.facts(0).version(), "00000007");
    EXPECT_THAT(finding.facts(1).source(), HasSubstr("ASSUMPTION"));
    EXPECT_EQ(finding.facts(1).version(), "");

    const absl::Status refused = Assess(c.over, DefaultNorms(), kToday).status();
    EXPECT_EQ(refused.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(base::ReasonOf(refused), "SCORE_OVER_NORM");
    EXPECT_EQ(base::InfoOf(refused).metadata().at("maximum"), c.maximum);
    EXPECT_EQ(base::LegalBasisOf(refused).article(), "Art. 26(2)");
    ASSERT_EQ(base::BadRequestOf(refused).field_violations_size(), 1);
    EXPECT_EQ(base::BadRequestOf(refused).field_violations(0).field(),
              absl::StrCat("assessment.", c.name));
  }
}

TEST(AssessTest, TheNormsAreData) {
  const norms::Norms other = norms::Edited({{"level.high_from,70", "level.high_from,50"},
                                            {"level.medium_from,40", "level.medium_from,20"}});
  EXPECT_EQ(Assess(Scores(20, 0, 0), DefaultNorms(), kToday)->outcome(), "LOW");
  EXPECT_EQ(Assess(Scores(20, 0, 0), other, kToday)->outcome(), "MEDIUM");
  EXPECT_EQ(Assess(Scores(20, 30, 0), other, kToday)->outcome(), "HIGH");
  EXPECT_EQ(base::ReasonOf(Assess(Scores(20, 0, 0), other, Day("1995-01-01")).status()),
            "NORM_NOT_IN_FORCE");
}

TEST(CheckLevelTest, MediumAndHighOnly) {
  EXPECT_TRUE(CheckLevel(v1::MEDIUM).ok());
  EXPECT_TRUE(CheckLevel(v1::HIGH).ok());
  for (const ProcessingLevel level : {v1::LOW, v1::PROCESSING_LEVEL_UNSPECIFIED}) {
    const absl::Status refused = CheckLevel(level);
    EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_EQ(base::ReasonOf(refused), "LEVEL_TOO_LOW");
    EXPECT_EQ(base::LegalBasisOf(refused).article(), "Art. 26(1)");
  }
}

AssessedLevel LevelOf(const char* code, ProcessingLevel entry, ProcessingLevel assessed) {
  return {code, entry, assessed, absl::StrCat("assessments/of", code), "0000000c"};
}

TEST(CheckAssessedTest, TheAssessmentDeterminesTheLevel) {
  EXPECT_TRUE(CheckAssessed({}).ok());
  EXPECT_TRUE(
      CheckAssessed({LevelOf("0101", v1::MEDIUM, v1::MEDIUM), LevelOf("0102", v1::HIGH, v1::HIGH)})
          .ok());
  const absl::Status refused =
      CheckAssessed({LevelOf("0101", v1::MEDIUM, v1::MEDIUM), LevelOf("0102", v1::HIGH, v1::LOW),
                     LevelOf("0103", v1::MEDIUM, v1::HIGH)});
  EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(base::ReasonOf(refused), "LEVEL_NOT_ASSESSED");
  EXPECT_EQ(base::LegalBasisOf(refused).article(), "Art. 26(2)");
  const google::rpc::ErrorInfo info = base::InfoOf(refused);
  const auto& told = info.metadata();
  EXPECT_EQ(told.at("goodsCode"), "0102");
  EXPECT_EQ(told.at("entryLevel"), "HIGH");
  EXPECT_EQ(told.at("assessedLevel"), "LOW");
  EXPECT_EQ(told.at("assessment"), "assessments/of0102");
  EXPECT_EQ(told.at("count"), "2");
  // However many there are, the answer holds them.
  const absl::Status many = CheckAssessed(
      std::vector<AssessedLevel>(20'000, LevelOf("0102030405", v1::HIGH, v1::MEDIUM)));
  EXPECT_EQ(base::InfoOf(many).metadata().at("count"), "20000");
}

struct Allowed {
  Edition::State to;
  std::set<rpc::v1::Role> roles;  // empty: the system
  std::string article;
};

// Written down apart from the code: what the law and domain/priority_goods.md let happen.
std::map<std::pair<Edition::State, Verb>, Allowed> WhatMayHappen() {
  const std::set<rpc::v1::Role> institute{rpc::v1::INSTITUTE_INDUSTRY};
  const std::set<rpc::v1::Role> authority{rpc::v1::AUTHORITY_INDUSTRY};
  const std::set<rpc::v1::Role> either{rpc::v1::INSTITUTE_INDUSTRY, rpc::v1::AUTHORITY_INDUSTRY};
  const std::string drafting = "Art. 13(2)(2)", approval = "Art. 9(28)", list = "Art. 26(1)";
  return {{{Edition::DRAFT, Verb::kEdit}, {Edition::DRAFT, institute, drafting}},
          {{Edition::RETURNED, Verb::kEdit}, {Edition::RETURNED, institute, drafting}},
          {{Edition::DRAFT, Verb::kSubmit}, {Edition::SUBMITTED, institute, drafting}},
          {{Edition::RETURNED, Verb::kSubmit}, {Edition::SUBMITTED, institute, drafting}},
          {{Edition::SUBMITTED, Verb::kReturn}, {Edition::RETURNED, authority, approval}},
          {{Edition::SUBMITTED, Verb::kApprove}, {Edition::APPROVED, authority, approval}},
          {{Edition::APPROVED, Verb::kTakeEffect}, {Edition::IN_FORCE, {}, list}},
          {{Edition::IN_FORCE, Verb::kSupersede}, {Edition::SUPERSEDED, {}, list}},
          {{Edition::DRAFT, Verb::kWithdraw}, {Edition::WITHDRAWN, either, drafting}},
          {{Edition::RETURNED, Verb::kWithdraw}, {Edition::WITHDRAWN, either, drafting}},
          {{Edition::SUBMITTED, Verb::kWithdraw}, {Edition::WITHDRAWN, authority, approval}},
          {{Edition::APPROVED, Verb::kWithdraw}, {Edition::WITHDRAWN, authority, approval}}};
}

TEST(EditionMachineTest, EveryStateVerbAndRole) {
  const auto allowed = WhatMayHappen();
  EXPECT_EQ(EditionMachine().Problem(), "");
  EXPECT_EQ(EditionMachine().edges().size(), allowed.size());
  int passed = 0, refused = 0;
  for (int state = 0; state < Edition::State_ARRAYSIZE; ++state) {
    for (int verb = 0; verb <= static_cast<int>(Verb::kWithdraw); ++verb) {
      for (const rpc::Role role : rpc::AllRoles()) {
        const auto from = static_cast<Edition::State>(state);
        const auto what = static_cast<Verb>(verb);
        SCOPED_TRACE(absl::StrCat(Edition::State_Name(from), " ", EditionMachine().VerbName(verb),
                                  " ", rpc::RoleName(role)));
        const auto next = EditionMachine().Ask(from, what, {1U << role, "somebody", {}});
        const auto edge = allowed.find({from, what});
        if (edge == allowed.end()) {
          EXPECT_EQ(next.status().code(), absl::StatusCode::kFailedPrecondition);
          EXPECT_EQ(base::ReasonOf(next.status()),
                    what == Verb::kEdit ? "EDITION_FROZEN" : "EDITION_STATE");
          EXPECT_EQ(base::InfoOf(next.status()).metadata().at("state"), Edition::State_Name(from));
          const bool preparing = what == Verb::kEdit || what == Verb::kSubmit;
          EXPECT_EQ(base::LegalBasisOf(next.status()).article(),
                    preparing ? "Art. 13(2)(2)" : "Art. 9(28)");
          ++refused;
        } else if (!edge->second.roles.contains(role)) {  // nobody calls what happens by itself
          EXPECT_EQ(base::ReasonOf(next.status()), "ACCESS_DENIED");
          ++refused;
        } else {
          ASSERT_TRUE(next.ok()) << next.status();
          EXPECT_EQ((*next->Only())->to, edge->second.to);
          ++passed;
        }
      }
    }
  }
  EXPECT_EQ(passed, 12);
  EXPECT_GT(refused, 600);
}

TEST(EditionMachineTest, TheReadmeShowsIt) {
  base::ExpectReadmeShows(EditionMachine(), "services/priority_goods/README.md");
}

TEST(EditionMachineTest, WhatHappensByItself) {
  for (int state = 0; state < Edition::State_ARRAYSIZE; ++state) {
    for (int verb = 0; verb <= static_cast<int>(Verb::kWithdraw); ++verb) {
      const auto from = static_cast<Edition::State>(state);
      const auto next = EditionMachine().NextByItself(from, static_cast<Verb>(verb));
      if (from == Edition::APPROVED && static_cast<Verb>(verb) == Verb::kTakeEffect) {
        EXPECT_EQ(*next, Edition::IN_FORCE);
      } else if (from == Edition::IN_FORCE && static_cast<Verb>(verb) == Verb::kSupersede) {
        EXPECT_EQ(*next, Edition::SUPERSEDED);
      } else {
        EXPECT_EQ(next.status().code(), absl::StatusCode::kFailedPrecondition);
      }
    }
  }
}

TEST(EditionMachineTest, EachCitesItsArticle) {
  const auto allowed = WhatMayHappen();
  for (const base::EdgeDef& edge : EditionMachine().edges()) {
    const auto step =
        allowed.find({static_cast<Edition::State>(edge.from), static_cast<Verb>(edge.verb)});
    ASSERT_NE(step, allowed.end());
    EXPECT_EQ(edge.basis().article(), step->second.article)
        << EditionMachine().StateName(edge.from) << " " << EditionMachine().VerbName(edge.verb);
  }
}

TEST(IsPublicationTest, OfWhatWasExaminedOrIsPublicAlready) {
  EXPECT_TRUE(IsPublication(Edition::SUBMITTED, Edition::APPROVED));
  EXPECT_TRUE(IsPublication(Edition::APPROVED, Edition::IN_FORCE));
  EXPECT_TRUE(IsPublication(Edition::IN_FORCE, Edition::SUPERSEDED));
  EXPECT_FALSE(IsPublication(Edition::DRAFT, Edition::SUBMITTED));
  EXPECT_FALSE(IsPublication(Edition::RETURNED, Edition::IN_FORCE));
  EXPECT_FALSE(IsPublication(Edition::APPROVED, Edition::WITHDRAWN));
}

TEST(IsPublishedTest, FromApprovalOn) {
  EXPECT_FALSE(IsPublished(Edition::DRAFT));
  EXPECT_FALSE(IsPublished(Edition::SUBMITTED));
  EXPECT_FALSE(IsPublished(Edition::RETURNED));
  EXPECT_FALSE(IsPublished(Edition::WITHDRAWN));
  EXPECT_FALSE(IsPublished(Edition::STATE_UNSPECIFIED));
  EXPECT_TRUE(IsPublished(Edition::APPROVED));
  EXPECT_TRUE(IsPublished(Edition::IN_FORCE));
  EXPECT_TRUE(IsPublished(Edition::SUPERSEDED));
}

TEST(ShowOnTest, WhatComesByItselfHasComeOnItsDay) {
  const Date first = Day("2026-07-01"), next = Day("2026-08-01");
  const std::set<Date> first_days{Day("2026-06-15"), first, next, Day("2026-09-01")};
  struct {
    Edition::State stored;
    Date day;
    Edition::State shown;
    bool replaced;
  } const cases[] = {
      {Edition::APPROVED, first.AddDays(-1), Edition::APPROVED, false},
      {Edition::APPROVED, first, Edition::IN_FORCE, false},
      {Edition::APPROVED, next.AddDays(-1), Edition::IN_FORCE, false},
      {Edition::APPROVED, next, Edition::SUPERSEDED, true},
      {Edition::IN_FORCE, next.AddDays(-1), Edition::IN_FORCE, false},
      {Edition::IN_FORCE, next, Edition::SUPERSEDED, true},
      {Edition::SUPERSEDED, Date::Max(), Edition::SUPERSEDED, true},
      {Edition::DRAFT, next, Edition::DRAFT, false},
      {Edition::SUBMITTED, next, Edition::SUBMITTED, false},
      {Edition::RETURNED, next, Edition::RETURNED, false},
      {Edition::WITHDRAWN, next, Edition::WITHDRAWN, false},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(absl::StrCat(Edition::State_Name(c.stored), " on ", c.day.ToString()));
    Edition edition;
    edition.set_state(c.stored);
    *edition.mutable_effective_from() = first.ToProto();
    cases::ShowOn(c.day, first_days, &edition);
    EXPECT_EQ(edition.state(), c.shown);
    ASSERT_EQ(edition.has_effective_until(), c.replaced);
    if (c.replaced) {
      EXPECT_EQ(*Date::FromProto(edition.effective_until()), next);
    }
  }
  Edition last;
  last.set_state(Edition::APPROVED);
  *last.mutable_effective_from() = first.ToProto();
  cases::ShowOn(Date::Max(), {first}, &last);
  EXPECT_EQ(last.state(), Edition::IN_FORCE);
  EXPECT_FALSE(last.has_effective_until());
}

Edition Submitted() {
  Edition edition;
  edition.set_name("editions/7");
  edition.set_etag("0000000a");
  edition.set_drafted_by("drafter");
  edition.set_submitted_by("submitter");
  edition.set_entry_count(3);
  return edition;
}

cases::EditionOrder OrderOf(const char* approver, Date date, Date effective_from) {
  return {approver, date, effective_from, "0000000b"};
}

TEST(ApproveTest, ListsItsFindings) {
  struct {
    Date order, from;
  } const cases[] = {{kToday, kToday}, {Day("2026-06-01"), kToday}, {kToday, Day("2027-01-01")}};
  for (const auto& c : cases) {
    const auto decision =
        Approve(Submitted(), OrderOf("minister", c.order, c.from), kToday, DefaultNorms());
    ASSERT_TRUE(decision.ok()) << decision.status();
    EXPECT_EQ(decision->outcome(), "APPROVED");
    EXPECT_EQ(decision->findings_size(), 3);
    for (const Finding& finding : decision->findings()) {
      EXPECT_TRUE(finding.satisfied());
      EXPECT_GT(finding.facts_size(), 0);
    }
    EXPECT_EQ(FindingOf(*decision, "SEPARATION_OF_DUTIES").legal_basis().article(), "Art. 9(28)");
    EXPECT_EQ(FindingOf(*decision, "EDITION_NOT_EMPTY").legal_basis().article(), "Art. 26(1)");
    EXPECT_EQ(FindingOf(*decision, "DATES_IN_ORDER").facts(1).value(), c.from.ToString());
  }
}

TEST(ApproveTest, RefusesWithTheArticle) {
  Edition empty = Submitted();
  empty.set_entry_count(0);
  const Date yesterday = kToday.AddDays(-1), tomorrow = kToday.AddDays(1);
  struct {
    const char* what;
    Edition edition;
    const char* approver;
    Date order, from;
    absl::StatusCode code;
    const char* reason;
    const char* article;
  } const cases[] = {
      {"the drafter", Submitted(), "drafter", kToday, kToday, absl::StatusCode::kPermissionDenied,
       "SEPARATION_OF_DUTIES", "Art. 9(28)"},
      {"the submitter", Submitted(), "submitter", kToday, kToday,
       absl::StatusCode::kPermissionDenied, "SEPARATION_OF_DUTIES", "Art. 9(28)"},
      {"no entries", empty, "minister", kToday, kToday, absl::StatusCode::kFailedPrecondition,
       "EDITION_EMPTY", "Art. 26(1)"},
      {"an order of tomorrow", Submitted(), "minister", tomorrow, tomorrow,
       absl::StatusCode::kFailedPrecondition, "ORDER_DATE_INVALID", "Art. 9(28)"},
      {"in force in the past", Submitted(), "minister", yesterday, yesterday,
       absl::StatusCode::kFailedPrecondition, "EFFECTIVE_DAY_PAST", "Art. 9(28)"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.what);
    const absl::Status refused =
        Approve(c.edition, OrderOf(c.approver, c.order, c.from), kToday, DefaultNorms()).status();
    EXPECT_EQ(refused.code(), c.code);
    EXPECT_EQ(base::ReasonOf(refused), c.reason);
    EXPECT_EQ(base::LegalBasisOf(refused).article(), c.article);
  }
}

TEST(ApproveTest, AnOrderThatActsBeforeItselfIsIllFormed) {
  // Whatever the state, the day and the approver are.
  for (const auto& [order, from] : {std::pair{kToday, kToday.AddDays(-1)},
                                    {kToday.AddDays(9), kToday.AddDays(8)},
                                    {kToday.AddDays(-8), kToday.AddDays(-9)}}) {
    for (const char* approver : {"minister", "drafter"}) {
      const absl::Status refused =
          Approve(Edition(), OrderOf(approver, order, from), kToday, DefaultNorms()).status();
      EXPECT_EQ(refused.code(), absl::StatusCode::kInvalidArgument);
      EXPECT_EQ(base::ReasonOf(refused), "INVALID_FIELD");
      ASSERT_EQ(base::BadRequestOf(refused).field_violations_size(), 1);
      EXPECT_EQ(base::BadRequestOf(refused).field_violations(0).field(), "effective_from");
    }
  }
}

TEST(ApproveTest, ItsFactsNameTheEditionAndWhichVersionOfIt) {
  const Decision decision =
      *Approve(Submitted(), OrderOf("minister", kToday, kToday), kToday, DefaultNorms());
  const std::map<std::string, std::string> versions{{"drafted_by", "0000000a"},
                                                    {"submitted_by", "0000000a"},
                                                    {"entry_count", "0000000a"},
                                                    {"decided_by", "0000000b"},
                                                    {"order_date", "0000000b"},
                                                    {"effective_from", "0000000b"},
                                                    {"today", ""}};
  size_t seen = 0;
  for (const Finding& finding : decision.findings()) {
    for (const auto& fact : finding.facts()) {
      ++seen;
      EXPECT_EQ(fact.version(), versions.at(fact.name())) << fact.name();
      EXPECT_EQ(fact.source(), fact.name() == "today" ? "clock" : "editions/7") << fact.name();
    }
  }
  EXPECT_EQ(seen, versions.size());
}

TEST(ApproveTest, LevelsAreThoseOfTheAssessments) {
  const cases::EditionOrder order = OrderOf("minister", kToday, kToday);
  const std::vector<AssessedLevel> levels{LevelOf("0101", v1::MEDIUM, v1::MEDIUM),
                                          LevelOf("0102", v1::HIGH, v1::HIGH)};
  const auto decision = Approve(Submitted(), order, kToday, DefaultNorms(), levels);
  ASSERT_TRUE(decision.ok()) << decision.status();
  ASSERT_EQ(decision->findings_size(), 4);
  const Finding& finding = FindingOf(*decision, "LEVELS_AS_ASSESSED");
  EXPECT_TRUE(finding.satisfied());
  EXPECT_EQ(finding.legal_basis().article(), "Art. 26(2)");
  ASSERT_EQ(finding.facts_size(), 2);
  EXPECT_EQ(finding.facts(0).name(), "entry_level.HIGH.0102");
  EXPECT_EQ(finding.facts(0).value(), "HIGH");
  EXPECT_EQ(finding.facts(0).source(), "assessments/of0102");
  EXPECT_EQ(finding.facts(0).version(), "0000000c");

  const auto replayed = ReplayApproval(*decision);
  ASSERT_TRUE(replayed.ok()) << replayed.status();
  EXPECT_EQ(replayed->SerializeAsString(), decision->SerializeAsString());
  Decision other = *decision;
  for (Finding& each : *other.mutable_findings()) {
    for (auto& fact : *each.mutable_facts()) {
      if (fact.name() == "entry_level.HIGH.0102") fact.set_value("LOW");
    }
  }
  const auto refused = ReplayApproval(other);
  ASSERT_TRUE(refused.ok()) << refused.status();
  EXPECT_EQ(refused->outcome(), "REFUSED");
  EXPECT_FALSE(FindingOf(*refused, "LEVELS_AS_ASSESSED").satisfied());

  EXPECT_EQ(base::ReasonOf(Approve(Submitted(), order, kToday, DefaultNorms(),
                                   {LevelOf("0101", v1::HIGH, v1::LOW)})
                               .status()),
            "LEVEL_NOT_ASSESSED");
}

TEST(EditionMachineTest, NeitherDrafterNorSubmitterDecides) {
  const Edition edition = Submitted();
  const std::vector<base::Acted> acts = cases::PreparersOf(edition);
  const auto reason = [&](Verb verb, const char* who) {
    const uint32_t authority = 1U << rpc::v1::AUTHORITY_INDUSTRY;
    return base::ReasonOf(
        EditionMachine().Ask(Edition::SUBMITTED, verb, {authority, who, acts}).status());
  };
  for (const Verb verb : {Verb::kApprove, Verb::kReturn}) {
    EXPECT_EQ(reason(verb, "minister"), "");
    EXPECT_EQ(reason(verb, "drafter"), "SEPARATION_OF_DUTIES");
    EXPECT_EQ(reason(verb, "submitter"), "SEPARATION_OF_DUTIES");
  }
  EXPECT_EQ(reason(Verb::kWithdraw, "drafter"), "");  // gives up its own proposal
}

// A stored decision of either kind, and what computes it again.
struct Stored {
  Decision decision;
  absl::StatusOr<Decision> (*replay)(const Decision&);
};
std::vector<Stored> StoredDecisions() {
  std::vector<Stored> all;
  for (const Assessment& scores : {Scores(0, 0, 0), Scores(40, 29, 0), Scores(40, 30, 30)})
    all.push_back({*Assess(scores, DefaultNorms(), kToday), ReplayAssessment});
  for (const Date from : {kToday, kToday.AddDays(30)}) {
    all.push_back({*Approve(Submitted(), OrderOf("minister", kToday.AddDays(-1), from), kToday,
                            DefaultNorms()),
                   ReplayApproval});
  }
  for (Stored& stored : all) stored.decision.mutable_decide_time()->set_seconds(1'780'000'000);
  return all;
}

// Sets every fact of the name; whether there was one.
bool SetFact(Decision* decision, const std::string& name, const std::string& value) {
  bool found = false;
  for (Finding& finding : *decision->mutable_findings()) {
    for (auto& fact : *finding.mutable_facts()) {
      if (fact.name() != name) continue;
      fact.set_value(value);
      found = true;
    }
  }
  return found;
}

TEST(ReplayTest, GivesTheSame) {
  for (const Stored& stored : StoredDecisions()) {
    const auto replayed = stored.replay(stored.decision);
    ASSERT_TRUE(replayed.ok()) << replayed.status();
    EXPECT_EQ(replayed->SerializeAsString(), stored.decision.SerializeAsString());
  }
}

TEST(ReplayTest, FollowsTheStoredFactsAlone) {
  const Decision stored = *Assess(Scores(40, 29, 0), DefaultNorms(), kToday);
  Decision raised = stored;
  ASSERT_TRUE(SetFact(&raised, "export_potential", "30"));
  EXPECT_EQ(ReplayAssessment(raised)->outcome(), "HIGH");

  for (const char* name : {"technological_complexity", "export_potential", "domestic_potential"}) {
    Decision over = stored;
    ASSERT_TRUE(SetFact(&over, name, "99"));
    for (const std::string& other :
         {std::string("technological_complexity"), std::string("export_potential"),
          std::string("domestic_potential")}) {
      EXPECT_EQ(FindingOf(*ReplayAssessment(over), "SCORE_WITHIN_NORM:" + other).satisfied(),
                other != name)
          << name;
    }
  }
}

TEST(ReplayTest, AnApprovalThatItsFactsDoNotBearIsRefused) {
  const Decision stored =
      *Approve(Submitted(), OrderOf("minister", kToday.AddDays(-3), kToday.AddDays(3)), kToday,
               DefaultNorms());
  struct {
    const char* fact;
    std::string value;
    const char* unsatisfied;
  } const cases[] = {
      {"drafted_by", "minister", "SEPARATION_OF_DUTIES"},
      {"submitted_by", "minister", "SEPARATION_OF_DUTIES"},
      {"decided_by", "drafter", "SEPARATION_OF_DUTIES"},
      {"entry_count", "0", "EDITION_NOT_EMPTY"},
      {"order_date", kToday.AddDays(1).ToString(), "DATES_IN_ORDER"},
      {"effective_from", kToday.AddDays(-1).ToString(), "DATES_IN_ORDER"},
      {"today", kToday.AddDays(4).ToString(), "DATES_IN_ORDER"},
      {"today", kToday.AddDays(-4).ToString(), "DATES_IN_ORDER"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(absl::StrCat(c.fact, " ", c.value));
    Decision changed = stored;
    ASSERT_TRUE(SetFact(&changed, c.fact, c.value));
    const auto replayed = ReplayApproval(changed);
    ASSERT_TRUE(replayed.ok()) << replayed.status();
    EXPECT_EQ(replayed->outcome(), "REFUSED");
    for (const Finding& finding : replayed->findings())
      EXPECT_EQ(finding.satisfied(), finding.rule() != c.unsatisfied) << finding.rule();
  }
}

TEST(ReplayTest, SaysWhichFactIsMissingOrDamaged) {
  for (const Stored& stored : StoredDecisions()) {
    std::set<std::string> names;
    for (const Finding& finding : stored.decision.findings()) {
      for (const auto& fact : finding.facts()) names.insert(fact.name());
    }
    names.erase("points");  // computed anew
    ASSERT_GE(names.size(), 7u);
    for (const std::string& name : names) {
      SCOPED_TRACE(name);
      Decision without = stored.decision;
      for (Finding& finding : *without.mutable_findings()) {
        for (int i = finding.facts_size() - 1; i >= 0; --i) {
          if (finding.facts(i).name() == name) finding.mutable_facts()->DeleteSubrange(i, 1);
        }
      }
      const absl::Status missing = stored.replay(without).status();
      EXPECT_EQ(missing.code(), absl::StatusCode::kFailedPrecondition);
      EXPECT_EQ(base::ReasonOf(missing), "FACT_MISSING");
      EXPECT_EQ(base::InfoOf(missing).metadata().at("fact"), name);
      if (name == "drafted_by" || name == "submitted_by" || name == "decided_by") continue;  // text
      Decision garbled = stored.decision;
      ASSERT_TRUE(SetFact(&garbled, name, "forty"));
      EXPECT_EQ(stored.replay(garbled).status().code(), absl::StatusCode::kDataLoss);
    }
  }
}

}  // namespace
}  // namespace nisi::priority_goods
