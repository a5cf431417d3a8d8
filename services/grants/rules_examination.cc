// Scores on the criteria of Art. 25(4), accepted costs, and the most that may be granted (Art.
// 42(2)-(3)).
#include <algorithm>
#include <iterator>
#include <optional>

#include "absl/numeric/int128.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "common/cases/costs.h"
#include "common/cases/findings.h"
#include "common/cases/refusals.h"
#include "services/grants/errors.h"
#include "services/grants/rules.h"

namespace nisi::grants {
namespace {

using base::Money;
using cases::AddFinding;
using cases::Facts;

constexpr char kTotals[] = "totals_of_experts";
constexpr char kPassShare[] = "grants.pass_share";
constexpr char kAcceptedCost[] = "accepted_cost";
constexpr char kAskedFor[] = "requested_sum";
constexpr char kSizeFound[] = "size";
constexpr char kShareOfSize[] = "share_bp";
constexpr char kMci[] = "mci";
constexpr char kCeilingMci[] = "grants.ceiling_mci";
// The shares of all tranches but the last: decisions made before they were asked do not have them.
constexpr const char* kTrancheParts[] = {"grants.tranche.1", "grants.tranche.2"};
constexpr char kLeastGrant[] = "least_grant";
constexpr int64_t kMostPoints = 10 * static_cast<int64_t>(kCriteria.size());  // of one expert
constexpr int64_t kWhole = 10'000;  // hundredths of percent

absl::StatusOr<std::vector<int64_t>> NumbersIn(const Facts& facts, const std::string& name) {
  ASSIGN_OR_RETURN(const std::string text, facts.Text(name));
  std::vector<int64_t> numbers;
  for (const absl::string_view part : absl::StrSplit(text, ',', absl::SkipEmpty())) {
    int64_t number = 0;
    if (!absl::SimpleAtoi(part, &number)) return base::StoreCorrupt(absl::StrCat("fact ", name));
    numbers.push_back(number);
  }
  return numbers;
}

// A share of a sum, down to the tiyn.
absl::StatusOr<Money> ShareOfCost(Money sum, int64_t share_bp) {
  const absl::int128 part = absl::int128(sum.tiyn()) * share_bp / kWhole;
  return Money::FromTiyn(static_cast<int64_t>(part));
}

absl::StatusOr<Money> TimesMci(Money mci, int64_t times) {
  const absl::int128 sum = absl::int128(mci.tiyn()) * times;
  return Money::FromTiyn(static_cast<int64_t>(std::min(sum, absl::int128(Money::kMaxTiyn))));
}

absl::StatusOr<Money> CeilingOf(const Facts& facts) {
  ASSIGN_OR_RETURN(const Money accepted, facts.Money(kAcceptedCost));
  ASSIGN_OR_RETURN(const Money asked, facts.Money(kAskedFor));
  ASSIGN_OR_RETURN(const int64_t share, facts.Number(kShareOfSize));
  ASSIGN_OR_RETURN(const Money by_share, ShareOfCost(accepted, share));
  ASSIGN_OR_RETURN(const Money mci, facts.Money(kMci));
  ASSIGN_OR_RETURN(const int64_t times, facts.Number(kCeilingMci));
  ASSIGN_OR_RETURN(const Money most, TimesMci(mci, times));
  return std::min({asked, by_share, most});
}

// A small enterprise is one of the micro size as well.
const char* ShareNormOf(const std::string& size) {
  return size == "MEDIUM" ? "grants.share.medium" : "grants.share.small";
}

// The least that could be granted by the shares among the facts; absent where there are none.
absl::StatusOr<std::optional<Money>> LeastIn(const Facts& facts) {
  std::vector<base::Percent> shares;
  for (const char* part : kTrancheParts) {
    if (!facts.Has(part)) continue;
    ASSIGN_OR_RETURN(const std::string text, facts.Text(part));
    const auto share = base::Percent::Parse(text);
    if (!share.ok()) return base::StoreCorrupt(absl::StrCat("fact ", part));
    shares.push_back(*share);
  }
  if (shares.empty()) return std::nullopt;
  ASSIGN_OR_RETURN(const Money least, LeastGrantBy(shares));
  return least;
}

absl::StatusOr<Decision> DecideExamination(const Facts& facts) {
  Decision decision;
  ASSIGN_OR_RETURN(const std::vector<int64_t> totals, NumbersIn(facts, kTotals));
  ASSIGN_OR_RETURN(const std::string pass_text, facts.Text(kPassShare));
  const auto pass = base::Percent::Parse(pass_text);
  if (!pass.ok()) return base::StoreCorrupt("fact grants.pass_share");
  int64_t points = 0;
  for (const int64_t total : totals) points += total;
  const int64_t most = kMostPoints * static_cast<int64_t>(totals.size());
  AddFinding(&decision, "PASS_MARK_REACHED",
             !totals.empty() && points * kWhole >= most * pass->hundredths(), errors::Criteria(),
             facts, {kTotals, kPassShare});
  ASSIGN_OR_RETURN(const Money ceiling, CeilingOf(facts));
  ASSIGN_OR_RETURN(const std::optional<Money> least, LeastIn(facts));
  std::vector<std::string> names{kAcceptedCost, kAskedFor, kSizeFound,
                                 kShareOfSize,  kMci,      kCeilingMci};
  if (least.has_value()) names.insert(names.end(), kTrancheParts, std::end(kTrancheParts));
  AddFinding(&decision, "COSTS_ACCEPTED", !ceiling.is_zero() && ceiling >= least.value_or(Money()),
             errors::CoFinancing(), facts, names);
  // A grant of less could not be paid in its tranches: so much it must be.
  if (least.has_value()) cases::TellComputed(&decision, kLeastGrant, least->ToString());
  decision.set_outcome(ceiling.ToString());
  return decision;
}

}  // namespace

absl::StatusOr<ScoreList> InOrder(const ScoreList& scores) {
  ScoreList ordered;
  for (const v1::Criterion criterion : kCriteria) {
    const auto is = [criterion](const v1::CriterionScore& one) {
      return one.criterion() == criterion;
    };
    if (std::count_if(scores.begin(), scores.end(), is) != 1) return errors::ScoresIncomplete();
    *ordered.Add() = *std::find_if(scores.begin(), scores.end(), is);
  }
  if (ordered.size() != scores.size()) return errors::ScoresIncomplete();
  return ordered;
}

absl::StatusOr<Money> AcceptCosts(
    const google::protobuf::RepeatedPtrField<v1::CloseExaminationRequest::Item>& items,
    Application* application) {
  return cases::AcceptCosts(items, errors::CoFinancing(), application->mutable_cost_items());
}

absl::StatusOr<Money> MostGrantable(const Application& application, const std::string& size,
                                    const norms::Norms& norms, base::Date day) {
  if (!IsSmallOrMedium(size)) return Money();
  ASSIGN_OR_RETURN(Money most, Money::FromProto(application.requested_sum()));
  ASSIGN_OR_RETURN(const Money cost, CostOf(application));
  ASSIGN_OR_RETURN(const base::Percent share, norms.Percent(ShareNormOf(size), day));
  ASSIGN_OR_RETURN(const Money by_share, ShareOfCost(cost, share.hundredths()));
  most = std::min(most, by_share);
  const auto mci = norms.Tenge(kMci, day);
  if (!mci.ok()) return most;  // not known yet: the examination waits for it, the gate need not
  ASSIGN_OR_RETURN(const int64_t times, norms.Int(kCeilingMci, day));
  ASSIGN_OR_RETURN(const Money ceiling, TimesMci(*mci, times));
  return std::min(most, ceiling);
}

absl::Status CheckAskedFor(const Application& application, const norms::Norms& norms,
                           base::Date day) {
  ASSIGN_OR_RETURN(const Money asked, Money::FromProto(application.requested_sum()));
  ASSIGN_OR_RETURN(const Money least, LeastGrant(norms, day));
  return asked < least ? errors::GrantTooSmall("application.requested_sum", least)
                       : absl::OkStatus();
}

absl::StatusOr<Decision> JudgeExamination(const Examined& examined, const norms::Norms& norms,
                                          base::Date day) {
  const Application& application = *examined.application;
  Facts facts;
  const auto set = [&](const char* name, const std::string& value) {
    facts.Set(name, value, examined.source.name, examined.source.etag);
  };
  set(kTotals, absl::StrJoin(examined.totals, ","));
  ASSIGN_OR_RETURN(const Money accepted, Money::FromProto(application.accepted_cost()));
  ASSIGN_OR_RETURN(const Money asked, Money::FromProto(application.requested_sum()));
  set(kAcceptedCost, accepted.ToString());
  set(kAskedFor, asked.ToString());
  set(kSizeFound, examined.size);
  RETURN_IF_ERROR(facts.SetNorm(norms, kPassShare, day));
  RETURN_IF_ERROR(facts.SetNorm(norms, kMci, day));
  RETURN_IF_ERROR(facts.SetNorm(norms, kCeilingMci, day));
  for (const char* part : kTrancheParts) RETURN_IF_ERROR(facts.SetNorm(norms, part, day));
  const std::string key = ShareNormOf(examined.size);
  ASSIGN_OR_RETURN(const norms::Norm norm, norms.Get(key, day));
  ASSIGN_OR_RETURN(const base::Percent share, norms.Percent(key, day));
  facts.Set(kShareOfSize, absl::StrCat(share.hundredths()),
            absl::StrCat(std::string(norms::Name(norm.certainty)), ": ", key, ": ", norm.source));
  ASSIGN_OR_RETURN(Decision decision, DecideExamination(facts));
  decision.set_norms_edition(norms.edition());
  decision.set_rests_on_assumption(facts.rests_on_assumption() ||
                                   norm.certainty == norms::Certainty::kAssumption);
  return decision;
}

absl::StatusOr<Decision> ReplayExamination(const Decision& stored) {
  return cases::Replay(stored, DecideExamination);
}

}  // namespace nisi::grants
