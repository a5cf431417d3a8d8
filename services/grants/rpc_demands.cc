// The return of money: demand, excuse, repayment.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/cases/refusals.h"
#include "common/cases/repayments.h"
#include "services/grants/errors.h"
#include "services/grants/rpcs.h"

namespace nisi::grants {
namespace {

using base::Date;
using base::Money;
using DemandStep = cases::Step<DemandRow>;

constexpr char kDemandTerm[] = "grants.demand_days";

using cases::Counts;

// By the stored decision, whatever norms say by now (Art. 27(4)).
absl::StatusOr<cases::Demanded> DemandedBy(const Demand& demand) {
  cases::Demanded demanded;
  ASSIGN_OR_RETURN(demanded.total, Money::FromProto(demand.total()));
  ASSIGN_OR_RETURN(demanded.rate, cases::RateOfDemand(demand.decision()));
  // Not due_date, which is that of the term and goes with it.
  ASSIGN_OR_RETURN(demanded.due, Date::FromProto(demand.computation().due_date()));
  return demanded;
}

absl::Status CheckPayDate(const Demand& demand, Date paid_on, Date today) {
  ASSIGN_OR_RETURN(const Date earliest, Date::FromProto(demand.demand_date()));
  return paid_on >= earliest && paid_on <= today ? absl::OkStatus() : errors::PaymentDateInvalid();
}

const std::string& NumberOf(const Demand::Repayment& repayment) {
  return repayment.payment_number();
}

Demand::Repayment* RepaymentOf(const std::string& payment_number, Date paid_on, Demand* demand) {
  return cases::RepaymentBy(payment_number, paid_on, NumberOf, demand->mutable_repayments());
}

// Typed in again under another request it is the same money.
absl::Status CheckNotKnown(const v1::RecordRepaymentRequest& request, Money amount, Date paid_on,
                           Demand* demand) {
  ASSIGN_OR_RETURN(const cases::Known known,
                   cases::KnownPayment(request.payment_number(), paid_on, amount, NumberOf,
                                       demand->mutable_repayments()));
  if (known == cases::Known::kSame) return cases::RepaymentRecorded(errors::Recovering());
  const bool doubtful = known == cases::Known::kAlike && !request.another_payment();
  return doubtful ? cases::RepaymentAlike(errors::Recovering()) : absl::OkStatus();
}

// The one that is to be undone: by its number, and by its day where that number has more.
absl::StatusOr<Demand::Repayment*> RepaymentToUndo(const v1::ReverseRepaymentRequest& request,
                                                   Demand* demand) {
  if (request.has_pay_date()) {
    ASSIGN_OR_RETURN(const Date paid_on, Date::FromProto(request.pay_date()));
    Demand::Repayment* repayment = RepaymentOf(request.payment_number(), paid_on, demand);
    if (repayment == nullptr)
      return cases::RepaymentUnknown("payment_number", errors::Recovering());
    return repayment;
  }
  Demand::Repayment* only = nullptr;
  for (Demand::Repayment& repayment : *demand->mutable_repayments()) {
    if (!Counts(repayment) || repayment.payment_number() != request.payment_number()) continue;
    if (only != nullptr) {
      return base::InvalidField("pay_date", "is required where more than one has that number");
    }
    only = &repayment;
  }
  if (only == nullptr) return cases::RepaymentUnknown("payment_number", errors::Recovering());
  return only;
}

// Past due since the day after its last, also where the mistake that hid it was found later.
absl::StatusOr<Debtor> DebtorOf(const Demand& demand) {
  ASSIGN_OR_RETURN(const Date due, Date::FromProto(demand.computation().due_date()));
  return Debtor{demand.recipient(), v1::UnreliableRecipient::DEMAND_PAST_DUE, demand.name(),
                "system", due.AddDays(1)};
}

// The recipient leaves the list for this demand. Another one may be past due as well.
absl::Status Unlist(store::Tx& tx, const Demand& demand, bool in_time) {
  if (demand.listing().empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const std::vector<DemandRow> all,
                   AllOf(tx, kDemandsByRecipient, store::Key::Of(demand.recipient())));
  std::vector<OtherDebt> others;
  for (const DemandRow& row : all) {
    const Demand& other = row.demand();
    if (other.name() == demand.name() || other.state() != Demand::ISSUED ||
        other.listing().empty()) {
      continue;
    }
    ASSIGN_OR_RETURN(const Date due, Date::FromProto(other.computation().due_date()));
    others.push_back({other.name(), due.AddDays(1), std::nullopt});
  }
  ASSIGN_OR_RETURN(const Debtor debtor, DebtorOf(demand));
  return UnlistDebtor(tx, debtor, others, in_time);
}

// What a demand was made for is done: the application and the list follow.
absl::Status Recover(const Env& env, store::Tx& tx, const Demand& demand) {
  // Late officials harm nobody: what came in time and was recorded later is no debt past due.
  ASSIGN_OR_RETURN(const Date due, Date::FromProto(demand.computation().due_date()));
  Date last = Date::Min();
  for (const Demand::Repayment& repayment : demand.repayments()) {
    if (!Counts(repayment)) continue;
    ASSIGN_OR_RETURN(last, Date::FromProto(repayment.pay_date()));
  }
  RETURN_IF_ERROR(Unlist(tx, demand, last <= due));
  ASSIGN_OR_RETURN(ApplicationRow row,
                   Need(tx, kApplications, store::Key::Of(Sibling("applications", demand.name()))));
  ASSIGN_OR_RETURN(
      ApplicationStep step,
      cases::BeginByItself(ApplicationMachine(), ApplicationVerb::kRecover, std::move(row)));
  return FinishApplication(env, tx, &step);
}

// It is not done after all: money is owed again, whatever the recipient has been granted meanwhile.
absl::Status Reopen(const Env& env, store::Tx& tx, const Demand& demand) {
  ASSIGN_OR_RETURN(ApplicationRow row,
                   Need(tx, kApplications, store::Key::Of(Sibling("applications", demand.name()))));
  ASSIGN_OR_RETURN(
      ApplicationStep step,
      cases::BeginByItself(ApplicationMachine(), ApplicationVerb::kReopen, std::move(row)));
  RETURN_IF_ERROR(FinishApplication(env, tx, &step));
  // The demand is made: nobody has to make it again.
  RETURN_IF_ERROR(
      CloseTerms(tx, step.row.application().name(), {kDemandTerm}, cases::Deadline::CANCELLED));
  step.row.mutable_application()->clear_due_date();
  return tx.Put(kApplications, &step.row);
}

// What is unpaid of a demand falls away; what was paid stays recorded.
absl::Status CancelDemand(const Env& env, store::Tx& tx, const std::string& name) {
  ASSIGN_OR_RETURN(DemandRow row, Need(tx, kDemands, store::Key::Of(name)));
  ASSIGN_OR_RETURN(DemandStep step,
                   cases::BeginByItself(DemandMachine(), DemandVerb::kCancel, std::move(row)));
  RETURN_IF_ERROR(Unlist(tx, step.row.demand(), /*in_time=*/false));
  step.row.mutable_demand()->clear_listing();
  return cases::Finish(tx, *env.norms, kDemands, &step);
}

}  // namespace

absl::StatusOr<v1::Demand> DemandReturn(Env& env, const Call& call, store::Tx& tx,
                                        const v1::DemandReturnRequest& request) {
  ASSIGN_OR_RETURN(AgreementStep step, BeginAgreement(tx, call, ApplicationVerb::kDemand,
                                                      request.name(), request.etag()));
  Agreement& agreement = step.agreement();
  if (!agreement.demand().empty()) return errors::DemandExists();
  ASSIGN_OR_RETURN(const std::vector<v1::Payment> payments, PaymentsOf(tx, agreement.name()));
  DemandRow row;
  Demand& demand = *row.mutable_demand();
  demand.set_name(Sibling("demands", agreement.name()));
  ASSIGN_OR_RETURN(cases::Judged judged,
                   JudgeDemand(agreement.obligations(), agreement.assessment(), payments,
                               *env.norms, tx.today(), {agreement.name(), agreement.etag()}));
  SetDecideTime(tx, &judged.decision);
  demand.set_agreement(agreement.name());
  demand.set_recipient(agreement.recipient());
  *demand.mutable_demand_date() = judged.demand.demand_date();
  *demand.mutable_total() = judged.demand.total();
  *demand.mutable_late_interest() = Money().ToProto();
  *demand.mutable_decision() = std::move(judged.decision);
  *demand.mutable_computation() = std::move(judged.demand);
  static const base::EdgeDef kIssue{
      base::Clauses{.duty = base::Duty::kDecides}, base::kNotThere,   0, Demand::ISSUED,
      base::RoleBit(rpc::v1::AUTHORITY_INDUSTRY),  errors::Recovering};
  DemandStep issued{Made(DemandMachine(), kIssue, step.of.subject), std::move(row)};
  RETURN_IF_ERROR(cases::Finish(tx, *env.norms, kDemands, &issued, {.bin = agreement.recipient()}));
  agreement.set_demand(issued.row.demand().name());
  RETURN_IF_ERROR(FinishAgreement(env, tx, &step));
  return issued.row.demand();
}

absl::StatusOr<v1::Agreement> ExcuseFailure(Env& env, const Call& call, store::Tx& tx,
                                            const v1::ExcuseFailureRequest& request) {
  ASSIGN_OR_RETURN(AgreementStep step, BeginAgreement(tx, call, ApplicationVerb::kExcuse,
                                                      request.name(), request.etag()));
  Agreement& agreement = step.agreement();
  ASSIGN_OR_RETURN(Decision excuse,
                   JudgeExcuse(request.beyond_control(), request.documents(), request.reason(),
                               *env.norms, {agreement.name(), tx.etag()}));
  if (excuse.outcome() != "EXCUSED") return cases::ExcuseNotSupported(errors::Excusing());
  SetDecideTime(tx, &excuse);
  *agreement.mutable_excuse() = std::move(excuse);
  *agreement.mutable_excuse_documents() = request.documents();
  if (!agreement.demand().empty()) RETURN_IF_ERROR(CancelDemand(env, tx, agreement.demand()));
  RETURN_IF_ERROR(FinishAgreement(env, tx, &step));
  return agreement;
}

absl::StatusOr<v1::Demand> RecordRepayment(Env& env, const Call& call, store::Tx& tx,
                                           const v1::RecordRepaymentRequest& request) {
  const std::string& name = request.name();
  ASSIGN_OR_RETURN(auto found, rpc::FindFor(tx, call, kDemands, store::Key::Of(name), name));
  ASSIGN_OR_RETURN(DemandStep step,
                   cases::Begin(call, DemandMachine(), DemandVerb::kRepay, std::move(found.row),
                                {.roles = found.roles, .etag = request.etag()}));
  Demand& demand = *step.row.mutable_demand();
  ASSIGN_OR_RETURN(const Money amount, Money::FromProto(request.amount()));
  if (amount.is_zero()) return base::InvalidField("amount", "must be more than 0");
  ASSIGN_OR_RETURN(const Date paid_on, Date::FromProto(request.pay_date()));
  RETURN_IF_ERROR(CheckPayDate(demand, paid_on, tx.today()));
  RETURN_IF_ERROR(CheckNotKnown(request, amount, paid_on, &demand));
  Demand::Repayment repayment;
  *repayment.mutable_amount() = request.amount();
  *repayment.mutable_pay_date() = request.pay_date();
  repayment.set_payment_number(request.payment_number());
  repayment.set_recorded_by(step.subject);
  ASSIGN_OR_RETURN(const cases::Demanded demanded, DemandedBy(demand));
  Money most;
  ASSIGN_OR_RETURN(const auto balance,
                   cases::TakeRepayment(demanded, demand.mutable_repayments(), &repayment, &most));
  if (!balance.has_value()) return errors::SumOverDemand(most);
  *demand.mutable_late_interest() = balance->late.ToProto();
  ASSIGN_OR_RETURN(const Money counts, Money::FromProto(repayment.amount()));
  ASSIGN_OR_RETURN(const AgreementRow of,
                   Need(tx, kAgreements, store::Key::Of(demand.agreement())));
  ASSIGN_OR_RETURN(const cases::Posting posting,
                   PostFor(tx, of.agreement().programme(), cases::Posting::RECOVER, counts,
                           demand.name(), step.subject));
  RepaymentOf(request.payment_number(), paid_on, &demand)->set_posting(posting.name());
  const bool all = balance->owed.is_zero();
  if (all) {
    RETURN_IF_ERROR(Recover(env, tx, demand));
    demand.clear_listing();
  }
  RETURN_IF_ERROR(step.Lead(all ? Demand::REPAID : Demand::ISSUED));
  RETURN_IF_ERROR(cases::Finish(tx, *env.norms, kDemands, &step, {.bin = demand.recipient()}));
  return demand;
}

absl::StatusOr<v1::Demand> ReverseRepayment(Env& env, const Call& call, store::Tx& tx,
                                            const v1::ReverseRepaymentRequest& request) {
  const std::string& name = request.name();
  ASSIGN_OR_RETURN(auto found, rpc::FindFor(tx, call, kDemands, store::Key::Of(name), name));
  ASSIGN_OR_RETURN(DemandStep step,
                   cases::Begin(call, DemandMachine(), DemandVerb::kReverse, std::move(found.row),
                                {.roles = found.roles, .etag = request.etag()}));
  Demand& demand = *step.row.mutable_demand();
  ASSIGN_OR_RETURN(Demand::Repayment* const repayment, RepaymentToUndo(request, &demand));
  if (demand.state() == Demand::REPAID) RETURN_IF_ERROR(Reopen(env, tx, demand));
  ASSIGN_OR_RETURN(
      const cases::Posting posting,
      cases::Reverse(tx, repayment->posting(), request.reason(), step.subject, errors::Account()));
  repayment->set_reversed_by(step.subject);
  repayment->set_reversal_posting(posting.name());
  repayment->set_reversal_reason(request.reason());
  ASSIGN_OR_RETURN(const cases::Demanded demanded, DemandedBy(demand));
  ASSIGN_OR_RETURN(const cases::Balance balance,
                   cases::ChargeLate(demanded, demand.mutable_repayments()));
  *demand.mutable_late_interest() = balance.late.ToProto();
  // Its term is the one it had: where that is over, the demand is past due.
  ASSIGN_OR_RETURN(step.since, Date::FromProto(demand.demand_date()));
  ASSIGN_OR_RETURN(step.until, Date::FromProto(demand.computation().due_date()));
  RETURN_IF_ERROR(cases::Finish(tx, *env.norms, kDemands, &step, {.bin = demand.recipient()}));
  return demand;
}

absl::Status DemandOverdue(const Env& /*env*/, store::Tx& tx, const cases::Deadline& deadline,
                           Date day) {
  ASSIGN_OR_RETURN(DemandRow row, Need(tx, kDemands, store::Key::Of(deadline.record())));
  ASSIGN_OR_RETURN(const Debtor debtor, DebtorOf(row.demand()));
  ASSIGN_OR_RETURN(const std::string listing, ListDebtor(tx, debtor));
  row.mutable_demand()->set_listing(listing);
  tx.Cite(errors::Recovering());
  return tx.Put(kDemands, &row, day);
}

absl::StatusOr<Encoded<v1::Demand>> GetDemand(Env& env, Call& call,
                                              const v1::GetDemandRequest& request) {
  return GetShown<Demand>(env, call, kDemands, store::Key::Of(request.name()), request);
}

absl::StatusOr<Encoded<v1::ListDemandsResponse>> ListDemands(
    Env& env, Call& call, const v1::ListDemandsRequest& request) {
  ASSIGN_OR_RETURN(rpc::ListPlan plan, rpc::PlanList(kDemands, request, call));
  plan.indexes = {{"recipient", &kDemandsByRecipient, rpc::TextKey}};
  plan.scopes = {{rpc::v1::ENTITY, &kDemandsByRecipient}};
  plan.show = rpc::ShowTo<Demand>(call);
  return rpc::ListAs<v1::ListDemandsResponse>(*env.store, plan);
}

}  // namespace nisi::grants
