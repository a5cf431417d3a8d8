#include "common/cases/findings.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"

namespace nisi::cases {
namespace {

using decision::v1::Decision;

base::LegalBasis Law() {
  return base::Law("Art. 26(2)", "Goods are assessed.");
}

// Approved when the score reaches the norm and the sum is none.
absl::StatusOr<Decision> Judge(const Facts& facts) {
  Decision decision;
  ASSIGN_OR_RETURN(const int64_t score, facts.Number("score"));
  ASSIGN_OR_RETURN(const int64_t needed, facts.Number("priority_goods.level.medium_from"));
  AddFinding(&decision, "SCORE_REACHED", score >= needed, Law(), facts,
             {"score", "priority_goods.level.medium_from"});
  ASSIGN_OR_RETURN(const base::Money sum, facts.Money("sum"));
  ASSIGN_OR_RETURN(const base::Date day, facts.Date("day"));
  AddFinding(&decision, "NOTHING_OWED", sum.is_zero() && day >= base::Date::Min(), Law(), facts,
             {"sum", "day"});
  decision.set_outcome(AllSatisfied(decision) ? "APPROVED" : "REFUSED");
  return decision;
}

Facts FactsWith(const std::string& score, const std::string& sum) {
  Facts facts;
  const auto norms = norms::Norms::Default();
  const base::Date day = *base::Date::Parse("2026-06-15");
  EXPECT_TRUE(facts.SetNorm(*norms, "priority_goods.level.medium_from", day).ok());
  facts.Set("score", score, "assessments/7", "0000000a");
  facts.Set("sum", sum, "request");
  facts.Set("day", day.ToString(), "clock");
  return facts;
}

TEST(FactsTest, KeepWhereTheyAreFrom) {
  const Facts facts = FactsWith("41", "0");
  EXPECT_EQ(facts.Get("score").source(), "assessments/7");
  EXPECT_EQ(facts.Get("score").version(), "0000000a");
  EXPECT_EQ(facts.Get("sum").version(), "");
  EXPECT_EQ(facts.Get("priority_goods.level.medium_from").value(), "40");
  EXPECT_EQ(facts.Get("priority_goods.level.medium_from").source().rfind("ASSUMPTION: ", 0), 0u);
  EXPECT_TRUE(facts.rests_on_assumption());
}

TEST(FactsTest, ANormThatIsNoneOfItsDayIsRefused) {
  Facts facts;
  const auto norms = norms::Norms::Default();
  EXPECT_EQ(base::ReasonOf(facts.SetNorm(*norms, "mci", *base::Date::Parse("2018-01-01"))),
            "NORM_NOT_IN_FORCE");
  EXPECT_FALSE(facts.rests_on_assumption());
  ASSERT_TRUE(facts.SetNorm(*norms, "base_rate", *base::Date::Parse("2026-09-07")).ok());
  EXPECT_EQ(facts.Get("base_rate").value(), "16.25");
  EXPECT_EQ(facts.Money("base_rate")->ToString(), "16.25");
}

TEST(FactsTest, OneThatIsMissingOrDoesNotReadIsTold) {
  const Facts facts = FactsWith("many", "1.005");
  EXPECT_EQ(base::ReasonOf(facts.Text("nothing").status()), "FACT_MISSING");
  EXPECT_EQ(base::InfoOf(facts.Number("nothing").status()).metadata().at("fact"), "nothing");
  EXPECT_EQ(facts.Number("score").status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(facts.Money("sum").status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(facts.Date("sum").status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(*facts.Text("score"), "many");
}

TEST(FindingsTest, AllMustBeSatisfied) {
  EXPECT_EQ(Judge(FactsWith("40", "0"))->outcome(), "APPROVED");
  EXPECT_EQ(Judge(FactsWith("39", "0"))->outcome(), "REFUSED");
  EXPECT_EQ(Judge(FactsWith("40", "0.01"))->outcome(), "REFUSED");
  const auto decision = Judge(FactsWith("40", "0"));
  ASSERT_EQ(decision->findings_size(), 2);
  EXPECT_EQ(decision->findings(0).legal_basis().article(), "Art. 26(2)");
  EXPECT_EQ(decision->findings(1).facts(1).name(), "day");
}

// What a rule shows without asking for its value, and what it computed.
TEST(ReplayTest, AFactThatIsOnlyShownIsMissedToo) {
  const auto judge = [](const Facts& facts) -> absl::StatusOr<Decision> {
    Decision decision;
    AddFinding(&decision, "SHOWN", true, Law(), facts, {"score", "sum"});
    TellComputed(&decision, "twice", absl::StrCat(facts.Get("score").value(), "0"));
    return decision;
  };
  const Decision stored = *judge(FactsWith("4", "0"));
  EXPECT_EQ(stored.findings(0).facts(2).source(), "computed");
  EXPECT_EQ(Replay(stored, judge)->SerializeAsString(), stored.SerializeAsString());
  for (const int gone : {0, 1, 2}) {
    Decision lacking = stored;
    auto* facts = lacking.mutable_findings(0)->mutable_facts();
    const std::string name = facts->Get(gone).name();
    facts->DeleteSubrange(gone, 1);
    const absl::Status missing = Replay(lacking, judge).status();
    EXPECT_EQ(base::ReasonOf(missing), "FACT_MISSING") << name;
    EXPECT_EQ(base::InfoOf(missing).metadata().at("fact"), name);
  }
  Decision another = stored;
  another.mutable_findings(0)->mutable_facts(2)->set_value("41");
  EXPECT_NE(Replay(another, judge)->SerializeAsString(), another.SerializeAsString());
}

TEST(FindingsTest, WhatWasNotLookedAtIsNotSatisfied) {
  Decision decision;
  AddFinding(&decision, "SHOWN", true, Law(), FactsWith("4", "0"), {"score", "nobody set it"});
  EXPECT_FALSE(AllSatisfied(decision));
  EXPECT_EQ(decision.findings(0).facts(1).source(), "missing");
  EXPECT_EQ(Facts().Get("nobody set it").name(), "");
}

TEST(ReplayTest, IsTheSameFunctionOfWhatWasStored) {
  auto stored = Judge(FactsWith("40", "0"));
  ASSERT_TRUE(stored.ok());
  stored->set_norms_edition("0123456789abcdef");
  stored->set_rests_on_assumption(true);
  stored->mutable_decide_time()->set_seconds(7);
  const auto replayed = Replay(*stored, Judge);
  ASSERT_TRUE(replayed.ok());
  EXPECT_EQ(replayed->SerializeAsString(), stored->SerializeAsString());
  EXPECT_TRUE(Facts::Of(*stored).rests_on_assumption());

  Decision changed = *stored;
  changed.mutable_findings(0)->mutable_facts(0)->set_value("39");
  EXPECT_EQ(Replay(changed, Judge)->outcome(), "REFUSED");
  changed.mutable_findings(1)->clear_facts();
  EXPECT_EQ(base::ReasonOf(Replay(changed, Judge).status()), "FACT_MISSING");
}

}  // namespace
}  // namespace nisi::cases
