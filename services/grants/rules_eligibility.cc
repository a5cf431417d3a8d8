// Whether an application is complete, and who may get a grant: Art. 25(5), 26(3), 42(2) and order
// 403/2022.
#include <algorithm>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "common/cases/findings.h"
#include "services/grants/errors.h"
#include "services/grants/rules.h"

namespace nisi::grants {
namespace {

using base::Money;
using cases::AddFinding;
using cases::Facts;
using v1::ApplicationDocument;

constexpr char kMissingKinds[] = "missing_documents";
constexpr char kDocumentsInOrder[] = "documents_complete";
constexpr char kWithoutSeller[] = "costs_without_seller";
constexpr char kDebtStated[] = "tax_debt_stated";
constexpr char kGoods[] = "goods";
constexpr char kProducer[] = "active_domestic_producer";
constexpr char kSize[] = "size";
constexpr char kProducerAssumed[] = "active_domestic_producer_assumed";
constexpr char kSizeAssumed[] = "size_assumed";
constexpr char kActiveSince[] = "active_since";
constexpr char kActiveSinceAssumed[] = "active_since_assumed";
constexpr char kSubmitted[] = "submit_date";
constexpr char kActivityYears[] = "grants.activity_years_min";
constexpr char kOnMap[] = "project_on_map";
constexpr char kProjectOwner[] = "project_owner";
constexpr char kApplicant[] = "applicant";
constexpr char kTaxDebt[] = "tax_debt";
constexpr char kTaxDebtFrom[] = "grants.tax_debt_from";
constexpr char kAffiliatedSellers[] = "affiliated_sellers";
constexpr char kObligationsAccepted[] = "obligations_accepted";
constexpr char kObligationCount[] = "obligations";
constexpr char kCost[] = "cost";
constexpr char kRequestedSum[] = "requested_sum";
constexpr char kOwnContribution[] = "own_contribution";
constexpr char kRunningGrants[] = "running_grants";
constexpr char kGateVerdict[] = "gate_verdict";

std::vector<std::string> MissingKinds(const Application& application) {
  std::set<int> given;
  for (const ApplicationDocument& document : application.documents()) given.insert(document.kind());
  std::vector<std::string> missing;
  for (const auto kind :
       {ApplicationDocument::BUSINESS_PLAN, ApplicationDocument::COST_ESTIMATE,
        ApplicationDocument::TAX_CERTIFICATE, ApplicationDocument::FINANCIAL_STATEMENTS,
        ApplicationDocument::OWN_CONTRIBUTION}) {
    if (!given.contains(kind)) missing.push_back(ApplicationDocument::Kind_Name(kind));
  }
  return missing;
}

absl::StatusOr<Decision> DecideCompleteness(const Facts& facts) {
  Decision decision;
  ASSIGN_OR_RETURN(const std::string missing, facts.Text(kMissingKinds));
  AddFinding(&decision, "DOCUMENTS_PRESENT", missing.empty(), errors::Conditions(), facts,
             {kMissingKinds});
  ASSIGN_OR_RETURN(const int64_t sellers, facts.Number(kWithoutSeller));
  AddFinding(&decision, "SELLERS_NAMED", sellers == 0, errors::Manufacturer(), facts,
             {kWithoutSeller});
  ASSIGN_OR_RETURN(const int64_t debt, facts.Number(kDebtStated));
  AddFinding(&decision, "TAX_DEBT_STATED", debt == 1, errors::Manufacturer(), facts, {kDebtStated});
  ASSIGN_OR_RETURN(const int64_t in_order, facts.Number(kDocumentsInOrder));
  AddFinding(&decision, "DOCUMENTS_IN_ORDER", in_order == 1, errors::Conditions(), facts,
             {kDocumentsInOrder});
  decision.set_outcome(cases::AllSatisfied(decision) ? "COMPLETE" : "INCOMPLETE");
  return decision;
}

bool AllListed(const std::string& goods) {
  const std::vector<absl::string_view> codes = absl::StrSplit(goods, ',', absl::SkipEmpty());
  return !codes.empty() && std::all_of(codes.begin(), codes.end(), [](absl::string_view one) {
    return absl::EndsWith(one, ":LISTED");
  });
}

// What the applicant says of itself.
absl::Status FindOwn(const Facts& facts, Decision* decision) {
  ASSIGN_OR_RETURN(const Money debt, facts.Money(kTaxDebt));
  ASSIGN_OR_RETURN(const Money debt_from, facts.Money(kTaxDebtFrom));
  AddFinding(decision, "NO_TAX_DEBT", debt < debt_from, errors::Manufacturer(), facts,
             {kTaxDebt, kTaxDebtFrom});
  ASSIGN_OR_RETURN(const std::string affiliated, facts.Text(kAffiliatedSellers));
  AddFinding(decision, "NOT_AFFILIATED_WITH_SELLER", affiliated.empty(), errors::Manufacturer(),
             facts, {kAffiliatedSellers});
  ASSIGN_OR_RETURN(const int64_t accepted, facts.Number(kObligationsAccepted));
  ASSIGN_OR_RETURN(const int64_t obligations, facts.Number(kObligationCount));
  AddFinding(decision, "OBLIGATIONS_ACCEPTED", accepted == 1 && obligations > 0,
             errors::Conditions(), facts, {kObligationsAccepted, kObligationCount});
  ASSIGN_OR_RETURN(const Money cost, facts.Money(kCost));
  ASSIGN_OR_RETURN(const Money requested, facts.Money(kRequestedSum));
  ASSIGN_OR_RETURN(const Money own, facts.Money(kOwnContribution));
  const auto together = requested.Add(own);  // too large for a sum: then it covers any cost
  AddFinding(decision, "CO_FINANCED",
             !requested.is_zero() && !own.is_zero() && (!together.ok() || *together >= cost),
             errors::CoFinancing(), facts, {kCost, kRequestedSum, kOwnContribution});
  return absl::OkStatus();
}

// With what the register said of its answer, which decisions made before it did do not have.
std::vector<std::string> With(const Facts& facts, std::vector<std::string> names,
                              const char* said) {
  if (facts.Has(said)) names.emplace_back(said);
  return names;
}

absl::StatusOr<Decision> DecideEligibility(const Facts& facts) {
  Decision decision;
  ASSIGN_OR_RETURN(const std::string goods, facts.Text(kGoods));
  AddFinding(&decision, "GOODS_ON_LIST", AllListed(goods), errors::PriorityGoods(), facts,
             {kGoods, kSubmitted});
  ASSIGN_OR_RETURN(const int64_t producer, facts.Number(kProducer));
  AddFinding(&decision, "ACTIVE_PRODUCER", producer == 1, errors::CoFinancing(), facts,
             With(facts, {kProducer, kSubmitted}, kProducerAssumed));
  ASSIGN_OR_RETURN(const std::string size, facts.Text(kSize));
  AddFinding(&decision, "SMALL_OR_MEDIUM", IsSmallOrMedium(size), errors::Manufacturer(), facts,
             With(facts, {kSize}, kSizeAssumed));
  ASSIGN_OR_RETURN(const std::string since, facts.Text(kActiveSince));
  ASSIGN_OR_RETURN(const int64_t years, facts.Number(kActivityYears));
  ASSIGN_OR_RETURN(const base::Date submitted, facts.Date(kSubmitted));
  bool long_enough = false;
  if (!since.empty()) {
    ASSIGN_OR_RETURN(const base::Date day, facts.Date(kActiveSince));
    long_enough = AddYears(day, years) <= submitted;
  }
  AddFinding(&decision, "ACTIVE_LONG_ENOUGH", long_enough, errors::Manufacturer(), facts,
             With(facts, {kActiveSince, kActivityYears, kSubmitted}, kActiveSinceAssumed));
  ASSIGN_OR_RETURN(const int64_t on_map, facts.Number(kOnMap));
  ASSIGN_OR_RETURN(const std::string owner, facts.Text(kProjectOwner));
  ASSIGN_OR_RETURN(const std::string applicant, facts.Text(kApplicant));
  AddFinding(&decision, "OWN_PROJECT_ON_MAP", on_map == 1 && owner == applicant, errors::Grants(),
             facts, {kOnMap, kProjectOwner, kApplicant});
  RETURN_IF_ERROR(FindOwn(facts, &decision));
  ASSIGN_OR_RETURN(const int64_t running, facts.Number(kRunningGrants));
  AddFinding(&decision, "NO_RUNNING_GRANT", running == 0, errors::Manufacturer(), facts,
             {kRunningGrants});
  ASSIGN_OR_RETURN(const std::string verdict, facts.Text(kGateVerdict));
  AddFinding(&decision, "GATE_PASSED", verdict == "PASSED", errors::Gate(), facts, {kGateVerdict});
  decision.set_outcome(cases::AllSatisfied(decision) ? "ELIGIBLE" : "NOT_ELIGIBLE");
  return decision;
}

std::string SellersOf(const Application& application) {
  std::set<std::string> own(application.affiliations().begin(), application.affiliations().end());
  own.insert(application.applicant());
  std::set<std::string> affiliated;
  for (const v1::CostItem& item : application.cost_items()) {
    if (own.contains(item.seller())) affiliated.insert(item.seller());
  }
  return absl::StrJoin(affiliated, ",");
}

absl::Status SetOwn(const Candidacy& candidacy, Facts* facts) {
  const Application& application = *candidacy.application;
  const auto set = [&](const char* name, const std::string& value) {
    facts->Set(name, value, candidacy.source.name, candidacy.source.etag);
  };
  const auto money = [](const google::type::Money& proto) { return Money::FromProto(proto); };
  Money debt;
  if (application.has_tax_debt()) {
    ASSIGN_OR_RETURN(debt, money(application.tax_debt()));
  }
  ASSIGN_OR_RETURN(const Money cost, CostOf(application));
  ASSIGN_OR_RETURN(const Money requested, money(application.requested_sum()));
  ASSIGN_OR_RETURN(const Money own, money(application.own_contribution()));
  set(kApplicant, application.applicant());
  set(kSubmitted, candidacy.day.ToString());
  set(kTaxDebt, debt.ToString());
  set(kAffiliatedSellers, SellersOf(application));
  set(kObligationsAccepted, application.obligations_accepted() ? "1" : "0");
  set(kObligationCount, absl::StrCat(application.obligations_size()));
  set(kCost, cost.ToString());
  set(kRequestedSum, requested.ToString());
  set(kOwnContribution, own.ToString());
  return absl::OkStatus();
}

void SetOutside(const Outside& outside, Facts* facts) {
  std::vector<std::string> goods;
  for (const auto& [code, verdict] : outside.goods)
    goods.push_back(absl::StrCat(code, ":", verdict));
  facts->Set(kGoods, absl::StrJoin(goods, ","), outside.edition.name, outside.edition.etag);
  const auto of_supplier = [&](const char* name, const std::string& value) {
    facts->Set(name, value, outside.supplier.name, outside.supplier.etag);
  };
  of_supplier(kProducer, outside.producer ? "1" : "0");
  of_supplier(kSize, outside.size);
  of_supplier(kProducerAssumed, outside.producer_assumed ? "1" : "0");
  of_supplier(kSizeAssumed, outside.size_assumed ? "1" : "0");
  of_supplier(kActiveSinceAssumed, outside.active_since_assumed ? "1" : "0");
  facts->Mark(outside.producer_assumed || outside.size_assumed || outside.active_since_assumed);
  of_supplier(kActiveSince,
              outside.active_since.has_value() ? outside.active_since->ToString() : "");
  facts->Set(kOnMap, outside.project_on_map ? "1" : "0", outside.project.name,
             outside.project.etag);
  facts->Set(kProjectOwner, outside.project_owner, outside.project.name, outside.project.etag);
}

}  // namespace

bool IsSmallOrMedium(const std::string& size) {
  return size == "MICRO" || size == "SMALL" || size == "MEDIUM";
}

absl::StatusOr<Money> CostOf(const Application& application) {
  Money cost;
  for (const v1::CostItem& item : application.cost_items()) {
    ASSIGN_OR_RETURN(const Money one, Money::FromProto(item.cost()));
    const auto sum = cost.Add(one);
    if (!sum.ok()) {
      return base::InvalidField("application.cost_items", "come to more than 10^15 tenge");
    }
    cost = *sum;
  }
  return cost;
}

bool IsTied(const google::protobuf::RepeatedPtrField<std::string>& bins,
            const Application& application) {
  std::set<std::string> of(application.affiliations().begin(), application.affiliations().end());
  of.insert(application.applicant());
  return std::any_of(bins.begin(), bins.end(),
                     [&of](const std::string& bin) { return of.contains(bin); });
}

absl::Status CheckDates(const Application& application, const norms::Norms& norms, base::Date day) {
  ASSIGN_OR_RETURN(const base::Date commissioning,
                   base::Date::FromProto(application.commissioning_date()));
  if (commissioning < day) {
    return errors::DatesInvalid("application.commissioning_date", "the day of filing or later");
  }
  ASSIGN_OR_RETURN(const base::Date until, ObligationsUntil(commissioning, norms, day));
  for (int i = 0; i < application.obligations_size(); ++i) {
    ASSIGN_OR_RETURN(const base::Date due,
                     base::Date::FromProto(application.obligations(i).due_date()));
    if (due <= day || due > until) {
      return errors::DatesInvalid(
          absl::StrCat("application.obligations[", i, "].due_date"),
          absl::StrCat("after the day of filing, at the latest ", until.ToString()));
    }
  }
  return absl::OkStatus();
}

std::string FirstUnsatisfied(const Decision& decision) {
  for (const auto& finding : decision.findings()) {
    if (!finding.satisfied()) return finding.rule();
  }
  return "";
}

std::vector<v1::Ground> GroundsOf(const Decision& decision) {
  std::set<v1::Ground> grounds;
  for (const auto& finding : decision.findings()) {
    if (finding.satisfied()) continue;
    const std::string& rule = finding.rule();
    v1::Ground named = v1::GROUND_UNSPECIFIED;
    if (v1::Ground_Parse(rule, &named)) {
      grounds.insert(named);
    } else if (rule == "GOODS_ON_LIST") {
      grounds.insert(v1::GOODS_NOT_PRIORITY);
    } else if (rule == "OBLIGATIONS_ACCEPTED") {
      grounds.insert(v1::OBLIGATIONS_NOT_ACCEPTED);
    } else if (rule == "COSTS_ACCEPTED") {
      grounds.insert(v1::DOCUMENTS_NOT_COMPLIANT);
    } else if (rule != "CARRIED") {
      grounds.insert(v1::ENTITY_NOT_COMPLIANT);
    }
  }
  return {grounds.begin(), grounds.end()};
}

absl::StatusOr<Decision> JudgeCompleteness(const Application& application, bool documents_complete,
                                           const norms::Norms& norms, const Source& source) {
  Facts facts;
  facts.Set(kMissingKinds, absl::StrJoin(MissingKinds(application), ","), source.name, source.etag);
  const auto& costs = application.cost_items();
  const auto unnamed = std::count_if(
      costs.begin(), costs.end(), [](const v1::CostItem& item) { return item.seller().empty(); });
  facts.Set(kWithoutSeller, absl::StrCat(unnamed), source.name, source.etag);
  facts.Set(kDebtStated, application.has_tax_debt() ? "1" : "0", source.name, source.etag);
  facts.Set(kDocumentsInOrder, documents_complete ? "1" : "0", source.name, source.etag);
  ASSIGN_OR_RETURN(Decision decision, DecideCompleteness(facts));
  decision.set_norms_edition(norms.edition());
  return decision;
}

absl::StatusOr<Decision> ReplayCompleteness(const Decision& stored) {
  return cases::Replay(stored, DecideCompleteness);
}

absl::StatusOr<Decision> JudgeEligibility(const Candidacy& candidacy, const norms::Norms& norms) {
  Facts facts;
  RETURN_IF_ERROR(SetOwn(candidacy, &facts));
  SetOutside(*candidacy.outside, &facts);
  facts.Set(kRunningGrants, absl::StrCat(candidacy.running_grants), "register of grants",
            candidacy.register_version);
  facts.Set(kGateVerdict, gate::v1::Notice::Verdict_Name(candidacy.notice->verdict()),
            candidacy.notice->name(), candidacy.notice->etag());
  RETURN_IF_ERROR(facts.SetNorm(norms, kActivityYears, candidacy.day));
  RETURN_IF_ERROR(facts.SetNorm(norms, kTaxDebtFrom, candidacy.day));
  ASSIGN_OR_RETURN(Decision decision, DecideEligibility(facts));
  decision.set_norms_edition(norms.edition());
  decision.set_rests_on_assumption(facts.rests_on_assumption());
  return decision;
}

absl::StatusOr<Decision> ReplayEligibility(const Decision& stored) {
  return cases::Replay(stored, DecideEligibility);
}

bool IsOfProgramme(const std::string& gate_reason) {
  return gate_reason == "MEASURE_NOT_REGISTERED" || gate_reason == "OPERATOR_CONTRACT_NOT_VALID" ||
         gate_reason == "NOT_ENOUGH_MONEY";
}

}  // namespace nisi::grants
