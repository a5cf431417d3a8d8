// From acceptance to payment: the second check of the recipient, the agreement, the one payment.
#include <algorithm>
#include <optional>

#include "absl/strings/str_cat.h"
#include "common/base/log.h"
#include "common/base/roles.h"
#include "common/cases/ahead.h"
#include "common/cases/budget.h"
#include "common/cases/refusals.h"
#include "common/norms/term.h"
#include "google/protobuf/util/message_differencer.h"
#include "services/export_refunds/errors.h"
#include "services/export_refunds/rpcs.h"
#include "services/export_refunds/rules_obligations.h"

namespace nisi::export_refunds {
namespace {

using base::Money;
using cases::Posting;
using gate::v1::Notice;

// It has no money yet: its turn has not come. One that failed the second check has none either, and
// is checked again for all that.
bool Waits(const Claim& claim) {
  return !claim.funded() && claim.gate().outcome() != "FAILED";
}

// What the gate says of a claim that may take the step, outside any transaction.
absl::StatusOr<Checked> AskBeforePayment(Env& env, const Call& call, ClaimVerb verb,
                                         const std::string& name, const std::string& etag) {
  const store::View view = env.store->Read();
  ASSIGN_OR_RETURN(const auto found, rpc::FindFor(view, call, kClaims, store::Key::Of(name), name));
  const Claim& claim = found.row.claim();
  RETURN_IF_ERROR(
      cases::MayBegin(call, ClaimMachine(), verb, found.row, {.roles = found.roles, .etag = etag}));
  if (Waits(claim)) return errors::QueueWaits();
  return AskGate(env, call, {gate::v1::BEFORE_PAYMENT, claim.claimant(), name, call.today()});
}

// Why a payment is refused, by the first finding that is not satisfied.
absl::Status CheckPayable(const Decision& decision, int64_t ready_before) {
  const std::vector<std::string> unsatisfied = UnsatisfiedOf(decision);
  if (unsatisfied.empty()) return absl::OkStatus();
  if (cases::IsOfGate(unsatisfied.front())) return errors::GateFailed();
  if (unsatisfied.front() == "FIRST_IN_QUEUE") return errors::QueueOrder(ready_before);
  return errors::DemandPastDue();
}

// The day of the last second check that the recipient has passed: by its notice, or as RunGate was
// told it by a gate that records none here.
absl::StatusOr<std::optional<base::Date>> PassedOn(const store::Reader& reader,
                                                   const ClaimRow& row) {
  std::optional<base::Date> passed;
  if (row.has_gate_check_date()) {
    ASSIGN_OR_RETURN(passed, base::Date::FromProto(row.gate_check_date()));
  }
  ASSIGN_OR_RETURN(const auto last,
                   cases::LastNotice(reader, row.claim().name(), gate::v1::BEFORE_PAYMENT,
                                     row.claim().claimant()));
  if (!last.has_value() || last->verdict() != Notice::PASSED) return passed;
  ASSIGN_OR_RETURN(const base::Date checked, base::Date::FromProto(last->check_date()));
  return passed.has_value() ? std::max(*passed, checked) : checked;
}

// The order goes out within the days after the passed second check (No. 437): where the agreement
// is signed the term to pay runs from the day of the last one.
absl::Status RenewPayment(const Env& env, store::Tx& tx, const ClaimRow& row) {
  ASSIGN_OR_RETURN(const std::optional<base::Date> passed, PassedOn(tx, row));
  if (!passed.has_value()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const std::vector<cases::Deadline> open,
                   cases::OpenDeadlines(tx, row.claim().name()));
  for (const cases::Deadline& deadline : open) {
    if (deadline.kind() != kPaymentTerm) continue;
    ASSIGN_OR_RETURN(const base::Date since, base::Date::FromProto(deadline.since()));
    if (*passed <= since) continue;
    ASSIGN_OR_RETURN(const norms::Term term, norms::TermOf(*env.norms, kPaymentTerm, *passed));
    RETURN_IF_ERROR(cases::CloseDeadline(tx, deadline.name(), cases::Deadline::CANCELLED));
    cases::Deadline next;
    next.set_record(deadline.record());
    next.set_kind(deadline.kind());
    *next.mutable_roles() = deadline.roles();
    *next.mutable_since() = term.since.ToProto();
    *next.mutable_due_date() = term.last_day.ToProto();
    next.set_norm(term.norm);
    next.set_rests_on_assumption(term.assumption);
    *next.mutable_legal_basis() = deadline.legal_basis();
    RETURN_IF_ERROR(cases::OpenDeadline(tx, std::move(next)).status());
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<gate::v1::Notice> RecordNotice(Env& env, const Call& call, store::Tx& tx,
                                              const gate::v1::RecordNoticeRequest& request) {
  const std::string& record = request.notice().record();
  ASSIGN_OR_RETURN(auto found, rpc::FindFor(tx, call, kClaims, store::Key::Of(record), record));
  Claim& claim = *found.row.mutable_claim();
  if (claim.claimant() != request.notice().recipient()) {
    return base::InvalidField("notice.recipient", "is not the claimant of that claim");
  }
  ASSIGN_OR_RETURN(Notice notice, cases::RecordNotice(call, tx, request, errors::RecipientGate()));
  if (claim.state() != Claim::AGREEMENT_SIGNED) return notice;
  RETURN_IF_ERROR(RenewPayment(env, tx, found.row));
  ASSIGN_OR_RETURN(const std::vector<cases::Deadline> open, cases::OpenDeadlines(tx, claim.name()));
  // A version that somebody holds stays good where the day does.
  if (open.empty() || google::protobuf::util::MessageDifferencer::Equals(open.front().due_date(),
                                                                         claim.due_date())) {
    return notice;
  }
  *claim.mutable_due_date() = open.front().due_date();
  RETURN_IF_ERROR(tx.Put(kClaims, &found.row));
  return notice;
}

absl::StatusOr<Encoded<gate::v1::Notice>> GetNotice(Env& env, Call& call,
                                                    const gate::v1::GetNoticeRequest& request) {
  return cases::GetNotice(*env.store, call, request);
}

absl::StatusOr<Encoded<gate::v1::ListNoticesResponse>> ListNotices(
    Env& env, Call& call, const gate::v1::ListNoticesRequest& request) {
  return cases::ListNotices(*env.store, call, request);
}

absl::StatusOr<v1::Claim> RunGate(Env& env, Call& call, const v1::RunGateRequest& request) {
  return GatherThenWrite<Claim>(
      env, call, request,
      [&] {
        return AskBeforePayment(env, call, ClaimVerb::kRunGate, request.name(), request.etag());
      },
      [&](store::Tx& tx, const Checked& checked) -> absl::StatusOr<Claim> {
        RETURN_IF_ERROR(cases::ConfirmNotice(tx, checked.notice));
        // Whoever says that the recipient has passed does not go by it.
        ASSIGN_OR_RETURN(ClaimStep step,
                         BeginClaim(tx, call, ClaimVerb::kRunGate, request.name(), request.etag(),
                                    {cases::ActOf(checked.notice)}));
        Claim& claim = *step.row.mutable_claim();
        if (Waits(claim)) return errors::QueueWaits();
        ASSIGN_OR_RETURN(Decision gate, PassGate(checked, *env.norms));
        SetDecideTime(tx, &gate);
        const bool passed = gate.outcome() == "PASSED";
        *claim.mutable_gate() = std::move(gate);
        step.row.set_gate_notice(checked.notice.name());
        if (passed) *step.row.mutable_gate_check_date() = checked.notice.check_date();
        // Before the agreement the money of one that fails goes to the next, and its term to sign
        // is over. When it passes later, it has a place in the queue again, and goes on from there.
        if (claim.state() != Claim::AGREEMENT_SIGNED) {
          if (!passed) RETURN_IF_ERROR(ReleaseMoney(tx, step.subject, &claim));
          RETURN_IF_ERROR(step.Lead(claim.funded() ? Claim::GATE_2 : Claim::ACCEPTED));
        } else {
          RETURN_IF_ERROR(RenewPayment(env, tx, step.row));
        }
        RETURN_IF_ERROR(FinishClaim(env, tx, &step));
        RETURN_IF_ERROR(ServeQueue(env, tx));
        return ClaimNow(tx, claim.name());
      });
}

absl::StatusOr<v1::Claim> SignAgreement(Env& env, const Call& call, store::Tx& tx,
                                        const v1::SignAgreementRequest& request) {
  ASSIGN_OR_RETURN(const base::Date dated, base::Date::FromProto(request.agreement_date()));
  ASSIGN_OR_RETURN(ClaimStep step,
                   BeginClaim(tx, call, ClaimVerb::kSignAgreement, request.name(), request.etag()));
  Claim& claim = *step.row.mutable_claim();
  const base::Date accepted =
      base::Date::LegalDay(absl::FromUnixSeconds(claim.decision().decide_time().seconds()));
  if (dated < accepted || dated > tx.today()) return errors::AgreementDateInvalid();
  ASSIGN_OR_RETURN(const auto owing, OwesPastDue(tx, claim.claimant()));
  if (owing.has_value()) return errors::DemandPastDue();
  const bool first = claim.agreement_number().empty();
  if (first) {
    claim.set_agreement_number(request.agreement_number());
    *claim.mutable_agreement_date() = request.agreement_date();
  } else if (claim.agreement_number() != request.agreement_number() ||
             base::Date::FromProto(claim.agreement_date()).value_or(base::Date()) != dated) {
    return errors::AgreementDiffers();
  }
  const bool for_institute = (step.roles & base::RoleBit(rpc::v1::INSTITUTE_EXPORT)) != 0;
  std::string* signature =
      for_institute ? claim.mutable_signed_for_institute() : claim.mutable_signed_for_claimant();
  if (!signature->empty()) return cases::SignedAlready(errors::Agreement());
  *signature = step.subject;
  *claim.add_signatures() = request.signature();
  RETURN_IF_ERROR(step.Lead(first ? Claim::GATE_2 : Claim::AGREEMENT_SIGNED));
  if (!first) {
    ASSIGN_OR_RETURN(const Money amount, Money::FromProto(claim.amount()));
    RETURN_IF_ERROR(PostFor(tx, Posting::COMMIT, amount, claim.name(), step.subject).status());
    RETURN_IF_ERROR(SetObligations(&claim));
    ASSIGN_OR_RETURN(step.since, PassedOn(tx, step.row));
  }
  RETURN_IF_ERROR(FinishClaim(env, tx, &step));
  return claim;
}

absl::StatusOr<v1::Claim> PayClaim(Env& env, Call& call, const v1::PayClaimRequest& request) {
  return GatherThenWrite<Claim>(
      env, call, request,
      [&] { return AskBeforePayment(env, call, ClaimVerb::kPay, request.name(), request.etag()); },
      [&](store::Tx& tx, const Checked& checked) -> absl::StatusOr<Claim> {
        RETURN_IF_ERROR(cases::ConfirmNotice(tx, checked.notice));
        ASSIGN_OR_RETURN(ClaimStep step,
                         BeginClaim(tx, call, ClaimVerb::kPay, request.name(), request.etag(),
                                    {cases::ActOf(checked.notice)}));
        Claim& claim = *step.row.mutable_claim();
        Paying paying;
        paying.claim = &claim;
        paying.checked = &checked;
        ASSIGN_OR_RETURN(paying.ready_before, ReadyBefore(tx, claim.number()));
        ASSIGN_OR_RETURN(paying.owing, OwesPastDue(tx, claim.claimant()));
        paying.day = tx.today();
        paying.origin = {claim.name(), claim.etag()};
        paying.register_version = VersionOf(tx);
        ASSIGN_OR_RETURN(Decision decision, Pay(paying, *env.norms));
        RETURN_IF_ERROR(CheckPayable(decision, paying.ready_before));
        SetDecideTime(tx, &decision);
        *claim.mutable_payment_decision() = std::move(decision);
        ASSIGN_OR_RETURN(const Money amount, Money::FromProto(claim.amount()));
        v1::Payment& payment = *claim.mutable_payment();
        *payment.mutable_amount() = claim.amount();
        payment.set_order_number(request.order_number());
        *payment.mutable_pay_date() = tx.today().ToProto();
        payment.set_paid_by(step.subject);
        ASSIGN_OR_RETURN(*payment.mutable_posting(),
                         PostFor(tx, Posting::PAY, amount, claim.name(), step.subject));
        RETURN_IF_ERROR(FinishClaim(env, tx, &step));
        tx.Schedule(tx.today().EndOfDay(), kBeginMonitoringTimer, claim.name());
        return claim;
      });
}

absl::Status BeginMonitoring(const Env& env, store::Tx& tx, absl::string_view payload,
                             absl::Time due) {
  const std::string name(payload);
  ASSIGN_OR_RETURN(auto found, tx.Find(kClaims, store::Key::Of(name)));
  if (!found.has_value() || found->row.claim().state() != Claim::PAID) return absl::OkStatus();
  ASSIGN_OR_RETURN(const base::Date paid_on,
                   base::Date::FromProto(found->row.claim().payment().pay_date()));
  const base::Date day = paid_on.AddDays(1);
  const absl::Status begun = tx.Attempt([&]() -> absl::Status {
    ASSIGN_OR_RETURN(auto step, cases::BeginByItself(ClaimMachine(), ClaimVerb::kBeginMonitoring,
                                                     std::move(found->row), day));
    RETURN_IF_ERROR(OpenReportDeadlines(env, tx, step.row.claim(), day));
    return FinishClaim(env, tx, &step);
  });
  if (!absl::IsFailedPrecondition(begun)) return begun;
  // A norm is missing, say: that is mended in days, so this one comes again on the next.
  base::Log(base::Severity::kError, "monitoring_refused",
            {{"record", name}, {"status", begun.ToString()}});
  tx.Schedule(due + absl::Hours(24), kBeginMonitoringTimer, name);
  return absl::OkStatus();
}

}  // namespace nisi::export_refunds
