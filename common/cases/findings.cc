#include "common/cases/findings.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace nisi::cases {
namespace {

using decision::v1::Decision;
using decision::v1::Fact;
using decision::v1::Finding;

absl::Status FactMissing(const std::string& fact) {
  return base::Refusal(absl::StatusCode::kFailedPrecondition, "FACT_MISSING",
                       "The stored decision does not hold a fact that the rule needs.")
      .With("fact", fact)
      .Precondition("FACT", fact, "is not stored with the decision");
}

absl::Status Damaged(const std::string& fact) {
  return base::StoreCorrupt(absl::StrCat("fact ", fact));
}

}  // namespace

Facts Facts::Of(const Decision& stored) {
  Facts facts;
  for (const Finding& finding : stored.findings()) {
    for (const Fact& fact : finding.facts()) facts.facts_[fact.name()] = fact;
  }
  facts.assumption_ = stored.rests_on_assumption();
  return facts;
}

void Facts::Set(const std::string& name, absl::string_view value, absl::string_view source,
                absl::string_view version) {
  Fact& fact = facts_[name];
  fact.set_name(name);
  fact.set_value(std::string(value));
  fact.set_source(std::string(source));
  fact.set_version(std::string(version));
}

absl::Status Facts::SetNorm(const norms::Norms& norms, absl::string_view key, base::Date day) {
  ASSIGN_OR_RETURN(const norms::Norm norm, norms.Get(key, day));
  const absl::StatusOr<int64_t> whole = norms.Int(key, day);
  Set(norm.key, whole.ok() ? absl::StrCat(*whole) : norm.text,
      absl::StrCat(std::string(norms::Name(norm.certainty)), ": ", norm.source));
  Mark(norm.certainty == norms::Certainty::kAssumption);
  return absl::OkStatus();
}

absl::Status Facts::Take(const Facts& from, const std::string& name) {
  RETURN_IF_ERROR(from.Text(name).status());
  const Fact& fact = from.Get(name);
  facts_[name] = fact;
  const std::string assumed(norms::Name(norms::Certainty::kAssumption));
  Mark(absl::StartsWith(fact.source(), assumed + ": "));
  return absl::OkStatus();
}

const Fact& Facts::Get(const std::string& name) const {
  const auto it = facts_.find(name);
  return it == facts_.end() ? Fact::default_instance() : it->second;
}

absl::StatusOr<std::string> Facts::Text(const std::string& name) const {
  const auto it = facts_.find(name);
  if (it == facts_.end()) return FactMissing(name);
  return it->second.value();
}

absl::StatusOr<int64_t> Facts::Number(const std::string& name) const {
  ASSIGN_OR_RETURN(const std::string text, Text(name));
  int64_t value = 0;
  if (!absl::SimpleAtoi(text, &value)) return Damaged(name);
  return value;
}

absl::StatusOr<base::Date> Facts::Date(const std::string& name) const {
  ASSIGN_OR_RETURN(const std::string text, Text(name));
  const auto date = base::Date::Parse(text);
  if (!date.ok()) return Damaged(name);
  return *date;
}

absl::StatusOr<base::Money> Facts::Money(const std::string& name) const {
  ASSIGN_OR_RETURN(const std::string text, Text(name));
  const auto money = base::Money::Parse(text);
  if (!money.ok()) return Damaged(name);
  return *money;
}

std::vector<std::string> Facts::NamesUnder(absl::string_view prefix) const {
  std::vector<std::string> names;
  for (auto it = facts_.lower_bound(std::string(prefix));
       it != facts_.end() && absl::StartsWith(it->first, prefix); ++it) {
    names.push_back(it->first);
  }
  return names;
}

void AddFinding(Decision* decision, const std::string& rule, bool satisfied,
                const base::LegalBasis& basis, const Facts& facts,
                std::initializer_list<const char*> names) {
  AddFinding(decision, rule, satisfied, basis, facts,
             std::vector<std::string>(names.begin(), names.end()));
}

void AddFinding(Decision* decision, const std::string& rule, bool satisfied,
                const base::LegalBasis& basis, const Facts& facts,
                const std::vector<std::string>& names) {
  Finding* finding = decision->add_findings();
  finding->set_rule(rule);
  finding->set_satisfied(satisfied);
  *finding->mutable_legal_basis() = basis;
  for (const std::string& name : names) {
    Fact* fact = finding->add_facts();
    if (facts.Has(name)) {
      *fact = facts.Get(name);
      continue;
    }
    fact->set_name(name);
    fact->set_source("missing");
    finding->set_satisfied(false);
  }
}

void TellComputed(Decision* decision, const std::string& name, absl::string_view value) {
  Fact* fact = decision->mutable_findings(decision->findings_size() - 1)->add_facts();
  fact->set_name(name);
  fact->set_value(std::string(value));
  fact->set_source("computed");
}

bool AllSatisfied(const Decision& decision) {
  return std::all_of(decision.findings().begin(), decision.findings().end(),
                     [](const Finding& finding) { return finding.satisfied(); });
}

absl::StatusOr<Decision> Replay(const Decision& stored,
                                const std::function<absl::StatusOr<Decision>(const Facts&)>& rule) {
  const Facts facts = Facts::Of(stored);
  ASSIGN_OR_RETURN(Decision decision, rule(facts));
  for (const Finding& finding : decision.findings()) {
    for (const Fact& fact : finding.facts()) {
      if (!facts.Has(fact.name())) return FactMissing(fact.name());
    }
  }
  decision.set_norms_edition(stored.norms_edition());
  decision.set_rests_on_assumption(stored.rests_on_assumption());
  if (stored.has_decide_time()) *decision.mutable_decide_time() = stored.decide_time();
  return decision;
}

}  // namespace nisi::cases
