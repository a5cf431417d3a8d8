// Agreements: written, signed by both, or given up.
#include "absl/strings/str_cat.h"
#include "common/cases/refusals.h"
#include "services/grants/errors.h"
#include "services/grants/rpcs.h"

namespace nisi::grants {
namespace {

using Signature = Agreement::Signature;

// By the norms of the day of filing, as what was filed then: obligations that were due while they
// run are so whenever the agreement is written.
absl::Status SetTerms(const Env& env, const Application& application,
                      const v1::CreateAgreementRequest& request, Agreement* agreement) {
  ASSIGN_OR_RETURN(const base::Date filed, base::Date::FromProto(application.submit_date()));
  ASSIGN_OR_RETURN(const base::Money sum, base::Money::FromProto(application.approved_sum()));
  ASSIGN_OR_RETURN(const std::vector<base::Money> tranches, TranchesOf(sum, *env.norms, filed));
  if (request.conditions_size() != static_cast<int>(tranches.size())) {
    return base::InvalidField("conditions", "must be one for each tranche");
  }
  for (size_t i = 0; i < tranches.size(); ++i) {
    v1::Tranche* tranche = agreement->add_tranches();
    tranche->set_number(static_cast<int32_t>(i) + 1);
    *tranche->mutable_amount() = tranches[i].ToProto();
    tranche->set_condition(request.conditions(static_cast<int>(i)));
    tranche->set_state(v1::Tranche::PENDING);
  }
  ASSIGN_OR_RETURN(const base::Date commissioning,
                   base::Date::FromProto(application.commissioning_date()));
  ASSIGN_OR_RETURN(const base::Date until, ObligationsUntil(commissioning, *env.norms, filed));
  *agreement->mutable_commissioning_date() = application.commissioning_date();
  *agreement->mutable_obligations_until() = until.ToProto();
  agreement->set_terms_rest_on_assumption(TranchesAreAssumed(*env.norms, filed) ||
                                          YearsAreAssumed(*env.norms, filed));
  *agreement->mutable_obligations() = application.obligations();
  *agreement->mutable_sum() = application.approved_sum();
  *agreement->mutable_paid_sum() = base::Money().ToProto();
  agreement->set_text_sha256(request.text_sha256());
  return absl::OkStatus();
}

// The term to sign, while it is open.
absl::Status CheckTermOver(const store::Tx& tx, const std::string& application) {
  ASSIGN_OR_RETURN(const auto open, cases::OpenDeadlines(tx, application));
  for (const cases::Deadline& deadline : open) {
    if (deadline.kind() != "grants.agreement_days") continue;
    ASSIGN_OR_RETURN(const base::Date until, base::Date::FromProto(deadline.due_date()));
    if (tx.today() <= until) return errors::TermRunning(until);
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<v1::Agreement> CreateAgreement(Env& env, const Call& call, store::Tx& tx,
                                              const v1::CreateAgreementRequest& request) {
  ASSIGN_OR_RETURN(ApplicationStep step, BeginApplication(tx, call, ApplicationVerb::kWrite,
                                                          request.name(), request.etag()));
  Application& application = *step.row.mutable_application();
  AgreementRow row;
  Agreement& agreement = *row.mutable_agreement();
  agreement.set_name(Sibling("agreements", application.name()));
  agreement.set_application(application.name());
  agreement.set_recipient(application.applicant());
  agreement.set_programme(application.programme());
  RETURN_IF_ERROR(SetTerms(env, application, request, &agreement));
  RETURN_IF_ERROR(tx.Put(kAgreements, &row));
  application.set_agreement(agreement.name());
  RETURN_IF_ERROR(FinishApplication(env, tx, &step));
  return agreement;
}

absl::Status AddSignature(const store::Tx& tx, const ApplicationStep& step,
                          const std::string& signed_text, const std::string& text,
                          google::protobuf::RepeatedPtrField<Signature>* signatures) {
  if (signed_text != text) return cases::TextDiffers(errors::Agreeing());
  const bool for_state = (step.roles & base::RoleBit(rpc::v1::AUTHORITY_INDUSTRY)) != 0;
  const Signature::Party party = for_state ? Signature::STATE : Signature::RECIPIENT;
  for (const Signature& signature : *signatures) {
    if (signature.party() == party) return cases::SignedAlready(errors::Agreeing());
  }
  Signature& signature = *signatures->Add();
  signature.set_party(party);
  signature.set_signer(step.subject);
  signature.set_text_sha256(signed_text);
  signature.mutable_sign_time()->set_seconds(absl::ToUnixSeconds(tx.recorded()));
  return absl::OkStatus();
}

absl::StatusOr<v1::Agreement> SignAgreement(Env& env, const Call& call, store::Tx& tx,
                                            const v1::SignAgreementRequest& request) {
  ASSIGN_OR_RETURN(AgreementStep step, BeginAgreement(tx, call, ApplicationVerb::kSign,
                                                      request.name(), request.etag()));
  Agreement& agreement = step.agreement();
  RETURN_IF_ERROR(AddSignature(tx, step.of, request.text_sha256(), agreement.text_sha256(),
                               agreement.mutable_signatures()));
  const bool last = agreement.signatures_size() == 2;
  if (last) {
    RETURN_IF_ERROR(PostReserved(tx, step.of.row.application(), cases::Posting::COMMIT,
                                 agreement.name(), step.of.subject)
                        .status());
    RETURN_IF_ERROR(OpenProofTerm(env, tx, agreement));
  }
  RETURN_IF_ERROR(
      step.of.Lead(last ? Application::AGREEMENT_SIGNED : Application::AGREEMENT_PENDING));
  RETURN_IF_ERROR(FinishAgreement(env, tx, &step));
  return agreement;
}

absl::StatusOr<v1::Application> DeclineAgreement(Env& env, const Call& call, store::Tx& tx,
                                                 const v1::DeclineAgreementRequest& request) {
  ASSIGN_OR_RETURN(ApplicationStep step, BeginApplication(tx, call, ApplicationVerb::kDecline,
                                                          request.name(), request.etag()));
  Application& application = *step.row.mutable_application();
  const bool by_state = (step.roles & base::RoleBit(rpc::v1::AUTHORITY_INDUSTRY)) != 0;
  if (by_state) {
    RETURN_IF_ERROR(CheckTermOver(tx, application.name()));
    // Whoever has signed waits for the state, and does not lose its grant by that.
    ASSIGN_OR_RETURN(const AgreementRow written,
                     Need(tx, kAgreements, store::Key::Of(application.agreement())));
    for (const Signature& signature : written.agreement().signatures()) {
      if (signature.party() == Signature::RECIPIENT)
        return cases::SignedAlready(errors::Agreeing());
    }
  }
  RETURN_IF_ERROR(
      PostReserved(tx, application, cases::Posting::RELEASE, application.name(), step.subject)
          .status());
  application.set_reason(request.reason());
  RETURN_IF_ERROR(step.Lead(by_state ? Application::ANNULLED : Application::WITHDRAWN));
  RETURN_IF_ERROR(FinishApplication(env, tx, &step));
  return Shown(call, step);
}

absl::StatusOr<Encoded<v1::Agreement>> GetAgreement(Env& env, Call& call,
                                                    const v1::GetAgreementRequest& request) {
  return GetShown<Agreement>(env, call, kAgreements, store::Key::Of(request.name()), request);
}

absl::StatusOr<Encoded<v1::ListAgreementsResponse>> ListAgreements(
    Env& env, Call& call, const v1::ListAgreementsRequest& request) {
  ASSIGN_OR_RETURN(rpc::ListPlan plan, rpc::PlanList(kAgreements, request, call));
  plan.indexes = {{"recipient", &kAgreementsByRecipient, rpc::TextKey}};
  plan.scopes = {{rpc::v1::ENTITY, &kAgreementsByRecipient}};
  plan.show = rpc::ShowTo<Agreement>(call);
  return rpc::ListAs<v1::ListAgreementsResponse>(*env.store, plan);
}

}  // namespace nisi::grants
