// Agreements on increasing competitiveness (Art. 28).
#include "absl/strings/str_cat.h"
#include "common/cases/refusals.h"
#include "services/grants/errors.h"
#include "services/grants/rpcs.h"

namespace nisi::grants {
namespace {

using CompetitivenessStep = cases::Step<CompetitivenessAgreementRow>;

absl::StatusOr<CompetitivenessStep> BeginCompetitiveness(const store::Tx& tx, const Call& call,
                                                         CompetitivenessVerb verb,
                                                         const std::string& name,
                                                         const std::string& etag) {
  ASSIGN_OR_RETURN(auto found,
                   rpc::FindFor(tx, call, kCompetitiveness, store::Key::Of(name), name));
  return cases::Begin(call, CompetitivenessMachine(), verb, std::move(found.row),
                      {.roles = found.roles, .etag = etag});
}

// Art. 28(4), with what is known now.
absl::Status Admit(const Env& env, const store::Tx& tx, CompetitivenessAgreement* agreement) {
  ASSIGN_OR_RETURN(const std::vector<CompetitivenessAgreementRow> all,
                   AllOf(tx, kCompetitivenessByEntity, store::Key::Of(agreement->entity())));
  int64_t failed = 0;
  for (const CompetitivenessAgreementRow& row : all) {
    // One that is over and not assessed: not checked is not passed.
    ASSIGN_OR_RETURN(const base::Date until, base::Date::FromProto(row.agreement().until()));
    if (row.agreement().state() == CompetitivenessAgreement::CONCLUDED && until < tx.today()) {
      return errors::EarlierNotAssessed();
    }
    failed += row.agreement().state() == CompetitivenessAgreement::FAILED ? 1 : 0;
  }
  ASSIGN_OR_RETURN(Decision admission,
                   JudgeAdmission(failed, *env.norms, {agreement->name(), tx.etag()}));
  if (admission.outcome() != "ADMITTED") return errors::CompetitivenessForbidden();
  SetDecideTime(tx, &admission);
  *agreement->mutable_admission() = std::move(admission);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<v1::CompetitivenessAgreement> OfferCompetitivenessAgreement(
    Env& env, const Call& call, store::Tx& tx,
    const v1::OfferCompetitivenessAgreementRequest& request) {
  RETURN_IF_ERROR(
      cases::CheckObligations(request.agreement().obligations(), "agreement.obligations"));
  ASSIGN_OR_RETURN(const base::Date until, base::Date::FromProto(request.agreement().until()));
  if (until <= tx.today()) return base::InvalidField("agreement.until", "must lie ahead");
  CompetitivenessAgreementRow row;
  CompetitivenessAgreement& agreement = *row.mutable_agreement();
  agreement = request.agreement();
  agreement.set_name(absl::StrCat("competitiveness/", rpc::IdFor(call)));
  ASSIGN_OR_RETURN(const auto known,
                   tx.FindRaw(kCompetitiveness, store::Key::Of(agreement.name())));
  if (known.has_value()) return cases::RecordExists(kCompetitiveness.name, agreement.name());
  RETURN_IF_ERROR(Admit(env, tx, &agreement));
  agreement.set_state(CompetitivenessAgreement::OFFERED);
  auto* act = row.mutable_life()->add_acts();
  act->set_duty(cases::v1::Act::PREPARES);
  act->set_subject(call.caller->subject);
  tx.Cite(errors::Competitiveness());
  RETURN_IF_ERROR(tx.Put(kCompetitiveness, &row));
  return agreement;
}

absl::StatusOr<v1::CompetitivenessAgreement> ConcludeCompetitivenessAgreement(
    Env& env, const Call& call, store::Tx& tx,
    const v1::ConcludeCompetitivenessAgreementRequest& request) {
  ASSIGN_OR_RETURN(CompetitivenessStep step,
                   BeginCompetitiveness(tx, call, CompetitivenessVerb::kConclude, request.name(),
                                        request.etag()));
  RETURN_IF_ERROR(Admit(env, tx, step.row.mutable_agreement()));
  RETURN_IF_ERROR(cases::Finish(tx, *env.norms, kCompetitiveness, &step));
  return step.row.agreement();
}

absl::StatusOr<v1::CompetitivenessAgreement> AssessCompetitivenessAgreement(
    Env& env, const Call& call, store::Tx& tx,
    const v1::AssessCompetitivenessAgreementRequest& request) {
  ASSIGN_OR_RETURN(
      CompetitivenessStep step,
      BeginCompetitiveness(tx, call, CompetitivenessVerb::kAssess, request.name(), request.etag()));
  CompetitivenessAgreement& agreement = *step.row.mutable_agreement();
  ASSIGN_OR_RETURN(const base::Date until, base::Date::FromProto(agreement.until()));
  if (tx.today() <= until) return errors::ObligationsRunning(until);
  ASSIGN_OR_RETURN(
      cases::Judged judged,
      JudgeObligations(agreement.obligations(), {request.facts().begin(), request.facts().end()},
                       {{}, request.documents()}, {}, *env.norms, tx.today(),
                       {agreement.name(), tx.etag()}));
  SetDecideTime(tx, &judged.decision);
  *agreement.mutable_assessment() = std::move(judged.decision);
  *agreement.mutable_assessment_documents() = request.documents();
  const bool fulfilled = agreement.assessment().outcome() == "FULFILLED";
  RETURN_IF_ERROR(step.Lead(fulfilled ? CompetitivenessAgreement::FULFILLED
                                      : CompetitivenessAgreement::FAILED));
  RETURN_IF_ERROR(cases::Finish(tx, *env.norms, kCompetitiveness, &step));
  return agreement;
}

absl::StatusOr<v1::CompetitivenessAgreement> ExcuseCompetitivenessFailure(
    Env& env, const Call& call, store::Tx& tx,
    const v1::ExcuseCompetitivenessFailureRequest& request) {
  ASSIGN_OR_RETURN(
      CompetitivenessStep step,
      BeginCompetitiveness(tx, call, CompetitivenessVerb::kExcuse, request.name(), request.etag()));
  CompetitivenessAgreement& agreement = *step.row.mutable_agreement();
  ASSIGN_OR_RETURN(Decision excuse,
                   JudgeExcuse(request.beyond_control(), request.documents(), request.reason(),
                               *env.norms, {agreement.name(), tx.etag()}));
  if (excuse.outcome() != "EXCUSED") return cases::ExcuseNotSupported(errors::Excusing());
  SetDecideTime(tx, &excuse);
  *agreement.mutable_excuse() = std::move(excuse);
  *agreement.mutable_excuse_documents() = request.documents();
  RETURN_IF_ERROR(cases::Finish(tx, *env.norms, kCompetitiveness, &step));
  return agreement;
}

absl::StatusOr<v1::CompetitivenessAgreement> TerminateCompetitivenessAgreement(
    Env& env, const Call& call, store::Tx& tx,
    const v1::TerminateCompetitivenessAgreementRequest& request) {
  ASSIGN_OR_RETURN(CompetitivenessStep step,
                   BeginCompetitiveness(tx, call, CompetitivenessVerb::kTerminate, request.name(),
                                        request.etag()));
  ASSIGN_OR_RETURN(const base::Date until, base::Date::FromProto(step.row.agreement().until()));
  if (until < tx.today()) return errors::AgreementOver();
  step.row.mutable_agreement()->set_reason(request.reason());
  RETURN_IF_ERROR(cases::Finish(tx, *env.norms, kCompetitiveness, &step));
  return step.row.agreement();
}

absl::StatusOr<Encoded<v1::CompetitivenessAgreement>> GetCompetitivenessAgreement(
    Env& env, Call& call, const v1::GetCompetitivenessAgreementRequest& request) {
  return GetShown<CompetitivenessAgreement>(env, call, kCompetitiveness,
                                            store::Key::Of(request.name()), request);
}

absl::StatusOr<Encoded<v1::ListCompetitivenessAgreementsResponse>> ListCompetitivenessAgreements(
    Env& env, Call& call, const v1::ListCompetitivenessAgreementsRequest& request) {
  ASSIGN_OR_RETURN(rpc::ListPlan plan, rpc::PlanList(kCompetitiveness, request, call));
  plan.indexes = {{"entity", &kCompetitivenessByEntity, rpc::TextKey}};
  plan.scopes = {{rpc::v1::ENTITY, &kCompetitivenessByEntity}};
  plan.show = rpc::ShowTo<CompetitivenessAgreement>(call);
  return rpc::ListAs<v1::ListCompetitivenessAgreementsResponse>(*env.store, plan);
}

}  // namespace nisi::grants
