#include <algorithm>

#include "absl/strings/numbers.h"
#include "services/industry_map/errors.h"
#include "services/industry_map/flow.h"
#include "services/industry_map/rpcs.h"

namespace nisi::industry_map {
namespace {

using Documents = google::protobuf::RepeatedPtrField<type::v1::Document>;

template <class Request>
absl::StatusOr<cases::Step<ProjectRow>> BeginStep(const store::Tx& tx, const Call& call,
                                                  const Request& request, Verb verb) {
  ASSIGN_OR_RETURN(auto found, FindProject(tx, call, request.name()));
  return cases::Begin(call, ProjectMachine(), verb, std::move(found.row),
                      {.roles = found.roles, .etag = request.etag()});
}

// Records that a milestone was reached, in the order of the kinds.
absl::Status Reach(const Call& call, const store::Tx& tx, Milestone::Kind kind,
                   const google::type::Date& actual, const Documents& documents,
                   cases::Step<ProjectRow>* step) {
  Project& project = *step->row.mutable_project();
  RETURN_IF_ERROR(
      CheckResponsible(project.parameters().responsible_body(), step->roles, call.caller->bin));
  ASSIGN_OR_RETURN(const base::Date day, base::Date::FromProto(actual));
  RETURN_IF_ERROR(CheckMilestone(project, kind, day, tx.today()));
  v1::MilestoneFact& fact = *project.add_milestone_facts();
  fact.set_kind(kind);
  *fact.mutable_actual_date() = actual;
  std::sort(
      project.mutable_milestone_facts()->begin(), project.mutable_milestone_facts()->end(),
      [](const v1::MilestoneFact& a, const v1::MilestoneFact& b) { return a.kind() < b.kind(); });
  if (documents.empty()) return absl::OkStatus();
  v1::MilestoneProof& proof = *project.mutable_administrative_data()->add_milestone_proofs();
  proof.set_kind(kind);
  *proof.mutable_documents() = documents;
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<v1::Project> SuspendProject(Env& env, const Call& call, store::Tx& tx,
                                           const v1::SuspendProjectRequest& request) {
  ASSIGN_OR_RETURN(auto step, BeginStep(tx, call, request, Verb::kSuspend));
  Project& project = *step.row.mutable_project();
  project.set_suspended_from(project.state());
  project.set_reason(request.reason());
  RETURN_IF_ERROR(Settle(env, tx, &step));
  return project;
}

absl::StatusOr<v1::Project> ResumeProject(Env& env, const Call& call, store::Tx& tx,
                                          const v1::ResumeProjectRequest& request) {
  ASSIGN_OR_RETURN(auto step, BeginStep(tx, call, request, Verb::kResume));
  Project& project = *step.row.mutable_project();
  RETURN_IF_ERROR(step.Lead(project.suspended_from()));
  project.clear_suspended_from();
  project.set_reason(request.reason());
  RETURN_IF_ERROR(Settle(env, tx, &step));
  return project;
}

absl::StatusOr<v1::Project> CommissionProject(Env& env, const Call& call, store::Tx& tx,
                                              const v1::CommissionProjectRequest& request) {
  ASSIGN_OR_RETURN(auto step, BeginStep(tx, call, request, Verb::kCommission));
  RETURN_IF_ERROR(
      Reach(call, tx, Milestone::COMMISSIONING, request.actual_date(), request.documents(), &step));
  step.row.mutable_project()->clear_forecast_commissioning_date();
  RETURN_IF_ERROR(Settle(env, tx, &step));
  return step.row.project();
}

absl::StatusOr<v1::Project> RecordMilestone(Env& env, const Call& call, store::Tx& tx,
                                            const v1::RecordMilestoneRequest& request) {
  if (request.kind() == Milestone::COMMISSIONING) return errors::MilestoneKind();
  const Verb verb =
      request.kind() == Milestone::DESIGN_CAPACITY ? Verb::kReachCapacity : Verb::kMilestone;
  ASSIGN_OR_RETURN(auto step, BeginStep(tx, call, request, verb));
  RETURN_IF_ERROR(
      Reach(call, tx, request.kind(), request.actual_date(), request.documents(), &step));
  RETURN_IF_ERROR(Settle(env, tx, &step));
  return step.row.project();
}

absl::Status TurnLight(const Env& env, store::Tx& tx, absl::string_view payload, absl::Time due) {
  int32_t number = 0;
  if (!absl::SimpleAtoi(payload, &number)) return base::StoreCorrupt("timer of a light");
  ASSIGN_OR_RETURN(auto found, tx.Find(kProjects, ProjectKey(number)));
  const base::Date day = base::Date::LegalDay(due);
  if (!found.has_value()) return absl::OkStatus();
  // Another day was found since: that has a timer of its own.
  const auto turns = base::Date::FromProto(found->row.light_turns());
  if (!turns.ok() || *turns != day) return absl::OkStatus();
  RETURN_IF_ERROR(UpdateLight(env, tx, day, &found->row));
  tx.Cite(errors::Methodology());
  return tx.Put(kProjects, &found->row, day);
}

}  // namespace nisi::industry_map
