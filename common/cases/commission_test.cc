#include "common/cases/commission.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/norms/norm_keys.h"

namespace nisi::cases {
namespace {

using decision::v1::Decision;

const VoteNorms& By() {
  static const auto* const kBy = new VoteNorms("test.commission");
  return *kBy;
}

base::LegalBasis Rules() {
  return base::Law("Art. 42(3)", "It is examined.");
}

// Members from 3 on; the rest as told, each from a day on.
absl::StatusOr<norms::Norms> NormsOf(
    const std::vector<std::pair<std::string, std::string>>& values) {
  std::vector<norms::NormFile> files = norms::Norms::DefaultFiles();
  std::string text =
      "key,value,unit,in_force_from,in_force_to,source,certainty\n"
      "test.commission.members_min,3,COUNT,2026-01-01,,rules,ASSUMPTION\n";
  for (const auto& [key, value] : values) {
    absl::StrAppend(&text, "test.commission.", key, ",", value,
                    ",COUNT,2026-01-01,,rules,BY_LAW\n");
  }
  files.push_back({"test.csv", text});
  return norms::Norms::LoadText(files, {{By().members_min, norms::Unit::kCount},
                                        {By().quorum_parts, norms::Unit::kCount},
                                        {By().quorum_of, norms::Unit::kCount},
                                        {By().chair_casts, norms::Unit::kCount}});
}
absl::StatusOr<norms::Norms> NormsOf(int parts, int of, int casts) {
  return NormsOf({{"quorum.parts", absl::StrCat(parts)},
                  {"quorum.of", absl::StrCat(of)},
                  {"chair_casts", absl::StrCat(casts)}});
}

const base::Date kDay = *base::Date::Of(2026, 6, 15);

// The first finding that is not satisfied; "CARRIED" is of all.
std::string Vote(const VoteCount& count, const norms::Norms& norms) {
  Facts facts;
  SetVotes(count, "commissions/1", "e", &facts);
  EXPECT_EQ(By().SetFacts(norms, kDay, &facts), absl::OkStatus());
  Decision decision;
  EXPECT_EQ(FindVote(facts, By(), Rules(), Rules(), &decision), absl::OkStatus());
  EXPECT_EQ(*By().HasQuorum(count, norms, kDay), decision.findings(1).satisfied());
  for (const auto& finding : decision.findings()) {
    if (!finding.satisfied()) return finding.rule();
  }
  return "";
}

TEST(CommissionTest, TheQuorumIsTheNorms) {
  struct Case {
    int parts, of;
    int64_t members, present;
    bool quorum;
  };
  for (const Case& c : {Case{2, 3, 7, 5, true}, Case{2, 3, 7, 4, false}, Case{2, 3, 3, 2, true},
                        Case{2, 3, 9, 6, true}, Case{2, 3, 9, 5, false}, Case{1, 2, 7, 4, true},
                        Case{1, 2, 7, 3, false}, Case{3, 4, 7, 6, true}, Case{3, 4, 7, 5, false},
                        Case{1, 1, 7, 7, true}, Case{1, 1, 7, 6, false}}) {
    const auto norms = NormsOf(c.parts, c.of, 1);
    ASSERT_TRUE(norms.ok()) << norms.status();
    EXPECT_EQ(By().Check(*norms), absl::OkStatus());
    const VoteCount count{c.members, c.present, c.present, 0, 1, true, 0};
    EXPECT_EQ(Vote(count, *norms), c.quorum ? "" : "QUORUM")
        << c.parts << "/" << c.of << " " << c.present << " of " << c.members;
  }
}

TEST(CommissionTest, TheChairBreaksATieWhereTheNormSaysSo) {
  for (const int casts : {0, 1}) {
    const auto norms = NormsOf(2, 3, casts);
    ASSERT_TRUE(norms.ok()) << norms.status();
    EXPECT_EQ(*By().ChairCasts(*norms, kDay), casts == 1);
    EXPECT_EQ(Vote({5, 4, 2, 2, 1, true, 0}, *norms), casts == 1 ? "" : "CARRIED");
    EXPECT_EQ(Vote({5, 4, 2, 2, 1, false, 0}, *norms), "CARRIED");
    EXPECT_EQ(Vote({5, 5, 3, 2, 1, false, 0}, *norms), "");
    EXPECT_EQ(Vote({5, 5, 3, 2, 1, false, 1}, *norms), "NO_CONFLICTED_VOTE");
    EXPECT_EQ(Vote({5, 5, 3, 2, 2, false, 0}, *norms), "COMMISSION_FORMED");
    EXPECT_EQ(Vote({4, 4, 3, 1, 1, true, 0}, *norms), "COMMISSION_FORMED");
  }
}

TEST(CommissionTest, ADecisionShowsTheNormsAndWithoutThemIsNotReplayed) {
  const auto norms = NormsOf(2, 3, 1);
  Facts facts;
  SetVotes({5, 4, 3, 1, 1, true, 0}, "commissions/1", "e", &facts);
  ASSERT_EQ(By().SetFacts(*norms, kDay, &facts), absl::OkStatus());
  EXPECT_TRUE(facts.rests_on_assumption()) << "the fewest members are one";
  Decision decision;
  ASSERT_EQ(FindVote(facts, By(), Rules(), Rules(), &decision), absl::OkStatus());
  const Facts shown = Facts::Of(decision);
  EXPECT_EQ(*shown.Number(By().quorum_parts), 2);
  EXPECT_EQ(*shown.Number(By().quorum_of), 3);
  EXPECT_EQ(*shown.Number(By().chair_casts), 1);
  Facts without;
  SetVotes({5, 4, 3, 1, 1, true, 0}, "commissions/1", "e", &without);
  ASSERT_EQ(without.SetNorm(*norms, By().members_min, kDay), absl::OkStatus());
  EXPECT_EQ(base::ReasonOf(FindVote(without, By(), Rules(), Rules(), &decision)), "FACT_MISSING");
}

TEST(CommissionTest, NormsThatNobodyCouldVoteByAreFoundAtTheStart) {
  const auto checked = [](int parts, int of, int casts) {
    const auto norms = NormsOf(parts, of, casts);
    EXPECT_TRUE(norms.ok()) << norms.status();
    const absl::Status status = By().Check(*norms);
    return status.ok() ? std::string() : base::InfoOf(status).metadata().at("norm");
  };
  EXPECT_EQ(checked(2, 3, 1), "");
  EXPECT_EQ(checked(3, 3, 0), "");
  EXPECT_EQ(checked(0, 3, 1), By().quorum_parts);
  EXPECT_EQ(checked(4, 3, 1), By().quorum_of);
  EXPECT_EQ(checked(2, 3, 2), By().chair_casts);
  EXPECT_EQ(VoteNorms("grants.commission").Check(*norms::Norms::Default()), absl::OkStatus());
  EXPECT_EQ(VoteNorms("clusters.commission").Check(*norms::Norms::Default()), absl::OkStatus());
}

}  // namespace
}  // namespace nisi::cases
