// Tranches: proof, payment, and the end of those that will not be paid.
#include <algorithm>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/cases/ahead.h"
#include "common/rpc/gather.h"
#include "services/grants/errors.h"
#include "services/grants/gate_register.h"
#include "services/grants/rpcs.h"

namespace nisi::grants {
namespace {

using v1::Tranche;

// The tranche, in that state: TRANCHE_STATE. They are taken in their order.
absl::StatusOr<Tranche*> TrancheIn(Agreement* agreement, int32_t number, Tranche::State state) {
  const std::string needed = Tranche::State_Name(state);
  for (Tranche& tranche : *agreement->mutable_tranches()) {
    if (tranche.number() == number) {
      if (tranche.state() == state) return &tranche;
      return errors::TrancheState(Tranche::State_Name(tranche.state()),
                                  absl::StrCat(needed, " is needed"));
    }
    if (tranche.state() != Tranche::PAID) break;
  }
  return errors::TrancheState("WAITING", "the tranches before it are paid first");
}

bool IsLast(const Agreement& agreement, int32_t number) {
  return number == agreement.tranches(agreement.tranches_size() - 1).number();
}

// Whether the gate bars the recipient, whatever officials do: it stands on a list, or another gate
// has said so the last time. What a programme lacks bars nobody. This register's own gate is the
// lists: what it said of one that has left them since bars nobody any more.
absl::StatusOr<bool> IsBarred(const Env& env, const store::Reader& reader,
                              const Agreement& agreement) {
  ASSIGN_OR_RETURN(const auto lists, ListsOf(reader, agreement.recipient()));
  if (!lists.empty() || env.own_gate) return !lists.empty();
  ASSIGN_OR_RETURN(
      const std::optional<cases::Notice> last,
      cases::LastNotice(reader, agreement.name(), gate::v1::BEFORE_PAYMENT, agreement.recipient()));
  return last.has_value() && last->verdict() == cases::Notice::FAILED &&
         std::any_of(last->reasons().begin(), last->reasons().end(),
                     [](const std::string& reason) { return !IsOfProgramme(reason); });
}

// What the recipient has proven, or what waits to be judged, is its own by the agreement: an
// official who is late takes nothing from it (Art. 27(1)).
absl::Status CheckNothingProven(const Env& env, const store::Reader& reader,
                                const Agreement& agreement) {
  for (const Tranche& tranche : agreement.tranches()) {
    if (tranche.state() != Tranche::PROVEN && tranche.state() != Tranche::PROOF_FILED) continue;
    ASSIGN_OR_RETURN(const bool barred, IsBarred(env, reader, agreement));
    if (barred) continue;
    return errors::TrancheState(
        Tranche::State_Name(tranche.state()),
        "what is filed is judged and what is proven is paid, unless the gate bars its recipient");
  }
  return absl::OkStatus();
}

absl::StatusOr<v1::Payment> PayIt(Env& env, const Call& call, store::Tx& tx,
                                  const v1::PayTrancheRequest& request, cases::Notice* used) {
  ASSIGN_OR_RETURN(AgreementStep step,
                   BeginAgreement(tx, call, ApplicationVerb::kPay, request.name(), request.etag()));
  Agreement& agreement = step.agreement();
  ASSIGN_OR_RETURN(Tranche * tranche, TrancheIn(&agreement, request.tranche(), Tranche::PROVEN));
  cases::Notice& notice = *used;
  RETURN_IF_ERROR(KeepNotice(env, tx, &notice));
  if (notice.verdict() != cases::Notice::PASSED) {
    return errors::GateFailed(absl::StrJoin(notice.reasons(), ","));
  }

  PaymentRow row;
  row.set_agreement(agreement.name());
  row.set_number(tranche->number());
  v1::Payment& payment = *row.mutable_payment();
  payment.set_name(PaymentName(agreement.name(), tranche->number()));
  payment.set_recipient(agreement.recipient());
  *payment.mutable_amount() = tranche->amount();
  *payment.mutable_pay_date() = tx.today().ToProto();
  payment.set_order_number(request.order_number());
  payment.set_notice(notice.name());
  payment.set_paid_by(step.of.subject);
  ASSIGN_OR_RETURN(
      *payment.mutable_decision(),
      JudgePayment({&agreement,
                    tranche->number(),
                    &notice,
                    {agreement.name(), agreement.etag()}},  // the version that is paid by
                   *env.norms));
  SetDecideTime(tx, payment.mutable_decision());
  if (payment.decision().outcome() != "PAID") {
    return errors::TrancheState(Tranche::State_Name(tranche->state()),
                                FirstUnsatisfied(payment.decision()));
  }
  ASSIGN_OR_RETURN(const base::Money amount, base::Money::FromProto(tranche->amount()));
  ASSIGN_OR_RETURN(
      const cases::Posting posting,
      PostCommitted(tx, agreement, cases::Posting::PAY, amount, payment.name(), step.of.subject));
  payment.set_posting(posting.name());
  RETURN_IF_ERROR(tx.Put(kPayments, &row));

  const bool first = step.of.row.application().state() == Application::AGREEMENT_SIGNED;
  const bool last = IsLast(agreement, tranche->number());
  tranche->set_state(Tranche::PAID);
  RETURN_IF_ERROR(
      CloseTerms(tx, agreement.application(), {kPaymentDeadline}, cases::Deadline::DONE));
  ASSIGN_OR_RETURN(const base::Money before, base::Money::FromProto(agreement.paid_sum()));
  ASSIGN_OR_RETURN(const base::Money paid, before.Add(amount));
  *agreement.mutable_paid_sum() = paid.ToProto();
  if (first) RETURN_IF_ERROR(OpenMonitoring(env, tx, agreement));
  RETURN_IF_ERROR(step.of.Lead(last ? Application::MONITORING : Application::IN_EXECUTION));
  RETURN_IF_ERROR(FinishAgreement(env, tx, &step));
  return payment;
}

}  // namespace

absl::StatusOr<v1::Agreement> FileTrancheProof(Env& env, const Call& call, store::Tx& tx,
                                               const v1::FileTrancheProofRequest& request) {
  ASSIGN_OR_RETURN(AgreementStep step, BeginAgreement(tx, call, ApplicationVerb::kFileProof,
                                                      request.name(), request.etag()));
  Agreement& agreement = step.agreement();
  ASSIGN_OR_RETURN(Tranche * tranche, TrancheIn(&agreement, request.tranche(), Tranche::PENDING));
  tranche->set_state(Tranche::PROOF_FILED);
  tranche->clear_remark();
  Agreement::Proof& proof = *agreement.add_proofs();
  proof.set_tranche(tranche->number());
  *proof.mutable_documents() = request.documents();
  RETURN_IF_ERROR(OpenTerm(env, tx,
                           {agreement.application(), kProvingDeadline, "grants.proving_days",
                            tx.today(), rpc::v1::INSTITUTE_INDUSTRY, "", errors::Monitoring()}));
  if (IsLast(agreement, tranche->number())) {
    RETURN_IF_ERROR(
        CloseTerms(tx, agreement.application(), {kProofDeadline}, cases::Deadline::DONE));
  }
  RETURN_IF_ERROR(FinishAgreement(env, tx, &step));
  return agreement;
}

absl::StatusOr<v1::Agreement> ProveTranche(Env& env, const Call& call, store::Tx& tx,
                                           const v1::ProveTrancheRequest& request) {
  ASSIGN_OR_RETURN(AgreementStep step, BeginAgreement(tx, call, ApplicationVerb::kProve,
                                                      request.name(), request.etag()));
  Agreement& agreement = step.agreement();
  ASSIGN_OR_RETURN(Tranche * tranche,
                   TrancheIn(&agreement, request.tranche(), Tranche::PROOF_FILED));
  if (!request.proven() && request.remark().empty()) return errors::RemarkMissing();
  tranche->set_state(request.proven() ? Tranche::PROVEN : Tranche::PENDING);
  tranche->set_remark(request.remark());
  RETURN_IF_ERROR(
      CloseTerms(tx, agreement.application(), {kProvingDeadline}, cases::Deadline::DONE));
  if (request.proven()) {
    RETURN_IF_ERROR(OpenTerm(env, tx,
                             {agreement.application(), kPaymentDeadline, "grants.payment_days",
                              tx.today(), rpc::v1::INSTITUTE_INDUSTRY, "", errors::Account()}));
  } else if (IsLast(agreement, tranche->number())) {
    RETURN_IF_ERROR(OpenProofTerm(env, tx, agreement));  // its proof is owed again
  }
  RETURN_IF_ERROR(FinishAgreement(env, tx, &step));
  return agreement;
}

absl::StatusOr<v1::Payment> PayTranche(Env& env, Call& call, const v1::PayTrancheRequest& request) {
  cases::Notice notice, said;
  absl::StatusOr<v1::Payment> paid = rpc::GatherThenWrite<v1::Payment>(
      *env.store, call, request,
      [&]() -> absl::Status {
        std::string recipient;
        {
          const store::View view = env.store->Read();
          ASSIGN_OR_RETURN(const auto found,
                           rpc::FindFor(view, call, kAgreements, store::Key::Of(request.name()),
                                        request.name()));
          ASSIGN_OR_RETURN(
              const ApplicationRow of,
              Need(view, kApplications, store::Key::Of(found.row.agreement().application())));
          RETURN_IF_ERROR(rpc::CheckEtag(request.etag(), found.row.agreement().etag()));
          RETURN_IF_ERROR(cases::MayBegin(call, ApplicationMachine(), ApplicationVerb::kPay, of,
                                          {.roles = found.roles}));
          recipient = found.row.agreement().recipient();
        }
        ASSIGN_OR_RETURN(notice, cases::AskGate(*env.gate, call,
                                                {gate::v1::BEFORE_PAYMENT, recipient,
                                                 request.name(), call.today()}));
        return absl::OkStatus();
      },
      [&](store::Tx& tx) -> absl::StatusOr<v1::Payment> {
        said = notice;
        return PayIt(env, call, tx, request, &said);
      });
  // That it was checked and did not pass is on record, though nothing is paid.
  if (base::ReasonOf(paid.status()) == "GATE_FAILED" && !request.validate_only() &&
      said.verdict() == cases::Notice::FAILED) {
    RETURN_IF_ERROR(RecordFailed(env, call, said));
  }
  return paid;
}

absl::StatusOr<v1::Agreement> EndTranches(Env& env, const Call& call, store::Tx& tx,
                                          const v1::EndTranchesRequest& request) {
  ASSIGN_OR_RETURN(AgreementStep step, BeginAgreement(tx, call, ApplicationVerb::kEndTranches,
                                                      request.name(), request.etag()));
  Agreement& agreement = step.agreement();
  RETURN_IF_ERROR(CheckNothingProven(env, tx, agreement));
  base::Money rest;
  for (Tranche& tranche : *agreement.mutable_tranches()) {
    if (tranche.state() == Tranche::PAID) continue;
    ASSIGN_OR_RETURN(const base::Money amount, base::Money::FromProto(tranche.amount()));
    ASSIGN_OR_RETURN(rest, rest.Add(amount));
    tranche.set_state(Tranche::ENDED);
  }
  RETURN_IF_ERROR(PostCommitted(tx, agreement, cases::Posting::UNCOMMIT, rest, agreement.name(),
                                step.of.subject)
                      .status());
  RETURN_IF_ERROR(CloseTerms(tx, agreement.application(),
                             {kProofDeadline, kProvingDeadline, kPaymentDeadline},
                             cases::Deadline::CANCELLED));
  agreement.set_reason(request.reason());
  RETURN_IF_ERROR(FinishAgreement(env, tx, &step));
  return agreement;
}

absl::StatusOr<Encoded<v1::Payment>> GetPayment(Env& env, Call& call,
                                                const v1::GetPaymentRequest& request) {
  constexpr char kPattern[] = "agreements/*/payments/*";
  ASSIGN_OR_RETURN(const int32_t number, rpc::NumberIn(request.name(), kPattern, 1));
  const std::string agreement = request.name().substr(0, request.name().find("/payments/"));
  return GetShown<v1::Payment>(env, call, kPayments, store::Key::Of(agreement, number), request);
}

absl::StatusOr<Encoded<v1::ListPaymentsResponse>> ListPayments(
    Env& env, Call& call, const v1::ListPaymentsRequest& request) {
  ASSIGN_OR_RETURN(rpc::ListPlan plan, rpc::PlanList(kPayments, request, call));
  plan.prefix = store::Key::Of(request.parent());
  RETURN_IF_ERROR(rpc::CheckParent(*env.store, call, kAgreements, request.parent(), plan.at));
  plan.show = rpc::ShowTo<v1::Payment>(call);
  return rpc::ListAs<v1::ListPaymentsResponse>(*env.store, plan);
}

}  // namespace nisi::grants
