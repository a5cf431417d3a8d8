#include "services/clusters/rules_support.h"

#include <algorithm>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/base/roles.h"
#include "common/cases/checked.h"
#include "common/cases/costs.h"
#include "common/cases/findings.h"
#include "common/cases/refusals.h"
#include "services/clusters/errors.h"

namespace nisi::clusters {
namespace {

using base::Money;
using cases::AddFinding;
using cases::Facts;

constexpr char kState[] = "cluster_state";
constexpr char kRecipient[] = "recipient";
constexpr char kSupportedOrganization[] = "cluster_organization";
constexpr char kPurpose[] = "purpose";
constexpr char kBelonging[] = "recipient_belongs_as";
constexpr char kGoods[] = "goods.";  // goods.<code>.level, goods.<code>.share_bp
constexpr char kLevel[] = ".level";
constexpr char kGoodsShare[] = ".share_bp";
constexpr char kList[] = "list_of_the_day";
constexpr char kRequestDay[] = "request_day";
constexpr char kGoodsShareMin[] = "goods_share_min_bp";
constexpr char kGoodsShareNorm[] = "clusters.support.project_goods_share_min";
constexpr char kGate[] = "gate_verdict";
constexpr char kSupportDocuments[] = "documents_complete";
constexpr char kYear[] = "support_year";
constexpr char kYearNow[] = "support_year_on_the_day_of_decision";
constexpr char kCostsYear[] = "year_of_costs";
constexpr char kFirstYear[] = "first_upkeep_year";  // of the cluster; 0: nothing was granted yet
constexpr char kAccepted[] = "accepted_cost";
constexpr char kRequested[] = "requested_sum";
constexpr char kShare[] = "share_bp";
constexpr char kExamined[] = "first_unsatisfied_of_examination";
constexpr char kSum[] = "sum";
constexpr char kCeiling[] = "ceiling";
constexpr char kAcceptedBefore[] = "accepted_before";
constexpr char kGrantedBefore[] = "granted_before";
// other_grant.<n>.accepted_cost, other_grant.<n>.approved_sum
constexpr char kOther[] = "other_grant.";
constexpr char kOtherAccepted[] = ".accepted_cost";
constexpr char kOtherGranted[] = ".approved_sum";
constexpr char kApproved[] = "approved_sum";
constexpr char kPaid[] = "paid_sum";
constexpr char kAmount[] = "amount";

// A share of a sum, down to the tiyn: 10^17 tiyn by 10^4 does not fit 64 bits.
Money ShareOf(Money sum, int64_t share_bp) {
  const int64_t whole = sum.tiyn() / 10'000 * share_bp;
  const int64_t rest = sum.tiyn() % 10'000 * share_bp / 10'000;
  return Money::FromTiyn(whole + rest).value_or(Money());
}

absl::Status FindEligible(const Facts& facts, Decision* decision) {
  ASSIGN_OR_RETURN(const std::string state, facts.Text(kState));
  AddFinding(decision, "CLUSTER_ELIGIBLE", state == "SELECTED" || state == "REGISTERED",
             errors::Selected(), facts, {kState});
  return absl::OkStatus();
}

// Decisions on upkeep do not name a purpose: there was no other.
bool OfProject(const Facts& facts) {
  const auto purpose = facts.Text(kPurpose);
  return purpose.ok() && *purpose == "PROJECT";
}

absl::Status FindRecipient(const Facts& facts, Decision* decision) {
  if (OfProject(facts)) {
    ASSIGN_OR_RETURN(const std::string belonging, facts.Text(kBelonging));
    AddFinding(decision, "RECIPIENT_IN_CLUSTER", belonging != "NOT", errors::Organization(), facts,
               {kPurpose, kRecipient, kBelonging});
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(const std::string recipient, facts.Text(kRecipient));
  ASSIGN_OR_RETURN(const std::string organization, facts.Text(kSupportedOrganization));
  AddFinding(decision, "RECIPIENT_IN_CLUSTER", recipient == organization, errors::Organization(),
             facts, {kRecipient, kSupportedOrganization});
  return absl::OkStatus();
}

// The part of the output that is goods of the list.
absl::Status FindGoods(const Facts& facts, Decision* decision) {
  int64_t listed = 0;
  std::vector<std::string> names = facts.NamesUnder(kGoods);
  for (const std::string& name : names) {
    if (!absl::EndsWith(name, kLevel)) continue;
    ASSIGN_OR_RETURN(const std::string level, facts.Text(name));
    ASSIGN_OR_RETURN(const int64_t share,
                     facts.Number(absl::StrCat(absl::StripSuffix(name, kLevel), kGoodsShare)));
    if (level == "MEDIUM" || level == "HIGH") listed += share;
  }
  ASSIGN_OR_RETURN(const int64_t least, facts.Number(kGoodsShareMin));
  names.insert(names.end(), {kList, kRequestDay, kGoodsShareMin});
  AddFinding(decision, "GOODS_ON_LIST", listed >= least, errors::PriorityGoods(), facts, names);
  return absl::OkStatus();
}

absl::StatusOr<Decision> DecideExamination(const Facts& facts) {
  Decision decision;
  RETURN_IF_ERROR(FindEligible(facts, &decision));
  RETURN_IF_ERROR(FindRecipient(facts, &decision));
  RETURN_IF_ERROR(cases::FindPassed(facts, kGate, errors::Gate(), &decision));
  ASSIGN_OR_RETURN(const int64_t complete, facts.Number(kSupportDocuments));
  AddFinding(&decision, "DOCUMENTS_COMPLETE", complete == 1, errors::Conditions(), facts,
             {kSupportDocuments});
  ASSIGN_OR_RETURN(const Money accepted, facts.Money(kAccepted));
  ASSIGN_OR_RETURN(const Money requested, facts.Money(kRequested));
  ASSIGN_OR_RETURN(const int64_t share, facts.Number(kShare));
  const Money ceiling = std::min(requested, ShareOf(accepted, share));
  if (OfProject(facts)) {
    RETURN_IF_ERROR(FindGoods(facts, &decision));
    AddFinding(&decision, "COSTS_ACCEPTED", !accepted.is_zero(), errors::Organization(), facts,
               {kAccepted, kRequested, kShare});
  } else {
    // Examinations from before it was a finding were not done where it does not hold.
    if (facts.Has(kFirstYear)) {
      ASSIGN_OR_RETURN(const int64_t year, facts.Number(kYear));
      AddFinding(&decision, "WITHIN_UPKEEP_TERM", year != 0, errors::Organization(), facts,
                 {kYear, kCostsYear, kFirstYear});
    }
    AddFinding(&decision, "COSTS_ACCEPTED", !accepted.is_zero(), errors::Organization(), facts,
               {kAccepted, kRequested, kShare, kYear});
  }
  decision.set_outcome(ceiling.ToString());
  return decision;
}

// What the other grants of the year come to is the sum of theirs. Decisions from before each of
// these was told have the sums alone. DATA_LOSS.
absl::Status CheckOthers(const std::vector<std::string>& names, const Facts& facts,
                         Money accepted_before, Money granted_before) {
  if (names.empty()) return absl::OkStatus();
  Money accepted, granted;
  for (const std::string& name : names) {
    ASSIGN_OR_RETURN(const Money one, facts.Money(name));
    Money& sum = absl::EndsWith(name, kOtherAccepted) ? accepted : granted;
    ASSIGN_OR_RETURN(sum, sum.Add(one));
  }
  return accepted == accepted_before && granted == granted_before
             ? absl::OkStatus()
             : base::StoreCorrupt("facts of the other grants of a year");
}

absl::StatusOr<Decision> DecideGrant(const Facts& facts) {
  Decision decision;
  ASSIGN_OR_RETURN(const std::string unsatisfied, facts.Text(kExamined));
  AddFinding(&decision, "EXAMINATION_SATISFIED", unsatisfied.empty(), errors::Conditions(), facts,
             {kExamined});
  RETURN_IF_ERROR(FindEligible(facts, &decision));
  RETURN_IF_ERROR(FindRecipient(facts, &decision));
  ASSIGN_OR_RETURN(const Money sum, facts.Money(kSum));
  ASSIGN_OR_RETURN(const Money ceiling, facts.Money(kCeiling));
  if (OfProject(facts)) {
    AddFinding(&decision, "WITHIN_CEILING", sum <= ceiling, errors::Organization(), facts,
               {kSum, kCeiling});
    decision.set_outcome(cases::AllSatisfied(decision) ? "GRANTED" : "REFUSED");
    return decision;
  }
  ASSIGN_OR_RETURN(const int64_t year, facts.Number(kYear));
  ASSIGN_OR_RETURN(const int64_t year_now, facts.Number(kYearNow));
  AddFinding(&decision, "SUPPORT_YEAR_HOLDS", year == year_now, errors::Organization(), facts,
             {kYear, kYearNow});
  ASSIGN_OR_RETURN(const Money accepted, facts.Money(kAccepted));
  ASSIGN_OR_RETURN(const Money accepted_before, facts.Money(kAcceptedBefore));
  ASSIGN_OR_RETURN(const Money granted_before, facts.Money(kGrantedBefore));
  ASSIGN_OR_RETURN(const int64_t share, facts.Number(kShare));
  ASSIGN_OR_RETURN(const Money all_accepted, accepted.Add(accepted_before));
  ASSIGN_OR_RETURN(const Money all_granted, sum.Add(granted_before));
  const std::vector<std::string> others = facts.NamesUnder(kOther);
  RETURN_IF_ERROR(CheckOthers(others, facts, accepted_before, granted_before));
  std::vector<std::string> names{kSum,           kCeiling, kAccepted, kAcceptedBefore,
                                 kGrantedBefore, kShare};
  names.insert(names.end(), others.begin(), others.end());
  AddFinding(&decision, "WITHIN_CEILING",
             sum <= ceiling && all_granted <= ShareOf(all_accepted, share), errors::Organization(),
             facts, names);
  decision.set_outcome(cases::AllSatisfied(decision) ? "GRANTED" : "REFUSED");
  return decision;
}

absl::StatusOr<Decision> DecidePayment(const Facts& facts) {
  Decision decision;
  RETURN_IF_ERROR(FindEligible(facts, &decision));
  RETURN_IF_ERROR(FindRecipient(facts, &decision));
  RETURN_IF_ERROR(cases::FindPassed(facts, kGate, errors::Gate(), &decision));
  ASSIGN_OR_RETURN(const Money approved, facts.Money(kApproved));
  ASSIGN_OR_RETURN(const Money paid, facts.Money(kPaid));
  ASSIGN_OR_RETURN(const Money amount, facts.Money(kAmount));
  ASSIGN_OR_RETURN(const Money after, paid.Add(amount));
  AddFinding(&decision, "WITHIN_APPROVED", after <= approved, errors::Account(), facts,
             {kApproved, kPaid, kAmount});
  decision.set_outcome(cases::AllSatisfied(decision) ? "PAID" : "REFUSED");
  return decision;
}

// Of a project, by whom it is carried out.
void SetBelonging(const Support& support, const Source& source, const Belonging& belonging,
                  Facts* facts) {
  if (!IsProject(support)) return;
  static constexpr const char* kKinds[] = {"NOT", "MEMBER", "CLUSTER_ORGANIZATION"};
  facts->Set(kPurpose, "PROJECT", source.name, source.etag);
  facts->Set(kBelonging, kKinds[belonging.kind], belonging.source.name, belonging.source.etag);
}

absl::Status SetPercent(const norms::Norms& norms, const std::string& key, base::Date day,
                        const char* fact, Facts* facts) {
  ASSIGN_OR_RETURN(const norms::Norm norm, norms.Get(key, day));
  ASSIGN_OR_RETURN(const base::Percent share, norms.Percent(key, day));
  facts->Set(fact, absl::StrCat(share.hundredths()),
             absl::StrCat(std::string(norms::Name(norm.certainty)), ": ", key, ": ", norm.source));
  return absl::OkStatus();
}

absl::Status SetGoods(const GoodsOnList& list, const Source& source, const norms::Norms& norms,
                      base::Date day, Facts* facts) {
  for (const GoodsOnList::One& one : list.goods) {
    const std::string name = absl::StrCat(kGoods, one.code);
    facts->Set(name + kLevel, one.level, one.source.name, one.source.etag);
    facts->Set(name + kGoodsShare, absl::StrCat(one.share_bp), source.name, source.etag);
  }
  facts->Set(kList, list.edition.name.empty() ? "NONE" : list.edition.name,
             list.edition.name.empty() ? "no list was in force" : list.edition.name,
             list.edition.etag);
  facts->Set(kRequestDay, list.day.ToString(), source.name, source.etag);
  return SetPercent(norms, kGoodsShareNorm, day, kGoodsShareMin, facts);
}

// The other grants of the year, one by one and together.
absl::Status SetOthers(const std::vector<Granting::Other>& others, Facts* facts) {
  Money accepted, granted;
  int number = 0;
  for (const Granting::Other& other : others) {
    const std::string name = absl::StrCat(kOther, ++number);
    facts->Set(name + kOtherAccepted, other.accepted.ToString(), other.source.name,
               other.source.etag);
    facts->Set(name + kOtherGranted, other.granted.ToString(), other.source.name,
               other.source.etag);
    ASSIGN_OR_RETURN(accepted, accepted.Add(other.accepted));
    ASSIGN_OR_RETURN(granted, granted.Add(other.granted));
  }
  facts->Set(kAcceptedBefore, accepted.ToString(), "other grants of the year");
  facts->Set(kGrantedBefore, granted.ToString(), "other grants of the year");
  return absl::OkStatus();
}

// As the cluster stands on the day.
void SetCluster(Cluster::State state, const std::string& organization, const Source& cluster,
                Facts* facts) {
  facts->Set(kState, Cluster::State_Name(state), cluster.name, cluster.etag);
  facts->Set(kSupportedOrganization, organization, cluster.name, cluster.etag);
}

absl::StatusOr<std::string> Text(const google::type::Money& money) {
  ASSIGN_OR_RETURN(const Money sum, Money::FromProto(money));
  return sum.ToString();
}

}  // namespace

const base::Machine<Support::State, SupportVerb>& SupportMachine() {
  using S = Support;
  using V = SupportVerb;
  using base::Duty;
  constexpr uint32_t kInstitute = base::RoleBit(rpc::v1::INSTITUTE_INDUSTRY);
  constexpr uint32_t kAuthority = base::RoleBit(rpc::v1::AUTHORITY_INDUSTRY);
  constexpr uint32_t kEntity = base::RoleBit(rpc::v1::ENTITY);
  static const auto* const kMachine = new base::Machine<Support::State, SupportVerb>(
      "SUPPORT", S::State_descriptor(),
      {{"examine", errors::Operator},
       {"grant", errors::Selected},
       {"refuse", errors::Refusing},
       {"pay", errors::Account},
       {"take back money", errors::Account},
       {"undo a return", errors::Account},
       {"complete", errors::Selected},
       {"withdraw", errors::Organization}},
      {{{S::REQUESTED},
        V::kExamine,
        S::EXAMINED,
        kInstitute,
        errors::Operator,
        {.duty = Duty::kExamines, .due = "clusters.support.examination_days"}},
       {{S::EXAMINED},
        V::kGrant,
        S::APPROVED,
        kAuthority,
        errors::Selected,
        {.duty = Duty::kDecides, .due = "clusters.support.decision_days"}},
       {{S::EXAMINED},
        V::kRefuse,
        S::REFUSED,
        kAuthority,
        errors::Refusing,
        {.duty = Duty::kDecides, .due = "clusters.support.decision_days"}},
       {{S::APPROVED},
        V::kPay,
        base::kSame,
        kInstitute,
        errors::Account,
        {.duty = Duty::kDecides, .when = "a part"}},
       {{S::APPROVED},
        V::kPay,
        S::COMPLETED,
        kInstitute,
        errors::Account,
        {.duty = Duty::kDecides, .when = "the rest"}},
       {{S::APPROVED, S::COMPLETED}, V::kReturn, base::kSame, kInstitute, errors::Account},
       {{S::APPROVED, S::COMPLETED}, V::kReverseReturn, base::kSame, kInstitute, errors::Account},
       {{S::APPROVED}, V::kComplete, S::COMPLETED, kAuthority, errors::Selected},
       {{S::REQUESTED, S::EXAMINED}, V::kWithdraw, S::WITHDRAWN, kEntity, errors::Organization}});
  return *kMachine;
}

bool IsEligible(Cluster::State state) {
  return state == Cluster::SELECTED || state == Cluster::REGISTERED;
}

absl::StatusOr<int32_t> SupportYear(int32_t first_year, int32_t year) {
  const int32_t number = first_year == 0 ? 1 : year - first_year + 1;
  if (number < 1 || number > 3) return errors::UpkeepTermOver();
  return number;
}

absl::Status CheckSupportYear(int32_t year, base::Date selected, base::Date today) {
  return selected.year() <= year && year <= today.year()
             ? absl::OkStatus()
             : errors::SupportYearNotPossible(selected.year(), today.year());
}

absl::Status CheckPurpose(const Support& support) {
  if (!IsProject(support)) {
    return support.has_project()
               ? base::InvalidField("support.project", "is for the purpose PROJECT alone")
               : absl::OkStatus();
  }
  if (!support.has_project()) {
    return base::InvalidField("support.project", "is required for the purpose PROJECT");
  }
  std::set<std::string> codes;
  int64_t whole = 0;
  for (const auto& goods : support.project().goods()) {
    if (!codes.insert(goods.goods_code()).second) {
      return base::InvalidField("support.project.goods", "names a code twice");
    }
    whole += goods.share_bp();
  }
  return whole == 10'000 ? absl::OkStatus()
                         : base::InvalidField("support.project.goods",
                                              "share_bp of all goods must add up to 10000");
}

absl::StatusOr<Money> Accept(
    const google::protobuf::RepeatedPtrField<v1::ExamineSupportRequest::Item>& items,
    Support* support) {
  return cases::AcceptCosts(items, errors::Organization(), support->mutable_cost_items());
}

absl::StatusOr<Decision> Examine(const Examination& examination, const norms::Norms& norms,
                                 base::Date day) {
  const Support& support = *examination.support;
  Facts facts;
  const auto set = [&](const char* name, const std::string& value) {
    facts.Set(name, value, examination.source.name, examination.source.etag);
  };
  SetCluster(examination.cluster_state, examination.organization, examination.cluster, &facts);
  set(kRecipient, support.recipient());
  cases::SetChecked(kGate, *examination.checked, &facts);
  set(kSupportDocuments, examination.documents_complete ? "1" : "0");
  if (IsProject(support)) {
    SetBelonging(support, examination.source, examination.belonging, &facts);
    RETURN_IF_ERROR(SetGoods(*examination.goods, examination.source, norms, day, &facts));
  } else {
    set(kYear, absl::StrCat(examination.support_year));
    set(kCostsYear, absl::StrCat(support.year()));
    facts.Set(kFirstYear, absl::StrCat(examination.first_upkeep_year), examination.cluster.name,
              examination.cluster.etag);
  }
  ASSIGN_OR_RETURN(const std::string accepted, Text(support.accepted_cost()));
  ASSIGN_OR_RETURN(const std::string requested, Text(support.requested_sum()));
  set(kAccepted, accepted);
  set(kRequested, requested);
  // That no share is of a year after the third, the last that has one says.
  const bool no_year = !IsProject(support) && examination.support_year == 0;
  const std::string key = ShareNorm(support, no_year ? 3 : examination.support_year);
  ASSIGN_OR_RETURN(const norms::Norm norm, norms.Get(key, day));
  if (no_year) {
    facts.Set(kShare, "0", "no year of support");
  } else {
    RETURN_IF_ERROR(SetPercent(norms, key, day, kShare, &facts));
  }
  ASSIGN_OR_RETURN(Decision decision, DecideExamination(facts));
  decision.set_norms_edition(norms.edition());
  bool assumed = norm.certainty == norms::Certainty::kAssumption;
  if (IsProject(support)) {
    ASSIGN_OR_RETURN(const norms::Norm least, norms.Get(kGoodsShareNorm, day));
    assumed = assumed || least.certainty == norms::Certainty::kAssumption;
  }
  decision.set_rests_on_assumption(assumed);
  return decision;
}

std::string ShareNorm(const Support& support, int32_t support_year) {
  return IsProject(support) ? "clusters.support.project_share"
                            : absl::StrCat("clusters.support.upkeep_share.year_", support_year);
}

absl::StatusOr<Decision> ReplayExamination(const Decision& stored) {
  return cases::Replay(stored, DecideExamination);
}

absl::StatusOr<Decision> Grant(const Granting& granting, const norms::Norms& norms) {
  const Support& support = *granting.support;
  Facts facts;
  const auto set = [&](const char* name, const std::string& value) {
    facts.Set(name, value, granting.source.name, granting.source.etag);
  };
  set(kExamined, FirstUnsatisfied(support.examination()));
  SetCluster(granting.cluster_state, granting.organization, granting.cluster, &facts);
  set(kRecipient, support.recipient());
  SetBelonging(support, granting.source, granting.belonging, &facts);
  if (!IsProject(support)) {
    set(kYear, absl::StrCat(support.support_year()));
    facts.Set(kYearNow, absl::StrCat(granting.support_year), granting.cluster.name,
              granting.cluster.etag);
  }
  set(kSum, granting.sum.ToString());
  ASSIGN_OR_RETURN(const std::string ceiling, Text(support.ceiling()));
  ASSIGN_OR_RETURN(const std::string accepted, Text(support.accepted_cost()));
  set(kCeiling, ceiling);
  set(kAccepted, accepted);
  set(kShare, absl::StrCat(support.share_bp()));
  RETURN_IF_ERROR(SetOthers(granting.others, &facts));
  ASSIGN_OR_RETURN(Decision decision, DecideGrant(facts));
  decision.set_norms_edition(norms.edition());
  // The share is a fact of the support here, and a norm of the day of its examination.
  decision.set_rests_on_assumption(support.examination().rests_on_assumption());
  return decision;
}

absl::StatusOr<Decision> ReplayGrant(const Decision& stored) {
  return cases::Replay(stored, DecideGrant);
}

absl::StatusOr<Decision> Pay(const Paying& paying, const norms::Norms& norms) {
  const Support& support = *paying.support;
  Facts facts;
  SetCluster(paying.cluster_state, paying.organization, paying.cluster, &facts);
  facts.Set(kRecipient, support.recipient(), paying.source.name, paying.source.etag);
  SetBelonging(support, paying.source, paying.belonging, &facts);
  cases::SetChecked(kGate, *paying.checked, &facts);
  ASSIGN_OR_RETURN(const std::string approved, Text(support.approved_sum()));
  ASSIGN_OR_RETURN(const std::string paid, Text(support.paid_sum()));
  facts.Set(kApproved, approved, paying.source.name, paying.source.etag);
  facts.Set(kPaid, paid, paying.source.name, paying.source.etag);
  facts.Set(kAmount, paying.amount.ToString(), paying.source.name, paying.source.etag);
  ASSIGN_OR_RETURN(Decision decision, DecidePayment(facts));
  decision.set_norms_edition(norms.edition());
  return decision;
}

absl::Status CheckReturn(const GivenBack& given, base::Date today) {
  ASSIGN_OR_RETURN(const Money most, given.paid.Sub(given.returned));
  if (given.amount > most) return errors::SumOverPaid(most);
  return given.first_paid <= given.day && given.day <= today ? absl::OkStatus()
                                                             : errors::PaymentDateInvalid();
}

absl::StatusOr<Decision> ReplayPayment(const Decision& stored) {
  return cases::Replay(stored, DecidePayment);
}

}  // namespace nisi::clusters
