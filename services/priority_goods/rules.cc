#include "services/priority_goods/rules.h"

#include <array>
#include <map>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "services/priority_goods/errors.h"

namespace nisi::priority_goods {
namespace {

using decision::v1::Decision;
using decision::v1::Finding;

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

void AddFact(Finding* finding, const std::string& name, int64_t value, const std::string& source) {
  auto* fact = finding->add_facts();
  fact->set_name(name);
  fact->set_value(absl::StrCat(value));
  fact->set_source(source);
}

// The rule itself: five numbers of norms and three scores, by name.
using Facts = std::map<std::string, int64_t>;

ProcessingLevel LevelOf(int64_t points, const Facts& facts) {
  if (points >= facts.at(kHighFrom)) return v1::HIGH;
  return points >= facts.at(kMediumFrom) ? v1::MEDIUM : v1::LOW;
}

// Findings from facts alone, so that a replay years later is the same function.
Decision Decide(const Facts& facts, const std::map<std::string, std::string>& sources) {
  Decision decision;
  int64_t points = 0;
  for (const Criterion& criterion : kCriteria) {
    Finding* finding = decision.add_findings();
    finding->set_rule(absl::StrCat("SCORE_WITHIN_NORM:", criterion.name));
    finding->set_satisfied(facts.at(criterion.name) <= facts.at(criterion.norm));
    *finding->mutable_legal_basis() = errors::Criteria();
    AddFact(finding, criterion.name, facts.at(criterion.name), sources.at(criterion.name));
    AddFact(finding, criterion.norm, facts.at(criterion.norm), sources.at(criterion.norm));
    points += facts.at(criterion.name);
  }
  const ProcessingLevel level = LevelOf(points, facts);
  Finding* finding = decision.add_findings();
  finding->set_rule("ENTRY_LEVEL_MEDIUM_OR_HIGH");
  finding->set_satisfied(level != v1::LOW);
  *finding->mutable_legal_basis() = errors::ListOfPriorityGoods();
  AddFact(finding, "points", points, "sum of the scores");
  AddFact(finding, kMediumFrom, facts.at(kMediumFrom), sources.at(kMediumFrom));
  AddFact(finding, kHighFrom, facts.at(kHighFrom), sources.at(kHighFrom));
  decision.set_outcome(v1::ProcessingLevel_Name(level));
  return decision;
}

Finding& AddFinding(Decision* decision, const char* rule, bool satisfied,
                    const base::LegalBasis& basis) {
  Finding* finding = decision->add_findings();
  finding->set_rule(rule);
  finding->set_satisfied(satisfied);
  *finding->mutable_legal_basis() = basis;
  return *finding;
}

void AddText(Finding& finding, const std::string& name, const std::string& value) {
  auto* fact = finding.add_facts();
  fact->set_name(name);
  fact->set_value(value);
}

constexpr uint32_t Bit(rpc::v1::Role role) {
  return 1U << role;
}

}  // namespace

absl::StatusOr<Decision> Assess(const Assessment& assessment, const norms::Norms& norms,
                                base::Date date) {
  Facts facts;
  std::map<std::string, std::string> sources;
  bool assumption = false;
  const auto take_norm = [&](const char* key) -> absl::Status {
    ASSIGN_OR_RETURN(const norms::Norm norm, norms.Get(key, date));
    ASSIGN_OR_RETURN(facts[key], norms.Int(key, date));
    sources[key] = absl::StrCat(std::string(norms::Name(norm.certainty)), ": ", norm.source);
    assumption = assumption || norm.certainty == norms::Certainty::kAssumption;
    return absl::OkStatus();
  };
  for (size_t i = 0; i < kCriteria.size(); ++i) {
    RETURN_IF_ERROR(take_norm(kCriteria[i].norm));
    facts[kCriteria[i].name] = Score(assessment, i);
    sources[kCriteria[i].name] = "assessment";
    if (facts[kCriteria[i].name] > facts[kCriteria[i].norm]) {
      return errors::ScoreOverNorm(kCriteria[i].name, facts[kCriteria[i].norm]);
    }
  }
  RETURN_IF_ERROR(take_norm(kMediumFrom));
  RETURN_IF_ERROR(take_norm(kHighFrom));
  Decision decision = Decide(facts, sources);
  decision.set_norms_edition(norms.edition());
  decision.set_rests_on_assumption(assumption);
  return decision;
}

absl::StatusOr<Decision> Replay(const Decision& stored) {
  Facts facts;
  std::map<std::string, std::string> sources;
  for (const Finding& finding : stored.findings()) {
    for (const auto& fact : finding.facts()) {
      int64_t value = 0;
      if (!absl::SimpleAtoi(fact.value(), &value))
        return base::StoreCorrupt(absl::StrCat("fact ", fact.name()));
      facts[fact.name()] = value;
      sources[fact.name()] = fact.source();
    }
  }
  std::vector<std::string> needed{kHighFrom, kMediumFrom};
  for (const Criterion& criterion : kCriteria) {
    needed.emplace_back(criterion.name);
    needed.emplace_back(criterion.norm);
  }
  for (const std::string& name : needed) {
    if (!facts.contains(name)) return base::StoreCorrupt(absl::StrCat("missing fact ", name));
  }
  Decision replayed = Decide(facts, sources);
  replayed.set_norms_edition(stored.norms_edition());
  replayed.set_rests_on_assumption(stored.rests_on_assumption());
  *replayed.mutable_decide_time() = stored.decide_time();
  return replayed;
}

absl::Status CheckLevel(ProcessingLevel level) {
  return level == v1::MEDIUM || level == v1::HIGH ? absl::OkStatus() : errors::LevelTooLow();
}

std::optional<std::string> FindOverlap(const std::set<std::string>& codes,
                                       const std::string& code) {
  const auto below = codes.lower_bound(code);
  if (below != codes.end() && absl::StartsWith(*below, code)) return *below;
  for (size_t length = 4; length < code.size(); length += 2) {
    const std::string above = code.substr(0, length);
    if (codes.contains(above)) return above;
  }
  return std::nullopt;
}

const std::vector<Edge>& EditionEdges() {
  constexpr uint32_t kInstitute = Bit(rpc::v1::INSTITUTE_INDUSTRY);
  constexpr uint32_t kAuthority = Bit(rpc::v1::AUTHORITY_INDUSTRY);
  static const auto* const kEdges = new std::vector<Edge>{
      {Edition::DRAFT, Verb::kEdit, Edition::DRAFT, kInstitute, "Art. 13(2)(2)"},
      {Edition::RETURNED, Verb::kEdit, Edition::RETURNED, kInstitute, "Art. 13(2)(2)"},
      {Edition::DRAFT, Verb::kSubmit, Edition::SUBMITTED, kInstitute, "Art. 13(2)(2)"},
      {Edition::RETURNED, Verb::kSubmit, Edition::SUBMITTED, kInstitute, "Art. 13(2)(2)"},
      {Edition::SUBMITTED, Verb::kReturn, Edition::RETURNED, kAuthority, "Art. 9(28)"},
      {Edition::SUBMITTED, Verb::kApprove, Edition::APPROVED, kAuthority, "Art. 9(28)"},
      {Edition::APPROVED, Verb::kTakeEffect, Edition::IN_FORCE, 0, "Art. 26(1)"},
      {Edition::IN_FORCE, Verb::kSupersede, Edition::SUPERSEDED, 0, "Art. 26(1)"},
      {Edition::DRAFT, Verb::kWithdraw, Edition::WITHDRAWN, kInstitute | kAuthority, "Art. 26(1)"},
      {Edition::RETURNED, Verb::kWithdraw, Edition::WITHDRAWN, kInstitute | kAuthority,
       "Art. 26(1)"},
      {Edition::SUBMITTED, Verb::kWithdraw, Edition::WITHDRAWN, kAuthority, "Art. 26(1)"},
      {Edition::APPROVED, Verb::kWithdraw, Edition::WITHDRAWN, kAuthority, "Art. 9(28)"},
  };
  return *kEdges;
}

const char* Name(Verb verb) {
  switch (verb) {
    case Verb::kEdit:
      return "edit";
    case Verb::kSubmit:
      return "submit";
    case Verb::kReturn:
      return "return";
    case Verb::kApprove:
      return "approve";
    case Verb::kTakeEffect:
      return "take effect";
    case Verb::kSupersede:
      return "supersede";
    case Verb::kWithdraw:
      return "withdraw";
  }
  return "";
}

absl::StatusOr<Edition::State> Next(Edition::State from, Verb verb, uint32_t roles) {
  for (const Edge& edge : EditionEdges()) {
    if (edge.from != from || edge.verb != verb) continue;
    if (edge.roles != 0 && (edge.roles & roles) == 0) return base::AccessDenied();
    return edge.to;
  }
  if (verb == Verb::kEdit) return errors::EditionFrozen(from);
  return errors::EditionState(from, Name(verb));
}

bool IsPublished(Edition::State state) {
  return state == Edition::APPROVED || state == Edition::IN_FORCE || state == Edition::SUPERSEDED;
}

absl::Status CheckSeparation(const Edition& edition, const std::string& decider) {
  const bool same = decider == edition.drafted_by() || decider == edition.submitted_by();
  return same ? errors::SeparationOfDuties() : absl::OkStatus();
}

absl::StatusOr<Decision> Approve(const Edition& edition, const std::string& approver,
                                 base::Date order_date, base::Date effective_from, base::Date today,
                                 const norms::Norms& norms) {
  RETURN_IF_ERROR(CheckSeparation(edition, approver));
  if (edition.entry_count() == 0) return errors::EditionEmpty();
  if (order_date > today) return errors::OrderDateInvalid("The order is dated in the future.");
  if (effective_from < order_date)
    return errors::OrderDateInvalid("The edition cannot precede its order.");
  if (effective_from < today) return errors::EffectiveDayPast();
  Decision decision;
  decision.set_outcome("APPROVED");
  decision.set_norms_edition(norms.edition());
  Finding& duties = AddFinding(&decision, "SEPARATION_OF_DUTIES", true, errors::Approval());
  AddText(duties, "drafted_by", edition.drafted_by());
  AddText(duties, "submitted_by", edition.submitted_by());
  AddText(duties, "decided_by", approver);
  Finding& content =
      AddFinding(&decision, "EDITION_NOT_EMPTY", true, errors::ListOfPriorityGoods());
  AddText(content, "entry_count", absl::StrCat(edition.entry_count()));
  Finding& dates = AddFinding(&decision, "DATES_IN_ORDER", true, errors::Approval());
  AddText(dates, "order_date", order_date.ToString());
  AddText(dates, "effective_from", effective_from.ToString());
  AddText(dates, "today", today.ToString());
  return decision;
}

}  // namespace nisi::priority_goods
