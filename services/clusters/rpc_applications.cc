#include "absl/strings/str_cat.h"
#include "services/clusters/errors.h"
#include "services/clusters/rpcs.h"

namespace nisi::clusters {
namespace {

constexpr char kPattern[] = "selections/*/applications/*";

struct ApplicationKey {
  int32_t selection;
  int32_t number;
};

absl::StatusOr<ApplicationKey> ApplicationKeyOf(const std::string& name) {
  ASSIGN_OR_RETURN(const int32_t selection, rpc::NumberIn(name, kPattern, 0));
  ASSIGN_OR_RETURN(const int32_t number, rpc::NumberIn(name, kPattern, 1));
  return ApplicationKey{selection, number};
}

store::Key StoreKey(const ApplicationKey& key) {
  return store::Key::Of(key.selection, key.number);
}

// How many applications of a selection are in a state.
absl::StatusOr<int> CountIn(const store::Reader& reader, int32_t selection,
                            Application::State state) {
  ASSIGN_OR_RETURN(const std::vector<ApplicationRow> rows,
                   AllOf(reader, kApplications, store::Key::Of(selection)));
  int count = 0;
  for (const ApplicationRow& row : rows) count += row.application().state() == state ? 1 : 0;
  return count;
}

// Where a selection goes when one of its applications has been settled: it waits for the others,
// goes on with those that are admitted, or fails.
absl::StatusOr<Selection::State> AfterSettling(const store::Reader& reader,
                                               const SelectionRow& row) {
  const Selection::State state = row.selection().state();
  if (state == Selection::ANNOUNCED) return state;
  ASSIGN_OR_RETURN(const int waiting, CountIn(reader, row.number(), Application::FILED));
  if (waiting > 0) return state;
  ASSIGN_OR_RETURN(const int admitted, CountIn(reader, row.number(), Application::ADMITTED));
  return admitted > 0 ? Selection::SCORING : Selection::FAILED;
}

}  // namespace

absl::StatusOr<v1::Application> ApplyToSelection(Env& env, const Call& call, store::Tx& tx,
                                                 const v1::ApplyToSelectionRequest& request) {
  ASSIGN_OR_RETURN(auto step,
                   BeginStep(tx, call, InitiativeMachine(), InitiativeVerb::kApply, kInitiatives,
                             store::Key::Of(request.name()), request.name(), request.etag()));
  ASSIGN_OR_RETURN(const int32_t number, rpc::NumberIn(request.selection(), "selections/*", 0));
  ASSIGN_OR_RETURN(auto found, tx.Find(kSelections, store::Key::Of(number)));
  if (!found.has_value() || !IsPublic(found->row.selection())) return base::AccessDenied();
  ASSIGN_OR_RETURN(auto taken, cases::BeginByItself(SelectionMachine(), SelectionVerb::kTakeIn,
                                                    std::move(found->row)));
  Selection& selection = *taken.row.mutable_selection();
  RETURN_IF_ERROR(CheckOpen(selection, tx.today()));

  Initiative& initiative = *step.row.mutable_initiative();
  ASSIGN_OR_RETURN(const int64_t next, tx.Next(absl::StrCat("applications/", number)));
  ASSIGN_OR_RETURN(const std::set<std::string> experts, ExpertSubjects(tx, number));
  ApplicationRow row;
  row.set_selection(number);
  row.set_number(static_cast<int32_t>(next));
  row.add_bins(initiative.cluster_organization());
  for (const Participant& participant : initiative.participants()) {
    row.add_bins(participant.bin());
  }
  Application& application = *row.mutable_application();
  application.set_name(ApplicationName(number, row.number()));
  application.set_initiative(initiative.name());
  application.set_initiative_etag(initiative.etag());
  application.set_cluster_organization(initiative.cluster_organization());
  *application.mutable_title() = initiative.title();
  const int64_t filed_us = absl::ToUnixMicros(tx.recorded());
  application.mutable_file_time()->set_seconds(filed_us / 1'000'000);
  application.mutable_file_time()->set_nanos(static_cast<int32_t>(filed_us % 1'000'000) * 1000);
  application.set_state(Application::FILED);
  *application.mutable_expert_subjects() = {experts.begin(), experts.end()};
  RETURN_IF_ERROR(tx.Put(kApplications, &row));

  initiative.set_application(application.name());
  ASSIGN_OR_RETURN(const std::set<std::string> readers, ReaderSubjects(tx, row));
  *initiative.mutable_expert_subjects() = {readers.begin(), readers.end()};
  RETURN_IF_ERROR(cases::Finish(tx, *env.norms, kInitiatives, &step));
  ASSIGN_OR_RETURN(DiagnosticRow diagnosis,
                   Need(tx, kDiagnostics, store::Key::Of(initiative.diagnostic())));
  *diagnosis.mutable_diagnostic()->mutable_expert_subjects() = initiative.expert_subjects();
  RETURN_IF_ERROR(tx.Put(kDiagnostics, &diagnosis));
  selection.set_application_count(selection.application_count() + 1);
  RETURN_IF_ERROR(cases::Finish(tx, *env.norms, kSelections, &taken));
  Conceal(call, step.roles, &application);
  return application;
}

absl::StatusOr<v1::Application> WithdrawApplication(Env& env, const Call& call, store::Tx& tx,
                                                    const v1::WithdrawApplicationRequest& request) {
  ASSIGN_OR_RETURN(const ApplicationKey key, ApplicationKeyOf(request.name()));
  ASSIGN_OR_RETURN(auto step,
                   BeginStep(tx, call, ApplicationMachine(), ApplicationVerb::kWithdraw,
                             kApplications, StoreKey(key), request.name(), request.etag()));
  ASSIGN_OR_RETURN(SelectionRow row, Need(tx, kSelections, store::Key::Of(key.selection)));
  ASSIGN_OR_RETURN(auto lost,
                   cases::BeginByItself(SelectionMachine(), SelectionVerb::kLose, std::move(row)));
  Application& application = *step.row.mutable_application();
  application.set_reason(request.reason());
  RETURN_IF_ERROR(cases::Finish(tx, *env.norms, kApplications, &step));
  RETURN_IF_ERROR(Release(env, tx, application.initiative()));
  ASSIGN_OR_RETURN(const Selection::State next, AfterSettling(tx, lost.row));
  RETURN_IF_ERROR(lost.Lead(next));
  RETURN_IF_ERROR(cases::Finish(tx, *env.norms, kSelections, &lost));
  Conceal(call, step.roles, &application);
  return application;
}

absl::StatusOr<v1::Application> AdmitApplication(Env& env, const Call& call, store::Tx& tx,
                                                 const v1::AdmitApplicationRequest& request) {
  ASSIGN_OR_RETURN(const ApplicationKey key, ApplicationKeyOf(request.name()));
  ASSIGN_OR_RETURN(auto in, rpc::FindFor(tx, call, kSelections, store::Key::Of(key.selection),
                                         SelectionName(key.selection)));
  ASSIGN_OR_RETURN(auto found, tx.Find(kApplications, StoreKey(key)));
  if (!found.has_value()) {
    RETURN_IF_ERROR(SelectionMachine()
                        .Ask(in.row.selection().state(), SelectionVerb::kAdmit,
                             {in.roles, call.caller->subject, {}})
                        .status());
    return base::NotFound(kApplications.name, request.name());
  }
  ASSIGN_OR_RETURN(
      auto step, cases::Begin(call, ApplicationMachine(), ApplicationVerb::kAdmit,
                              std::move(found->row), {.roles = in.roles, .etag = request.etag()}));
  // Its act is the selection's: who examined an application does not decide on the selection.
  ASSIGN_OR_RETURN(auto examined, cases::Begin(call, SelectionMachine(), SelectionVerb::kAdmit,
                                               std::move(in.row), {.roles = in.roles}));
  RETURN_IF_ERROR(CheckNoExpert(tx, key.selection, examined.subject));

  Application& application = *step.row.mutable_application();
  Selection& selection = *examined.row.mutable_selection();
  ASSIGN_OR_RETURN(InitiativeRow of,
                   Need(tx, kInitiatives, store::Key::Of(application.initiative())));
  const base::Date filed =
      base::Date::LegalDay(absl::FromUnixSeconds(application.file_time().seconds()));
  ASSIGN_OR_RETURN(*application.mutable_admission(), Admit({&of.initiative(),
                                                            &selection,
                                                            {application.name(), tx.etag()},
                                                            filed,
                                                            request.documents_complete()},
                                                           *env.norms));
  SetDecideTime(tx, application.mutable_admission());
  application.set_admitted_by(call.caller->subject);
  application.set_reason(request.remark());
  const bool admitted = application.admission().outcome() == "ADMITTED";
  if (admitted) {
    ASSIGN_OR_RETURN(const std::string cluster, OpenCandidate(env, tx, call, of.initiative()));
    application.set_cluster(cluster);
    of.mutable_initiative()->set_cluster(cluster);
    RETURN_IF_ERROR(tx.Put(kInitiatives, &of));
    selection.set_admitted_count(selection.admitted_count() + 1);
  }
  RETURN_IF_ERROR(step.Lead(admitted ? Application::ADMITTED : Application::REFUSED));
  RETURN_IF_ERROR(cases::Finish(tx, *env.norms, kApplications, &step));
  if (!admitted) RETURN_IF_ERROR(Release(env, tx, application.initiative()));
  ASSIGN_OR_RETURN(const Selection::State next, AfterSettling(tx, examined.row));
  RETURN_IF_ERROR(examined.Lead(next));
  RETURN_IF_ERROR(cases::Finish(tx, *env.norms, kSelections, &examined));
  return application;
}

absl::StatusOr<Encoded<v1::Application>> GetApplication(Env& env, Call& call,
                                                        const v1::GetApplicationRequest& request) {
  ASSIGN_OR_RETURN(const ApplicationKey key, ApplicationKeyOf(request.name()));
  return GetShown<Application>(env, call, kApplications, StoreKey(key), request,
                               ApplicationVisible);
}

absl::StatusOr<Encoded<v1::ListApplicationsResponse>> ListApplications(
    Env& env, Call& call, const v1::ListApplicationsRequest& request) {
  ASSIGN_OR_RETURN(const int32_t selection, rpc::NumberIn(request.parent(), "selections/*", 0));
  ASSIGN_OR_RETURN(rpc::ListPlan plan, rpc::PlanList(kApplications, request, call));
  plan.prefix = store::Key::Of(selection);
  plan.show = ShowConcealed<Application>(call, ApplicationVisible);
  return rpc::ListAs<v1::ListApplicationsResponse>(*env.store, plan);
}

}  // namespace nisi::clusters
