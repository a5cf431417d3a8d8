// The rules as tables, every finding both ways; and what lies on disk.

#include "absl/strings/match.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "common/norms/norms_testing.h"
#include "common/store/schema_testing.h"
#include "services/grants/errors.h"
#include "services/grants/service_testing.h"

namespace nisi::grants {
namespace {

using base::Money;
using base::ReasonOf;

TEST(SchemaTest, IsSoundAndWhatTheGoldenFileSays) {
  store::ExpectGolden(GrantsSchema(), "grants");
}

TEST(RulesTest, ADocumentOfEachKindAndTheOfficersWord) {
  const norms::Norms norms = NormsToCome();
  const auto judged = [&](int without, bool in_order) {
    Application application = MakeApplication(1);
    if (without >= 0) application.mutable_documents()->DeleteSubrange(without, 1);
    const auto decision = JudgeCompleteness(application, in_order, norms, {"applications/1", "e"});
    EXPECT_EQ(decision->norms_edition(), norms.edition());
    EXPECT_EQ(ReplayCompleteness(*decision)->SerializeAsString(), decision->SerializeAsString());
    return FirstUnsatisfied(*decision);
  };
  EXPECT_EQ(judged(-1, true), "");
  EXPECT_EQ(judged(-1, false), "DOCUMENTS_IN_ORDER");
  for (int i = 0; i < 5; ++i) EXPECT_EQ(judged(i, true), "DOCUMENTS_PRESENT") << i;
  // What is left empty is not taken for "none".
  Application unsaid = MakeApplication(1);
  unsaid.mutable_cost_items(0)->clear_seller();
  EXPECT_EQ(FirstUnsatisfied(*JudgeCompleteness(unsaid, true, norms, {"a", "e"})), "SELLERS_NAMED");
  unsaid = MakeApplication(1);
  unsaid.clear_tax_debt();
  EXPECT_EQ(FirstUnsatisfied(*JudgeCompleteness(unsaid, true, norms, {"a", "e"})),
            "TAX_DEBT_STATED");
}

struct EligibilityCase {
  const char* failed;  // the one finding that does not hold; empty: all do
  std::function<void(Application*, Outside*, cases::Notice*, int64_t*)> change;
  v1::Ground ground = v1::ENTITY_NOT_COMPLIANT;
};

TEST(RulesTest, EveryConditionBothWays) {
  using A = Application;
  using O = Outside;
  using N = cases::Notice;
  const std::vector<EligibilityCase> table = {
      {"", [](A*, O*, N*, int64_t*) {}},
      {"", [](A*, O* o, N*, int64_t*) { o->size = "MEDIUM"; }},
      {"", [](A*, O* o, N*, int64_t*) { o->size = "MICRO"; }},
      {"", [](A*, O* o, N*, int64_t*) { o->active_since = Day("2023-06-15"); }},
      {"", [](A* a, O*, N*, int64_t*) { *a->mutable_tax_debt() = Money::FromTiyn(99)->ToProto(); }},
      {"GOODS_ON_LIST", [](A*, O* o, N*, int64_t*) { o->goods[0].second = "NOT_LISTED"; },
       v1::GOODS_NOT_PRIORITY},
      {"GOODS_ON_LIST", [](A*, O* o, N*, int64_t*) { o->goods[0].second = "PARTIAL"; },
       v1::GOODS_NOT_PRIORITY},
      {"GOODS_ON_LIST", [](A*, O* o, N*, int64_t*) { o->goods.emplace_back("8505", "NOT_LISTED"); },
       v1::GOODS_NOT_PRIORITY},
      {"GOODS_ON_LIST", [](A*, O* o, N*, int64_t*) { o->goods.clear(); }, v1::GOODS_NOT_PRIORITY},
      {"ACTIVE_PRODUCER", [](A*, O* o, N*, int64_t*) { o->producer = false; }},
      {"SMALL_OR_MEDIUM", [](A*, O* o, N*, int64_t*) { o->size = "LARGE"; }},
      {"SMALL_OR_MEDIUM", [](A*, O* o, N*, int64_t*) { o->size = ""; }},
      {"ACTIVE_LONG_ENOUGH", [](A*, O* o, N*, int64_t*) { o->active_since = Day("2023-06-16"); }},
      {"ACTIVE_LONG_ENOUGH", [](A*, O* o, N*, int64_t*) { o->active_since = std::nullopt; }},
      {"OWN_PROJECT_ON_MAP", [](A*, O* o, N*, int64_t*) { o->project_on_map = false; }},
      {"OWN_PROJECT_ON_MAP", [](A*, O* o, N*, int64_t*) { o->project_owner = Bin(2); }},
      {"NO_TAX_DEBT", [](A* a, O*, N*, int64_t*) { *a->mutable_tax_debt() = Tenge(1); }},
      {"NOT_AFFILIATED_WITH_SELLER",
       [](A* a, O*, N*, int64_t*) { a->add_affiliations(Bin(40'000)); }},
      {"NOT_AFFILIATED_WITH_SELLER",
       [](A* a, O*, N*, int64_t*) { a->mutable_cost_items(0)->set_seller(Bin(1)); }},
      {"OBLIGATIONS_ACCEPTED", [](A* a, O*, N*, int64_t*) { a->set_obligations_accepted(false); },
       v1::OBLIGATIONS_NOT_ACCEPTED},
      {"OBLIGATIONS_ACCEPTED", [](A* a, O*, N*, int64_t*) { a->clear_obligations(); },
       v1::OBLIGATIONS_NOT_ACCEPTED},
      {"CO_FINANCED",
       [](A* a, O*, N*, int64_t*) { *a->mutable_own_contribution() = Tenge(599'999); }},
      {"CO_FINANCED", [](A* a, O*, N*, int64_t*) { *a->mutable_own_contribution() = Tenge(0); }},
      {"NO_RUNNING_GRANT", [](A*, O*, N*, int64_t* running) { *running = 1; }},
      {"GATE_PASSED", [](A*, O*, N* n, int64_t*) { n->set_verdict(N::FAILED); }}};
  const norms::Norms norms = NormsToCome();
  for (const EligibilityCase& c : table) {
    SCOPED_TRACE(c.failed);
    Application application = MakeApplication(1);
    Outside outside;
    outside.goods = {{"8504", "LISTED"}};
    outside.edition = {"editions/3", "17"};
    outside.producer = true;
    outside.size = "SMALL";
    outside.active_since = Day("2020-01-01");
    outside.project_on_map = true;
    outside.project_owner = Bin(1);
    cases::Notice notice;
    notice.set_verdict(cases::Notice::PASSED);
    int64_t running = 0;
    c.change(&application, &outside, &notice, &running);
    const auto decision = JudgeEligibility(
        {&application, &outside, &notice, running, Day("2026-06-15"), {"applications/1", "e"}},
        norms);
    ASSERT_TRUE(decision.ok()) << decision.status();
    int unsatisfied = 0;
    for (const auto& finding : decision->findings()) unsatisfied += finding.satisfied() ? 0 : 1;
    EXPECT_EQ(FirstUnsatisfied(*decision), c.failed);
    EXPECT_EQ(unsatisfied, *c.failed == '\0' ? 0 : 1);
    EXPECT_EQ(decision->outcome(), *c.failed == '\0' ? "ELIGIBLE" : "NOT_ELIGIBLE");
    if (*c.failed != '\0') {
      EXPECT_THAT(GroundsOf(*decision), ::testing::ElementsAre(c.ground));
    }
    EXPECT_EQ(ReplayEligibility(*decision)->SerializeAsString(), decision->SerializeAsString());
  }
}

// Its own norms are by-laws; what the suppliers answered may be less sure. A decision of before
// they told is decided again as it was.
TEST(RulesTest, EligibilityIsNoSurerThanWhatItRestsOn) {
  const norms::Norms norms = NormsToCome();
  const Application application = MakeApplication(1);
  cases::Notice notice;
  notice.set_verdict(cases::Notice::PASSED);
  const auto judged = [&](bool producer, bool size, bool since = false) {
    Outside outside;
    outside.goods = {{"8504", "LISTED"}};
    outside.producer = true;
    outside.size = "SMALL";
    outside.active_since = Day("2020-01-01");
    outside.project_on_map = true;
    outside.project_owner = Bin(1);
    outside.producer_assumed = producer;
    outside.size_assumed = size;
    outside.active_since_assumed = since;
    return *JudgeEligibility(
        {&application, &outside, &notice, 0, Day("2026-06-15"), {"applications/1", "e"}}, norms);
  };
  EXPECT_FALSE(judged(false, false).rests_on_assumption());
  EXPECT_TRUE(judged(true, false).rests_on_assumption());
  // The years of activity that are counted from a month in a BIN: the finding says so.
  const Decision counted = judged(false, false, true);
  EXPECT_TRUE(counted.rests_on_assumption());
  for (const auto& finding : counted.findings()) {
    std::string marks;
    for (const auto& fact : finding.facts()) {
      if (fact.name() == "active_since_assumed") marks += fact.value();
    }
    EXPECT_EQ(marks, finding.rule() == "ACTIVE_LONG_ENOUGH" ? "1" : "") << finding.rule();
  }
  EXPECT_EQ(ReplayEligibility(counted)->SerializeAsString(), counted.SerializeAsString());
  Decision decision = judged(false, true);
  EXPECT_TRUE(decision.rests_on_assumption());
  EXPECT_EQ(cases::Facts::Of(decision).Get("size_assumed").value(), "1");
  for (auto& finding : *decision.mutable_findings()) {
    for (int i = finding.facts_size() - 1; i >= 0; --i) {
      if (absl::EndsWith(finding.facts(i).name(), "_assumed")) {
        finding.mutable_facts()->DeleteSubrange(i, 1);
      }
    }
  }
  decision.set_rests_on_assumption(false);
  EXPECT_EQ(ReplayEligibility(decision)->SerializeAsString(), decision.SerializeAsString());
}

TEST(RulesTest, TermsOfAnAgreementAreNoSurerThanTheirNorms) {
  const base::Date day = Day("2026-06-15");
  const auto marks = [&](const std::vector<std::string>& by_law) {
    std::vector<norms::NormFile> files = norms::Norms::DefaultFiles();
    for (norms::NormFile& file : files) {
      std::vector<std::string> lines = absl::StrSplit(file.text, '\n');
      for (std::string& line : lines) {
        for (const std::string& key : by_law) {
          if (!absl::StartsWith(line, key)) continue;
          line = absl::StrReplaceAll(line, {{",ASSUMPTION", ",BY_LAW"}});
        }
      }
      file.text = absl::StrJoin(lines, "\n");
    }
    const norms::Norms norms = *norms::Norms::LoadText(files);
    return std::pair(TranchesAreAssumed(norms, day), YearsAreAssumed(norms, day));
  };
  EXPECT_EQ(marks({}), std::pair(true, true));
  EXPECT_EQ(marks({"grants.tranche.1", "grants.tranche.2"}), std::pair(true, true));
  EXPECT_EQ(marks({"grants.tranche."}), std::pair(false, true));
  EXPECT_EQ(marks({"grants.obligations_years"}), std::pair(true, false));
}

// A slip of the pen in the norms is no wrong sum: what does not fit is the most that there is.
TEST(RulesTest, ACeilingThatDoesNotFitIsNoLimit) {
  const norms::Norms norms =
      norms::Edited({{"grants.ceiling_mci,50000,", "grants.ceiling_mci,900000000,"},
                     {"mci,4325,", "mci,900000000000,"}});
  Application application = MakeApplication(1);
  *application.mutable_accepted_cost() = Tenge(1'000'000);
  *application.mutable_requested_sum() = Tenge(400'000);
  const auto decision =
      JudgeExamination({&application, {50, 50, 50}, "SMALL", {"a", "e"}}, norms, Day("2026-06-15"));
  ASSERT_TRUE(decision.ok()) << decision.status();
  EXPECT_EQ(decision->outcome(), "400000.00");
}

TEST(RulesTest, WhatMayBeGranted) {
  struct Case {
    const char* size;
    int64_t accepted, asked;
    const char* ceiling;
  };
  const norms::Norms norms = NormsToCome();
  for (const Case& c : {Case{"SMALL", 1'000'000, 600'000, "500000.00"},
                        Case{"MICRO", 1'000'000, 600'000, "500000.00"},
                        Case{"MEDIUM", 1'000'000, 600'000, "400000.00"},
                        Case{"SMALL", 1'000'000, 499'999, "499999.00"}, Case{"SMALL", 3, 3, "1.50"},
                        Case{"MEDIUM", 0, 10, "0.00"},
                        // 50,000 MCI of 4,325 tenge
                        Case{"SMALL", 1'000'000'000, 999'000'000, "216250000.00"}}) {
    Application application = MakeApplication(1);
    *application.mutable_accepted_cost() = Tenge(c.accepted);
    *application.mutable_requested_sum() = Tenge(c.asked);
    const auto decision = JudgeExamination({&application, {50, 50, 50}, c.size, {"a", "e"}}, norms,
                                           Day("2026-06-15"));
    ASSERT_TRUE(decision.ok()) << decision.status();
    EXPECT_EQ(decision->outcome(), c.ceiling) << c.size << " " << c.accepted;
    EXPECT_EQ(FirstUnsatisfied(*decision), c.accepted == 0 ? "COSTS_ACCEPTED" : "");
    EXPECT_EQ(ReplayExamination(*decision)->SerializeAsString(), decision->SerializeAsString());
  }
}

// A grant of which a tranche would be nothing could not be paid: what it must be is told.
TEST(RulesTest, AGrantIsEnoughForItsTranches) {
  const norms::Norms norms = NormsToCome();
  const base::Date day = Day("2026-06-15");
  const auto tiyn = [](int64_t sum) { return *base::Money::FromTiyn(sum); };
  EXPECT_EQ(*LeastGrant(norms, day), tiyn(4));  // 30 % of it is more than 1 tiyn
  for (int64_t sum = 0; sum < 10; ++sum) {
    const auto tranches = TranchesOf(tiyn(sum), norms, day);
    if (sum < 4) {
      EXPECT_EQ(ReasonOf(tranches.status()), "GRANT_TOO_SMALL") << sum;
      EXPECT_EQ(base::InfoOf(tranches.status()).metadata().at("least"), "0.04");
      continue;
    }
    ASSERT_TRUE(tranches.ok()) << tranches.status();
    base::Money all;
    for (const base::Money tranche : *tranches) {
      EXPECT_GT(tranche, base::Money()) << sum;
      all = *all.Add(tranche);
    }
    EXPECT_EQ(all, tiyn(sum));
  }
  // By other shares another one; the last takes the rest, so it is never nothing.
  const norms::Norms uneven = norms::Edited({{"grants.tranche.1,30.00", "grants.tranche.1,1.00"},
                                             {"grants.tranche.3,30.00", "grants.tranche.3,59.00"}});
  EXPECT_EQ(*LeastGrant(uneven, day), tiyn(100));
  // What is accepted may leave less than that: it is as if nothing were.
  for (const auto& [accepted, failed] :
       {std::pair(7, "COSTS_ACCEPTED"), std::pair(8, "")}) {  // tiyn; half of it
    Application application = MakeApplication(1);
    *application.mutable_accepted_cost() = tiyn(accepted).ToProto();
    const auto decision =
        JudgeExamination({&application, {50, 50, 50}, "SMALL", {"a", "e"}}, norms, day);
    ASSERT_TRUE(decision.ok()) << decision.status();
    EXPECT_EQ(FirstUnsatisfied(*decision), failed) << accepted;
    EXPECT_EQ(cases::Facts::Of(*decision).Get("least_grant").value(), "0.04");
    EXPECT_EQ(ReplayExamination(*decision)->SerializeAsString(), decision->SerializeAsString());
    // As it was decided before that was asked: the same again.
    Decision before = *decision;
    for (auto& finding : *before.mutable_findings()) {
      for (int i = finding.facts_size() - 1; i >= 0; --i) {
        const std::string& name = finding.facts(i).name();
        if (name == "least_grant" || absl::StartsWith(name, "grants.tranche.")) {
          finding.mutable_facts()->DeleteSubrange(i, 1);
        }
      }
      finding.set_satisfied(true);
    }
    EXPECT_EQ(ReplayExamination(before)->SerializeAsString(), before.SerializeAsString());
  }
}

// The least of what is asked for, the share of all costs and the ceiling.
TEST(RulesTest, TheMostThatCouldBeGranted) {
  struct Case {
    const char* size;
    int64_t cost, asked;
    const char* most;
  };
  const norms::Norms norms = NormsToCome();
  for (const Case& c :
       {Case{"SMALL", 1'000'000, 600'000, "500000.00"},
        Case{"MICRO", 1'000'000, 600'000, "500000.00"},
        Case{"MEDIUM", 1'000'000, 600'000, "400000.00"},
        Case{"SMALL", 1'000'000, 499'999, "499999.00"},
        Case{"SMALL", 1'000'000'000, 999'000'000, "216250000.00"},  // 50,000 MCI of 4,325 tenge
        Case{"LARGE", 1'000'000, 600'000, "0.00"}, Case{"", 1'000'000, 600'000, "0.00"}}) {
    Application application = MakeApplication(1);
    *application.mutable_cost_items(0)->mutable_cost() = Tenge(c.cost);
    *application.mutable_requested_sum() = Tenge(c.asked);
    EXPECT_EQ(MostGrantable(application, c.size, norms, Day("2026-06-15"))->ToString(), c.most)
        << c.size << " " << c.cost;
  }
  // The index of a year that is not known yet bounds nothing; the examination will ask for it.
  Application application = MakeApplication(1);
  *application.mutable_cost_items(0)->mutable_cost() = Tenge(2'000'000'000);
  *application.mutable_requested_sum() = Tenge(1'500'000'000);
  EXPECT_EQ(
      MostGrantable(application, "SMALL", *norms::Norms::Default(), Day("2027-06-15"))->ToString(),
      "1000000000.00");
}

TEST(RulesTest, ThePassMarkIsSixtyPercentOfAll) {
  const norms::Norms norms = NormsToCome();
  Application application = MakeApplication(1);
  *application.mutable_accepted_cost() = Tenge(1000);
  const auto passes = [&](std::vector<int64_t> totals) {
    const auto decision = JudgeExamination({&application, std::move(totals), "SMALL", {"a", "e"}},
                                           norms, Day("2026-06-15"));
    return FirstUnsatisfied(*decision).empty();
  };
  EXPECT_TRUE(passes({30, 30, 30}));
  EXPECT_TRUE(passes({50, 40, 0}));
  EXPECT_FALSE(passes({30, 30, 29}));
  EXPECT_FALSE(passes({}));
}

TEST(RulesTest, EveryCriterionOnce) {
  ScoreList scores;
  for (auto it = kCriteria.rbegin(); it != kCriteria.rend(); ++it) {
    scores.Add()->set_criterion(*it);
  }
  const auto ordered = InOrder(scores);
  ASSERT_TRUE(ordered.ok());
  for (size_t i = 0; i < kCriteria.size(); ++i) {
    EXPECT_EQ((*ordered)[static_cast<int>(i)].criterion(), kCriteria[i]);
  }
  scores.Mutable(0)->set_criterion(kCriteria[0]);
  EXPECT_EQ(ReasonOf(InOrder(scores).status()), "SCORES_INCOMPLETE");
  scores.RemoveLast();
  EXPECT_EQ(ReasonOf(InOrder(scores).status()), "SCORES_INCOMPLETE");
}

TEST(RulesTest, CostsAreAcceptedItemByItem) {
  const auto accepted = [](std::vector<std::pair<int64_t, std::string>> items) -> std::string {
    Application application;
    *application.add_cost_items()->mutable_cost() = Tenge(100);
    *application.add_cost_items()->mutable_cost() = Tenge(50);
    v1::CloseExaminationRequest request;
    for (const auto& [sum, remark] : items) {
      auto* item = request.add_items();
      if (sum >= 0) *item->mutable_accepted() = Tenge(sum);
      item->set_remark(remark);
    }
    const auto total = AcceptCosts(request.items(), &application);
    return total.ok() ? total->ToString() : ReasonOf(total.status());
  };
  EXPECT_EQ(accepted({{-1, ""}, {-1, ""}}), "150.00");
  EXPECT_EQ(accepted({{-1, ""}, {20, "дорого"}}), "120.00");
  EXPECT_EQ(accepted({{-1, ""}, {20, ""}}), "COSTS_INCOMPLETE");
  EXPECT_EQ(accepted({{-1, ""}}), "COSTS_INCOMPLETE");
  EXPECT_EQ(accepted({{-1, ""}, {51, ""}}), "ACCEPTED_OVER_COST");
}

// One letter a member, the chair first: F for, A against, R recused, - absent.
TEST(RulesTest, TheCommission) {
  struct Case {
    const char* votes;
    const char* outcome;
    bool passed = true;  // the examination
  };
  const norms::Norms norms = NormsToCome();
  for (const Case& c :
       {Case{"FFFFFFF", "APPROVED"},
        Case{"FFFFF--", "APPROVED"},  // five of seven are two thirds, rounded up
        Case{"FFFF---", "NO_QUORUM"}, Case{"FFRRR--", "APPROVED"},  // who recuses itself is present
        Case{"FFFRA--", "APPROVED"}, Case{"FAFAFAA", "REFUSED"},
        Case{"FAFAR--", "APPROVED"},  // the chair breaks the tie
        Case{"AFAFR--", "REFUSED"},
        // No vote of the chair breaks the tie, and nobody has named a ground of a refusal.
        Case{"RFAFA--", "VOTE_UNDECIDED"}, Case{"-FAFAFA", "VOTE_UNDECIDED"},
        Case{"RRRRR--", "VOTE_UNDECIDED"}, Case{"RRRRRRR", "VOTE_UNDECIDED"},
        Case{"FFFFFFF", "REFUSED", false}, Case{"FFFFFF", "COMMISSION_NOT_FORMED"},
        Case{"FFFFF", "COMMISSION_NOT_FORMED"}}) {
    SCOPED_TRACE(c.votes);
    Application application = MakeApplication(1);
    auto* finding = application.mutable_examination()->add_findings();
    finding->set_rule("PASS_MARK_REACHED");
    finding->set_satisfied(c.passed);
    *application.mutable_accepted_cost() = application.cost_items(0).cost();
    *application.mutable_ceiling() = application.requested_sum();
    Commission commission;
    for (const char* vote = c.votes; *vote != '\0'; ++vote) {
      auto* member = commission.add_members();
      member->set_subject(absl::StrCat("m", commission.members_size()));
      member->set_chair(commission.members_size() == 1);
      member->set_vote(*vote == 'F'   ? Commission::Member::FOR
                       : *vote == 'A' ? Commission::Member::AGAINST
                       : *vote == 'R' ? Commission::Member::RECUSED
                                      : Commission::Member::VOTE_UNSPECIFIED);
      if (*vote == 'A') member->add_grounds(v1::DOCUMENTS_NOT_COMPLIANT);
    }
    const auto decision = DecideAsCommission({&commission, &application, 0, {"commissions/1", "e"}},
                                             norms, Day("2026-06-15"));
    EXPECT_EQ(decision.ok() ? decision->outcome() : ReasonOf(decision.status()), c.outcome);
    if (!decision.ok()) continue;
    EXPECT_EQ(ReplayCommission(*decision)->SerializeAsString(), decision->SerializeAsString());
    const bool refused = decision->outcome() == "REFUSED";
    const bool against = std::string(c.votes).find('A') != std::string::npos;
    EXPECT_EQ(refused, !GroundsOf(*decision).empty()) << "refused on named grounds alone";
    if (refused && against) {
      EXPECT_THAT(GroundsOf(*decision), ::testing::Contains(v1::DOCUMENTS_NOT_COMPLIANT));
    }
    // Where that alone is against it, it waits for the grant that runs.
    const auto second = DecideAsCommission({&commission, &application, 1, {"commissions/1", "e"}},
                                           norms, Day("2026-06-15"));
    EXPECT_EQ(second.ok() ? second->outcome() : ReasonOf(second.status()),
              refused ? "REFUSED" : "GRANT_RUNNING");
  }
}

// As many, with the chair for it; and half of the members: what the norms say decides.
TEST(RulesTest, QuorumAndCastingVoteAreNorms) {
  const auto outcome = [](const char* votes,
                          const std::vector<std::pair<std::string, std::string>>& changes) {
    const norms::Norms norms = norms::Edited(changes);
    Application application = MakeApplication(1);
    application.mutable_examination()->add_findings()->set_satisfied(true);
    *application.mutable_accepted_cost() = application.cost_items(0).cost();
    *application.mutable_ceiling() = application.requested_sum();
    Commission commission;
    for (const char* vote = votes; *vote != '\0'; ++vote) {
      auto* member = commission.add_members();
      member->set_subject(absl::StrCat("m", commission.members_size()));
      member->set_chair(commission.members_size() == 1);
      member->set_vote(*vote == 'F'   ? Commission::Member::FOR
                       : *vote == 'A' ? Commission::Member::AGAINST
                                      : Commission::Member::VOTE_UNSPECIFIED);
      if (*vote == 'A') member->add_grounds(v1::DOCUMENTS_NOT_COMPLIANT);
    }
    const auto decision = DecideAsCommission({&commission, &application, 0, {"commissions/1", "e"}},
                                             norms, Day("2026-06-15"));
    EXPECT_EQ(*CanDecide(commission, application, norms, Day("2026-06-15")), decision.ok());
    if (decision.ok()) {
      EXPECT_TRUE(cases::Facts::Of(*decision).Has("grants.commission.quorum.parts"));
      EXPECT_TRUE(cases::Facts::Of(*decision).Has("grants.commission.chair_casts"));
    }
    return decision.ok() ? decision->outcome() : ReasonOf(decision.status());
  };
  EXPECT_EQ(outcome("FFFF---", {}), "NO_QUORUM");
  EXPECT_EQ(
      outcome("FFFF---", {{"grants.commission.quorum.parts,2", "grants.commission.quorum.parts,1"},
                          {"grants.commission.quorum.of,3", "grants.commission.quorum.of,2"}}),
      "APPROVED");
  EXPECT_EQ(outcome("FAFAFA-", {}), "APPROVED");
  EXPECT_EQ(
      outcome("FAFAFA-", {{"grants.commission.chair_casts,1", "grants.commission.chair_casts,0"}}),
      "VOTE_UNDECIDED");
}

TEST(RulesTest, TranchesAddUpToTheSum) {
  const norms::Norms norms = NormsToCome();
  for (const int64_t tiyn : {4L, 99L, 100L, 101L, 33'333L, 99'999'999'999'999'999L}) {
    const auto tranches = TranchesOf(*Money::FromTiyn(tiyn), norms, Day("2026-06-15"));
    ASSERT_TRUE(tranches.ok());
    ASSERT_EQ(tranches->size(), 3U);
    int64_t sum = 0;
    for (const Money& one : *tranches) sum += one.tiyn();
    EXPECT_EQ(sum, tiyn);
  }
  int64_t whole = 0;
  for (const char* key : {"grants.tranche.1", "grants.tranche.2", "grants.tranche.3"}) {
    whole += norms.Percent(key, Day("2026-06-15"))->hundredths();
  }
  EXPECT_EQ(whole, 10'000);
}

TEST(RulesTest, YearsAndHalfYears) {
  EXPECT_EQ(AddYears(Day("2027-12-31"), 3), Day("2030-12-31"));
  EXPECT_EQ(AddYears(Day("2028-02-29"), 3), Day("2031-02-28"));
  EXPECT_EQ(AddYears(Day("2028-02-29"), 4), Day("2032-02-29"));
  const HalfYear first = HalfYear::Containing(Day("2027-06-30"));
  EXPECT_EQ(first, (HalfYear{2027, 1}));
  EXPECT_EQ(first.Next(), (HalfYear{2027, 2}));
  EXPECT_EQ(first.Next().Next(), (HalfYear{2028, 1}));
  EXPECT_EQ(first.last_day(), Day("2027-06-30"));
  EXPECT_EQ(first.Next().last_day(), Day("2027-12-31"));
  // A recipient may name the last half-year that there is.
  const HalfYear last{2199, 2};
  EXPECT_EQ(last.last_day(), Day("2199-12-31"));
  EXPECT_EQ(last.Next().first_day(), Day("2199-12-31"));
  EXPECT_EQ((HalfYear{1990, 1}).first_day(), Day("1990-01-01"));
}

TEST(RulesTest, WhatIsPaid) {
  const norms::Norms norms = NormsToCome();
  const auto judged = [&norms](int signatures, v1::Tranche::State state, v1::Tranche::State before,
                               cases::Notice::Verdict verdict) {
    Agreement agreement;
    for (int i = 0; i < signatures; ++i) agreement.add_signatures();
    for (const auto& [number, of] : {std::pair(1, before), std::pair(2, state)}) {
      auto* tranche = agreement.add_tranches();
      tranche->set_number(number);
      tranche->set_state(of);
    }
    cases::Notice notice;
    notice.set_verdict(verdict);
    const auto decision = JudgePayment({&agreement, 2, &notice, {"agreements/1", "e"}}, norms);
    EXPECT_EQ(decision->norms_edition(), norms.edition());
    EXPECT_EQ(ReplayPayment(*decision)->SerializeAsString(), decision->SerializeAsString());
    return FirstUnsatisfied(*decision);
  };
  using T = v1::Tranche;
  EXPECT_EQ(judged(2, T::PROVEN, T::PAID, cases::Notice::PASSED), "");
  EXPECT_EQ(judged(1, T::PROVEN, T::PAID, cases::Notice::PASSED), "SIGNED_BY_BOTH");
  EXPECT_EQ(judged(2, T::PROOF_FILED, T::PAID, cases::Notice::PASSED), "CONDITION_PROVEN");
  EXPECT_EQ(judged(2, T::PROVEN, T::PROVEN, cases::Notice::PASSED), "IN_ORDER");
  EXPECT_EQ(judged(2, T::PROVEN, T::PAID, cases::Notice::FAILED), "GATE_PASSED");
}

// A demand rests on what its assessment was found by, and is as sure as that.
TEST(RulesTest, ADemandIsAsSureAsTheToleranceThatItGoesBy) {
  for (const auto& [first, second] :
       {std::pair("ASSUMPTION", "BY_LAW"), std::pair("BY_LAW", "ASSUMPTION")}) {
    const norms::Norms norms = norms::Edited(
        {{",ASSUMPTION", ",BY_LAW"},
         {"obligations.tolerance,100,PERCENT,2022-01-01,,",
          absl::StrCat("obligations.tolerance,100,PERCENT,2022-01-01,2031-01-31,Order,", first,
                       "\nobligations.tolerance,90,PERCENT,2031-02-01,2031-12-31,Order,", second,
                       "\nobligations.tolerance,90,PERCENT,2032-01-01,,")}});
    cases::Obligations obligations;
    *obligations.Add() = MakeObligation();
    Evidence evidence;
    *evidence.documents.Add() = MakeDocument();
    v1::Payment payment;
    payment.set_name("agreements/1/payments/1");
    *payment.mutable_amount() = Tenge(1'000);
    *payment.mutable_pay_date() = Day("2026-06-15").ToProto();
    const auto assessed = JudgeObligations(obligations, {"95"}, evidence, {payment}, norms,
                                           Day("2031-01-10"), {"agreements/1", "a1"});
    ASSERT_TRUE(assessed.ok()) << assessed.status();
    const auto demanded = JudgeDemand(obligations, assessed->decision, {payment}, norms,
                                      Day("2031-02-10"), {"agreements/1", "a2"});
    ASSERT_TRUE(demanded.ok()) << demanded.status();
    EXPECT_EQ(demanded->decision.outcome(), "RETURN");
    EXPECT_EQ(demanded->decision.rests_on_assumption(), first == std::string("ASSUMPTION"));
    EXPECT_EQ(ReplayObligations(demanded->decision)->SerializeAsString(),
              demanded->decision.SerializeAsString());
  }
}

TEST(RulesTest, ExcusesAndAdmissions) {
  const norms::Norms norms = NormsToCome();
  Documents one;
  *one.Add() = MakeDocument();
  EXPECT_EQ(JudgeExcuse(true, one, "Паводок", norms, {"a", "e"})->outcome(), "EXCUSED");
  EXPECT_EQ(JudgeExcuse(true, one, "x", norms, {"a", "e"})->norms_edition(), norms.edition());
  EXPECT_EQ(JudgeAdmission(0, norms, {"a", "e"})->norms_edition(), norms.edition());
  EXPECT_EQ(FirstUnsatisfied(*JudgeExcuse(false, one, "x", norms, {"a", "e"})), "BEYOND_CONTROL");
  EXPECT_EQ(FirstUnsatisfied(*JudgeExcuse(true, {}, "x", norms, {"a", "e"})), "DOCUMENTED");
  EXPECT_EQ(JudgeAdmission(0, norms, {"a", "e"})->outcome(), "ADMITTED");
  EXPECT_EQ(JudgeAdmission(1, norms, {"a", "e"})->outcome(), "FORBIDDEN");
  EXPECT_EQ(ReplayAdmission(*JudgeAdmission(1, norms, {"a", "e"}))->outcome(), "FORBIDDEN");
}

}  // namespace
}  // namespace nisi::grants
