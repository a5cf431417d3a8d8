#include "services/priority_goods/rules.h"

#include <algorithm>
#include <array>
#include <iterator>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/base/roles.h"
#include "common/cases/findings.h"
#include "common/cases/refusals.h"
#include "services/priority_goods/errors.h"

namespace nisi::priority_goods {
namespace {

using cases::Facts;
using decision::v1::Decision;

struct Criterion {
  const char* name;
  const char* norm;
};
// The criteria of Art. 26(2), in its order.
constexpr std::array<Criterion, 3> kCriteria{{
    {"technological_complexity", "priority_goods.points.technological_complexity_max"},
    {"export_potential", "priority_goods.points.export_potential_max"},
    {"domestic_potential", "priority_goods.points.domestic_potential_max"},
}};
constexpr char kHighFrom[] = "priority_goods.level.high_from";
constexpr char kMediumFrom[] = "priority_goods.level.medium_from";
constexpr char kPoints[] = "points";

// Among the facts of an approval.
constexpr char kDecidedBy[] = "decided_by";
// Of an entry whose code is assessed: its level and code follow, the value is the assessed level. A
// list has thousands of them, so the fact is one and not two.
constexpr char kEntryLevel[] = "entry_level.";

constexpr uint32_t kInstitute = base::RoleBit(rpc::v1::INSTITUTE_INDUSTRY);
constexpr uint32_t kAuthority = base::RoleBit(rpc::v1::AUTHORITY_INDUSTRY);

int64_t Score(const Assessment& assessment, size_t criterion) {
  switch (criterion) {
    case 0:
      return assessment.technological_complexity();
    case 1:
      return assessment.export_potential();
    default:
      return assessment.domestic_potential();
  }
}

absl::StatusOr<Decision> DecideLevel(Facts facts) {
  Decision decision;
  int64_t points = 0;
  for (const Criterion& criterion : kCriteria) {
    ASSIGN_OR_RETURN(const int64_t score, facts.Number(criterion.name));
    ASSIGN_OR_RETURN(const int64_t maximum, facts.Number(criterion.norm));
    cases::AddFinding(&decision, absl::StrCat("SCORE_WITHIN_NORM:", criterion.name),
                      score <= maximum, errors::Criteria(), facts,
                      {criterion.name, criterion.norm});
    points += score;
  }
  ASSIGN_OR_RETURN(const int64_t medium_from, facts.Number(kMediumFrom));
  ASSIGN_OR_RETURN(const int64_t high_from, facts.Number(kHighFrom));
  const ProcessingLevel level = points >= high_from     ? v1::HIGH
                                : points >= medium_from ? v1::MEDIUM
                                                        : v1::LOW;
  facts.Set(kPoints, absl::StrCat(points), "sum of the scores");
  cases::AddFinding(&decision, "ENTRY_LEVEL_MEDIUM_OR_HIGH", level != v1::LOW,
                    errors::ListOfPriorityGoods(), facts, {kPoints, kMediumFrom, kHighFrom});
  decision.set_outcome(v1::ProcessingLevel_Name(level));
  return decision;
}

absl::StatusOr<Decision> DecideApproval(const Facts& facts) {
  Decision decision;
  RETURN_IF_ERROR(cases::FindApproval(facts, kDecidedBy, errors::Approval(),
                                      errors::ListOfPriorityGoods(), &decision));
  // Decisions from before the levels were compared, and of lists without assessed goods, have none.
  const std::vector<std::string> levels = facts.NamesUnder(kEntryLevel);
  if (!levels.empty()) {
    bool as_assessed = true;
    for (const std::string& name : levels) {
      ASSIGN_OR_RETURN(const std::string assessed, facts.Text(name));
      as_assessed &= absl::StartsWith(name, absl::StrCat(kEntryLevel, assessed, "."));
    }
    cases::AddFinding(&decision, "LEVELS_AS_ASSESSED", as_assessed, errors::LevelOfAGood(), facts,
                      levels);
  }
  decision.set_outcome(cases::AllSatisfied(decision) ? "APPROVED" : "REFUSED");
  return decision;
}

}  // namespace

absl::StatusOr<Decision> Assess(const Assessment& assessment, const norms::Norms& norms,
                                base::Date date) {
  Facts facts;
  for (size_t i = 0; i < kCriteria.size(); ++i) {
    RETURN_IF_ERROR(facts.SetNorm(norms, kCriteria[i].norm, date));
    ASSIGN_OR_RETURN(const int64_t maximum, facts.Number(kCriteria[i].norm));
    const int64_t score = Score(assessment, i);
    if (score > maximum) return errors::ScoreOverNorm(kCriteria[i].name, maximum);
    facts.Set(kCriteria[i].name, absl::StrCat(score), assessment.name(), assessment.etag());
  }
  RETURN_IF_ERROR(facts.SetNorm(norms, kMediumFrom, date));
  RETURN_IF_ERROR(facts.SetNorm(norms, kHighFrom, date));
  ASSIGN_OR_RETURN(Decision decision, DecideLevel(facts));
  decision.set_norms_edition(norms.edition());
  decision.set_rests_on_assumption(facts.rests_on_assumption());
  return decision;
}

absl::StatusOr<Decision> ReplayAssessment(const Decision& stored) {
  return cases::Replay(stored, DecideLevel);
}

absl::StatusOr<Decision> ReplayApproval(const Decision& stored) {
  return cases::Replay(stored, DecideApproval);
}

absl::Status CheckLevel(ProcessingLevel level) {
  return level == v1::MEDIUM || level == v1::HIGH ? absl::OkStatus() : errors::LevelTooLow();
}

absl::Status CheckAssessed(const std::vector<AssessedLevel>& levels) {
  std::vector<AssessedLevel> others;
  std::copy_if(levels.begin(), levels.end(), std::back_inserter(others),
               [](const AssessedLevel& level) { return level.entry != level.assessed; });
  return others.empty() ? absl::OkStatus() : errors::LevelNotAssessed(others);
}

const base::Machine<Edition::State, Verb>& EditionMachine() {
  using base::Duty;
  static const auto* const kMachine = new base::Machine<Edition::State, Verb>(
      "EDITION", Edition::State_descriptor(),
      // Editing and submitting belong to preparing the list; what becomes of an edition after that,
      // to approving.
      {{"edit", errors::Drafting, "EDITION_FROZEN"},
       {"submit", errors::Drafting},
       {"return", errors::Approval},
       {"approve", errors::Approval},
       {"take effect", errors::Approval},
       {"supersede", errors::Approval},
       {"withdraw", errors::Approval}},
      {{{Edition::DRAFT, Edition::RETURNED},
        Verb::kEdit,
        base::kSame,
        kInstitute,
        errors::Drafting,
        {.duty = Duty::kPrepares}},
       {{Edition::DRAFT, Edition::RETURNED},
        Verb::kSubmit,
        Edition::SUBMITTED,
        kInstitute,
        errors::Drafting,
        {.duty = Duty::kPrepares}},
       {{Edition::SUBMITTED},
        Verb::kReturn,
        Edition::RETURNED,
        kAuthority,
        errors::Approval,
        {.duty = Duty::kDecides}},
       {{Edition::SUBMITTED},
        Verb::kApprove,
        Edition::APPROVED,
        kAuthority,
        errors::Approval,
        {.duty = Duty::kDecides}},
       {{Edition::APPROVED},
        Verb::kTakeEffect,
        Edition::IN_FORCE,
        base::kByItself,
        errors::ListOfPriorityGoods},
       {{Edition::IN_FORCE},
        Verb::kSupersede,
        Edition::SUPERSEDED,
        base::kByItself,
        errors::ListOfPriorityGoods},
       // Giving a proposal up belongs to preparing it; taking back what lies before the authority
       // or was approved, to approving it. Nobody who prepared it undoes an approval.
       {{Edition::DRAFT, Edition::RETURNED},
        Verb::kWithdraw,
        Edition::WITHDRAWN,
        kInstitute | kAuthority,
        errors::Drafting},
       {{Edition::SUBMITTED}, Verb::kWithdraw, Edition::WITHDRAWN, kAuthority, errors::Approval},
       {{Edition::APPROVED},
        Verb::kWithdraw,
        Edition::WITHDRAWN,
        kAuthority,
        errors::Approval,
        {.duty = Duty::kDecides}}});
  return *kMachine;
}

bool IsPublication(Edition::State before, Edition::State after) {
  return IsPublished(after) && (IsPublished(before) || before == Edition::SUBMITTED);
}

absl::StatusOr<Decision> Approve(const Edition& edition, const cases::EditionOrder& order,
                                 base::Date today, const norms::Norms& norms,
                                 const std::vector<AssessedLevel>& levels) {
  if (order.effective_from < order.date) return errors::EffectiveBeforeOrder();
  std::vector<base::Acted> acts = cases::PreparersOf(edition);
  for (const AssessedLevel& level : levels) acts.push_back({base::Duty::kPrepares, level.assessor});
  RETURN_IF_ERROR(EditionMachine()
                      .Ask(Edition::SUBMITTED, Verb::kApprove, {kAuthority, order.approver, acts})
                      .status());
  if (edition.entry_count() == 0) return cases::EditionEmpty(errors::ListOfPriorityGoods());
  if (order.date > today) return cases::OrderDateInvalid(errors::Approval());
  if (order.effective_from < today) return cases::EffectiveDayPast(errors::Approval());
  RETURN_IF_ERROR(CheckAssessed(levels));
  Facts facts = cases::ApprovalFacts(edition, order, today, kDecidedBy);
  for (const AssessedLevel& level : levels) {
    facts.Set(
        absl::StrCat(kEntryLevel, v1::ProcessingLevel_Name(level.entry), ".", level.goods_code),
        v1::ProcessingLevel_Name(level.assessed), level.assessment, level.etag);
  }
  ASSIGN_OR_RETURN(Decision decision, DecideApproval(facts));
  decision.set_norms_edition(norms.edition());
  return decision;
}

}  // namespace nisi::priority_goods
