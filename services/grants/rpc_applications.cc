// Applications from draft to the check of completeness.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/cases/refusals.h"
#include "services/grants/errors.h"
#include "services/grants/rpcs.h"

namespace nisi::grants {
namespace {

// What a draft names must be there.
absl::Status CheckNamed(const store::Reader& reader, const Application& application) {
  RETURN_IF_ERROR(CheckEarlier(reader, application));
  RETURN_IF_ERROR(CheckProgramme(reader, application.programme(), "application.programme"));
  if (application.obligations().empty()) return absl::OkStatus();
  return cases::CheckObligations(application.obligations(), "application.obligations");
}

// What was filed is judged as of that day: nothing of it is exchanged later under the same date.
absl::Status CheckAsFiled(const Application& filed, const Application& now) {
  const auto same = [](const auto& one, const auto& other) {
    return std::equal(one.begin(), one.end(), other.begin(), other.end());
  };
  if (!same(filed.goods_codes(), now.goods_codes())) {
    return errors::FiledAsItIs("application.goods_codes");
  }
  if (filed.project() != now.project()) return errors::FiledAsItIs("application.project");
  if (filed.programme() != now.programme()) return errors::FiledAsItIs("application.programme");
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<v1::Application> CreateApplication(Env& /*env*/, const Call& call, store::Tx& tx,
                                                  const v1::CreateApplicationRequest& request) {
  ApplicationRow row;
  Application& application = *row.mutable_application();
  application = request.application();
  application.set_name(absl::StrCat("applications/", rpc::IdFor(call)));
  ASSIGN_OR_RETURN(const auto known, tx.FindRaw(kApplications, store::Key::Of(application.name())));
  if (known.has_value()) return cases::RecordExists(kApplications.name, application.name());
  RETURN_IF_ERROR(CheckNamed(tx, application));
  application.set_state(Application::DRAFT);
  auto* act = row.mutable_life()->add_acts();
  act->set_duty(cases::v1::Act::PREPARES);
  act->set_subject(call.caller->subject);
  tx.Cite(errors::Grants());
  RETURN_IF_ERROR(tx.Put(kApplications, &row));
  return application;
}

absl::StatusOr<v1::Application> UpdateApplication(Env& env, const Call& call, store::Tx& tx,
                                                  const v1::UpdateApplicationRequest& request) {
  ASSIGN_OR_RETURN(ApplicationStep step,
                   BeginApplication(tx, call, ApplicationVerb::kEdit, request.application().name(),
                                    request.application().etag()));
  Application& application = *step.row.mutable_application();
  const Application before = application;
  RETURN_IF_ERROR(
      rpc::ApplyUpdate(request.application(), request.update_mask(), &application, &call));
  RETURN_IF_ERROR(CheckNamed(tx, application));
  if (before.has_submit_date()) RETURN_IF_ERROR(CheckAsFiled(before, application));
  RETURN_IF_ERROR(FinishApplication(env, tx, &step));
  return Shown(call, step);
}

absl::StatusOr<Encoded<v1::Application>> GetApplication(Env& env, Call& call,
                                                        const v1::GetApplicationRequest& request) {
  return GetShown<Application>(env, call, kApplications, store::Key::Of(request.name()), request);
}

absl::StatusOr<Encoded<v1::ListApplicationsResponse>> ListApplications(
    Env& env, Call& call, const v1::ListApplicationsRequest& request) {
  ASSIGN_OR_RETURN(rpc::ListPlan plan, rpc::PlanList(kApplications, request, call));
  plan.indexes = {{"applicant", &kApplicationsByApplicant, rpc::TextKey},
                  {"state", &kApplicationsByState, rpc::EnumKey<Application::State>}};
  plan.scopes = {{rpc::v1::ENTITY, &kApplicationsByApplicant},
                 {rpc::v1::EXPERT, &kApplicationsByExpert}};
  plan.show = ShowConcealed<Application>(call);
  return rpc::ListAs<v1::ListApplicationsResponse>(*env.store, plan);
}

absl::StatusOr<v1::Application> SubmitApplication(Env& env, const Call& call, store::Tx& tx,
                                                  const v1::SubmitApplicationRequest& request) {
  ASSIGN_OR_RETURN(ApplicationStep step, BeginApplication(tx, call, ApplicationVerb::kSubmit,
                                                          request.name(), request.etag()));
  Application& application = *step.row.mutable_application();
  RETURN_IF_ERROR(CheckNamed(tx, application));
  RETURN_IF_ERROR(CheckDates(application, *env.norms, tx.today()));
  RETURN_IF_ERROR(CheckAskedFor(application, *env.norms, tx.today()));
  *application.mutable_submit_date() = tx.today().ToProto();
  RETURN_IF_ERROR(FinishApplication(env, tx, &step));
  return Shown(call, step);
}

absl::StatusOr<v1::Application> WithdrawApplication(Env& env, const Call& call, store::Tx& tx,
                                                    const v1::WithdrawApplicationRequest& request) {
  ASSIGN_OR_RETURN(ApplicationStep step, BeginApplication(tx, call, ApplicationVerb::kWithdraw,
                                                          request.name(), request.etag()));
  step.row.mutable_application()->set_reason(request.reason());
  RETURN_IF_ERROR(SupersedeMeetings(env, tx, request.name(), request.reason()));
  RETURN_IF_ERROR(FinishApplication(env, tx, &step));
  return Shown(call, step);
}

absl::StatusOr<v1::Application> CheckCompleteness(Env& env, const Call& call, store::Tx& tx,
                                                  const v1::CheckCompletenessRequest& request) {
  ASSIGN_OR_RETURN(ApplicationStep step, BeginApplication(tx, call, ApplicationVerb::kCheck,
                                                          request.name(), request.etag()));
  Application& application = *step.row.mutable_application();
  ASSIGN_OR_RETURN(*application.mutable_completeness(),
                   JudgeCompleteness(application, request.documents_complete(), *env.norms,
                                     {application.name(), tx.etag()}));
  SetDecideTime(tx, application.mutable_completeness());
  const bool complete = application.completeness().outcome() == "COMPLETE";
  if (complete) application.clear_remarks();
  RETURN_IF_ERROR(step.Lead(complete ? Application::GATE_1 : Application::COMPLETENESS_CHECK));
  RETURN_IF_ERROR(FinishApplication(env, tx, &step));
  return application;
}

absl::StatusOr<v1::Application> ReturnForFix(Env& env, const Call& call, store::Tx& tx,
                                             const v1::ReturnForFixRequest& request) {
  ASSIGN_OR_RETURN(ApplicationStep step, BeginApplication(tx, call, ApplicationVerb::kReturn,
                                                          request.name(), request.etag()));
  Application& application = *step.row.mutable_application();
  if (application.completeness().outcome() != "INCOMPLETE") return errors::NotIncomplete();
  application.set_remarks(request.remarks());
  RETURN_IF_ERROR(FinishApplication(env, tx, &step));
  return application;
}

absl::StatusOr<v1::Application> ResubmitApplication(Env& env, const Call& call, store::Tx& tx,
                                                    const v1::ResubmitApplicationRequest& request) {
  ASSIGN_OR_RETURN(ApplicationStep step, BeginApplication(tx, call, ApplicationVerb::kResubmit,
                                                          request.name(), request.etag()));
  Application& application = *step.row.mutable_application();
  RETURN_IF_ERROR(CheckNamed(tx, application));
  ASSIGN_OR_RETURN(const base::Date filed, base::Date::FromProto(application.submit_date()));
  RETURN_IF_ERROR(CheckDates(application, *env.norms, filed));
  RETURN_IF_ERROR(CheckAskedFor(application, *env.norms, filed));
  application.clear_completeness();  // of the version before
  RETURN_IF_ERROR(FinishApplication(env, tx, &step));
  return Shown(call, step);
}

absl::StatusOr<v1::Application> RaiseContribution(Env& env, const Call& call, store::Tx& tx,
                                                  const v1::RaiseContributionRequest& request) {
  ASSIGN_OR_RETURN(ApplicationStep step, BeginApplication(tx, call, ApplicationVerb::kRaise,
                                                          request.name(), request.etag()));
  Application& application = *step.row.mutable_application();
  ASSIGN_OR_RETURN(const base::Money given, base::Money::FromProto(request.own_contribution()));
  ASSIGN_OR_RETURN(const base::Money before,
                   base::Money::FromProto(application.own_contribution()));
  if (given <= before) return errors::ContributionNotRaised();
  *application.mutable_own_contribution() = given.ToProto();
  for (const type::v1::Document& paper : request.documents()) {
    v1::ApplicationDocument& document = *application.add_documents();
    document.set_kind(v1::ApplicationDocument::OWN_CONTRIBUTION);
    *document.mutable_document() = paper;
  }
  ASSIGN_OR_RETURN(const bool covered, IsCovered(application));
  if (covered) {
    RETURN_IF_ERROR(
        CloseTerms(tx, application.name(), {kContributionDeadline}, cases::Deadline::DONE));
  }
  RETURN_IF_ERROR(FinishApplication(env, tx, &step));
  return Shown(call, step);
}

absl::Status AnnulOverdue(const Env& env, store::Tx& tx, const cases::Deadline& deadline,
                          base::Date day) {
  ASSIGN_OR_RETURN(ApplicationRow row, Need(tx, kApplications, store::Key::Of(deadline.record())));
  ASSIGN_OR_RETURN(
      ApplicationStep step,
      cases::BeginByItself(ApplicationMachine(), ApplicationVerb::kAnnul, std::move(row), day));
  step.row.mutable_application()->set_reason("The window for fixing is over.");
  return FinishApplication(env, tx, &step);
}

}  // namespace nisi::grants
