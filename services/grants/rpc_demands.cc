// The return of money: demand, excuse, repayment.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "services/grants/errors.h"
#include "services/grants/rpcs.h"

namespace nisi::grants {
namespace {

using base::Date;
using base::Money;
using DemandStep = cases::Step<DemandRow>;

absl::StatusOr<Money> RepaidSum(const Demand& demand) {
  Money sum;
  for (const auto& repayment : demand.repayments()) {
    ASSIGN_OR_RETURN(const Money amount, Money::FromProto(repayment.amount()));
    ASSIGN_OR_RETURN(sum, sum.Add(amount));
  }
  return sum;
}

// The day up to which late interest is charged, or from which it would run.
absl::StatusOr<Date> ChargedUntil(const Demand& demand) {
  // Not due_date, which is that of the term and goes with it.
  ASSIGN_OR_RETURN(const Date due, Date::FromProto(demand.computation().due_date()));
  if (demand.repayments().empty()) return due;
  const auto& last = demand.repayments(demand.repayments_size() - 1);
  ASSIGN_OR_RETURN(const Date paid, Date::FromProto(last.pay_date()));
  return std::max(due, paid);
}

// Late interest up to a day of payment, on what was demanded and is not paid, at the base rate of
// the day of demand (Art. 27(4)).
// The rate is the one that the demand was stored with, and what is charged is told line by line.
absl::Status ChargeLateInterest(Date paid_on, Demand* demand, Demand::Repayment* repayment) {
  ASSIGN_OR_RETURN(const Date until, ChargedUntil(*demand));
  const Date from = until.AddDays(1);
  ASSIGN_OR_RETURN(const base::Percent rate, cases::RateOfDemand(demand->decision()));
  ASSIGN_OR_RETURN(const Money total, Money::FromProto(demand->total()));
  ASSIGN_OR_RETURN(const Money repaid, RepaidSum(*demand));
  ASSIGN_OR_RETURN(Money unpaid, total.Sub(repaid));
  unpaid = std::max(unpaid, Money());
  ASSIGN_OR_RETURN(const Money more, cases::LateInterest(unpaid, rate, from, paid_on));
  if (!more.is_zero()) {
    Demand::LateInterest& line = *repayment->mutable_late();
    *line.mutable_from() = from.ToProto();
    *line.mutable_to() = paid_on.ToProto();
    line.set_days(paid_on - from + 1);
    line.set_rate(rate.ToString());
    *line.mutable_unpaid() = unpaid.ToProto();
    *line.mutable_amount() = more.ToProto();
  }
  ASSIGN_OR_RETURN(const Money before, Money::FromProto(demand->late_interest()));
  ASSIGN_OR_RETURN(const Money all, before.Add(more));
  *demand->mutable_late_interest() = all.ToProto();
  return absl::OkStatus();
}

absl::StatusOr<Money> Owed(const Demand& demand) {
  ASSIGN_OR_RETURN(const Money total, Money::FromProto(demand.total()));
  ASSIGN_OR_RETURN(const Money late, Money::FromProto(demand.late_interest()));
  ASSIGN_OR_RETURN(const Money all, total.Add(late));
  ASSIGN_OR_RETURN(const Money repaid, RepaidSum(demand));
  return all.Sub(repaid);
}

absl::Status CheckPayDate(const Demand& demand, Date paid_on, Date today) {
  ASSIGN_OR_RETURN(Date earliest, Date::FromProto(demand.demand_date()));
  if (!demand.repayments().empty()) {
    ASSIGN_OR_RETURN(earliest,
                     Date::FromProto(demand.repayments(demand.repayments_size() - 1).pay_date()));
  }
  return paid_on >= earliest && paid_on <= today ? absl::OkStatus() : errors::PaymentDateInvalid();
}

Debtor DebtorOf(const Demand& demand) {
  return {demand.recipient(), v1::UnreliableRecipient::DEMAND_PAST_DUE, demand.name(), "system"};
}

// The recipient leaves the list for this demand. Another one may be past due as well.
absl::Status Unlist(store::Tx& tx, const Demand& demand, bool in_time) {
  if (demand.listing().empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const std::vector<DemandRow> all,
                   AllOf(tx, kDemandsByRecipient, store::Key::Of(demand.recipient())));
  std::string other;
  for (const DemandRow& row : all) {
    if (row.demand().name() != demand.name() && row.demand().state() == Demand::ISSUED &&
        !row.demand().listing().empty()) {
      other = row.demand().name();
    }
  }
  return UnlistDebtor(tx, DebtorOf(demand), other, in_time);
}

// What a demand was made for is done: the application and the list follow.
absl::Status Recover(const Env& env, store::Tx& tx, const Demand& demand) {
  // Late officials harm nobody: what came in time and was recorded later is no debt past due.
  ASSIGN_OR_RETURN(const Date due, Date::FromProto(demand.computation().due_date()));
  ASSIGN_OR_RETURN(const Date last,
                   Date::FromProto(demand.repayments(demand.repayments_size() - 1).pay_date()));
  RETURN_IF_ERROR(Unlist(tx, demand, last <= due));
  ASSIGN_OR_RETURN(ApplicationRow row,
                   Need(tx, kApplications, store::Key::Of(Sibling("applications", demand.name()))));
  ASSIGN_OR_RETURN(
      ApplicationStep step,
      cases::BeginByItself(ApplicationMachine(), ApplicationVerb::kRecover, std::move(row)));
  return FinishApplication(env, tx, &step);
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
  ASSIGN_OR_RETURN(const std::vector<std::string> reached,
                   ReachedIn(agreement.assessment(), agreement.obligations_size()));
  DemandRow row;
  Demand& demand = *row.mutable_demand();
  demand.set_name(Sibling("demands", agreement.name()));
  ASSIGN_OR_RETURN(
      cases::Judged judged,
      JudgeObligations(agreement.obligations(), reached, payments, *env.norms, tx.today(),
                       {agreement.name(), agreement.etag()}, &agreement.assessment()));
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
  static const base::EdgeDef kNothing{
      base::Clauses{.duty = base::Duty::kDecides}, base::kNotThere,   0, Demand::REPAID,
      base::RoleBit(rpc::v1::AUTHORITY_INDUSTRY),  errors::Recovering};
  // Less than half a tenge is no debt: nobody could pay it, and nobody is listed for it.
  ASSIGN_OR_RETURN(const Money total, Money::FromProto(demand.total()));
  DemandStep issued{Made(DemandMachine(), total.is_zero() ? kNothing : kIssue, step.of.subject),
                    std::move(row)};
  RETURN_IF_ERROR(step.of.Lead(total.is_zero() ? Application::CLOSED : Application::RECOVERY));
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
  ASSIGN_OR_RETURN(Decision excuse, JudgeExcuse(request.beyond_control(), request.documents(),
                                                request.reason(), {agreement.name(), tx.etag()}));
  if (excuse.outcome() != "EXCUSED") return errors::ExcuseNotSupported();
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
  // Typed in again under another request it is the same money.
  for (const Demand::Repayment& known : demand.repayments()) {
    if (known.payment_number() == request.payment_number()) return errors::RepaymentRecorded();
  }
  Demand::Repayment repayment;
  *repayment.mutable_amount() = request.amount();
  *repayment.mutable_pay_date() = request.pay_date();
  repayment.set_payment_number(request.payment_number());
  RETURN_IF_ERROR(ChargeLateInterest(paid_on, &demand, &repayment));
  ASSIGN_OR_RETURN(const Money owed, Owed(demand));
  if (amount > owed) return errors::SumOverDemand();
  *demand.add_repayments() = std::move(repayment);
  ASSIGN_OR_RETURN(const AgreementRow of,
                   Need(tx, kAgreements, store::Key::Of(demand.agreement())));
  RETURN_IF_ERROR(PostFor(tx, of.agreement().programme(), cases::Posting::RECOVER, amount,
                          demand.name(), step.subject)
                      .status());
  const bool all = amount == owed;
  if (all) {
    RETURN_IF_ERROR(Recover(env, tx, demand));
    demand.clear_listing();
  }
  RETURN_IF_ERROR(step.Lead(all ? Demand::REPAID : Demand::ISSUED));
  RETURN_IF_ERROR(cases::Finish(tx, *env.norms, kDemands, &step, {.bin = demand.recipient()}));
  return demand;
}

absl::Status DemandOverdue(const Env& /*env*/, store::Tx& tx, const cases::Deadline& deadline,
                           Date day) {
  ASSIGN_OR_RETURN(DemandRow row, Need(tx, kDemands, store::Key::Of(deadline.record())));
  ASSIGN_OR_RETURN(const std::string listing, ListDebtor(tx, DebtorOf(row.demand()), day));
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
  rpc::ListPlan plan;
  plan.table = &kDemands;
  ASSIGN_OR_RETURN(plan.at, rpc::AtOf(request));
  rpc::PlanPage(request, call, &plan);
  plan.indexes = {{"recipient", &kDemandsByRecipient, rpc::TextKey}};
  plan.scopes = {{rpc::v1::ENTITY, &kDemandsByRecipient}};
  plan.show = rpc::ShowTo<Demand>(call);
  ASSIGN_OR_RETURN(std::string page, rpc::ListPage(*env.store, plan));
  return Encoded<v1::ListDemandsResponse>{std::move(page)};
}

}  // namespace nisi::grants
