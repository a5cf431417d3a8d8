#include <algorithm>

#include "absl/strings/numbers.h"
#include "services/industry_map/errors.h"
#include "services/industry_map/flow.h"
#include "services/industry_map/history.h"
#include "services/industry_map/progress.h"
#include "services/industry_map/rpcs.h"

namespace nisi::industry_map {
namespace {

template <class Request>
absl::StatusOr<cases::Step<ProjectRow>> BeginStep(const store::Tx& tx, const Call& call,
                                                  const Request& request, Verb verb) {
  ASSIGN_OR_RETURN(auto found, FindProject(tx, call, request.name()));
  return cases::Begin(call, ProjectMachine(), verb, std::move(found.row),
                      {.roles = found.roles, .etag = request.etag()});
}

template <class Request>
void TakeAct(const Request& request, v1::Act* act) {
  act->set_number(request.act_number());
  *act->mutable_date() = request.act_date();
}

// Ends a step by which a milestone was reached, in the order of the kinds: the project is so from
// that day, or from its inclusion.
template <class Request>
absl::Status Reach(const Env& env, const Call& call, store::Tx& tx, Milestone::Kind kind,
                   const Request& request, cases::Step<ProjectRow>* step) {
  const Project& now = step->row.project();
  RETURN_IF_ERROR(
      CheckResponsible(now.parameters().responsible_body(), step->roles, call.caller->bin));
  ASSIGN_OR_RETURN(const base::Date day, base::Date::FromProto(request.actual_date()));
  RETURN_IF_ERROR(CheckMilestone(now, kind, day, tx.today()));
  const auto reach = [&](base::Date, Project* project) {
    v1::MilestoneFact& fact = *project->add_milestone_facts();
    fact.set_kind(kind);
    *fact.mutable_actual_date() = request.actual_date();
    auto& facts = *project->mutable_milestone_facts();
    std::sort(facts.begin(), facts.end(),
              [](const auto& a, const auto& b) { return a.kind() < b.kind(); });
    if (kind == Milestone::COMMISSIONING) project->clear_forecast_commissioning_date();
    if (request.documents().empty()) return absl::OkStatus();
    v1::MilestoneProof& proof = *project->mutable_administrative_data()->add_milestone_proofs();
    proof.set_kind(kind);
    *proof.mutable_documents() = request.documents();
    return absl::OkStatus();
  };
  const base::Date included = base::Date::FromProto(now.include_date()).value_or(day);
  return SettleSince(env, tx, step, std::max(day, included), reach);
}

// The documents of a milestone, in place of those that were recorded; none: it has none.
void SetProof(Milestone::Kind kind,
              const google::protobuf::RepeatedPtrField<type::v1::Document>& documents,
              Project* project) {
  auto& proofs = *project->mutable_administrative_data()->mutable_milestone_proofs();
  proofs.erase(std::remove_if(proofs.begin(), proofs.end(),
                              [kind](const auto& proof) { return proof.kind() == kind; }),
               proofs.end());
  if (documents.empty()) return;
  v1::MilestoneProof& proof = *proofs.Add();
  proof.set_kind(kind);
  *proof.mutable_documents() = documents;
}

google::protobuf::RepeatedPtrField<type::v1::Document> DocumentsOf(Milestone::Kind kind,
                                                                   const Project& project) {
  for (const v1::MilestoneProof& proof : project.administrative_data().milestone_proofs()) {
    if (proof.kind() == kind) return proof.documents();
  }
  return {};
}

}  // namespace

absl::StatusOr<v1::Project> SuspendProject(Env& env, const Call& call, store::Tx& tx,
                                           const v1::SuspendProjectRequest& request) {
  ASSIGN_OR_RETURN(auto step, BeginStep(tx, call, request, Verb::kSuspend));
  const Project& now = step.row.project();
  ASSIGN_OR_RETURN(const base::Date from, base::Date::FromProto(request.act_date()));
  const base::Date included = base::Date::FromProto(now.include_date()).value_or(from);
  const base::Date resumed = base::Date::FromProto(now.resumption_act().date()).value_or(included);
  RETURN_IF_ERROR(CheckActDate(from, std::max(included, resumed), tx.today()));
  const Project::State state = now.state();
  const auto suspend = [&](base::Date, Project* project) {
    // On a day since it may have been in another state than today.
    if (project->state() != Project::SUSPENDED) {
      project->set_suspended_from(project->state());
      project->set_state(Project::SUSPENDED);
    } else if (project->suspended_from() == Project::STATE_UNSPECIFIED) {
      project->set_suspended_from(state);
    }
    project->set_reason(request.reason());
    TakeAct(request, project->mutable_suspension_act());
    return absl::OkStatus();
  };
  RETURN_IF_ERROR(SettleSince(env, tx, &step, from, suspend));
  RETURN_IF_ERROR(CancelSince(tx, step.row.number(), from));
  return step.row.project();
}

absl::StatusOr<v1::Project> ResumeProject(Env& env, const Call& call, store::Tx& tx,
                                          const v1::ResumeProjectRequest& request) {
  ASSIGN_OR_RETURN(auto step, BeginStep(tx, call, request, Verb::kResume));
  const Project& now = step.row.project();
  ASSIGN_OR_RETURN(const base::Date from, base::Date::FromProto(request.act_date()));
  const base::Date included = base::Date::FromProto(now.include_date()).value_or(from);
  const base::Date suspended =
      base::Date::FromProto(now.suspension_act().date()).value_or(included);
  RETURN_IF_ERROR(CheckActDate(from, suspended, tx.today()));
  RETURN_IF_ERROR(step.Lead(now.suspended_from()));
  const auto resume = [&](base::Date, Project* project) {
    if (project->suspended_from() != Project::STATE_UNSPECIFIED)
      project->set_state(project->suspended_from());
    project->clear_suspended_from();
    project->set_reason(request.reason());
    TakeAct(request, project->mutable_resumption_act());
    return absl::OkStatus();
  };
  RETURN_IF_ERROR(SettleSince(env, tx, &step, from, resume));
  RETURN_IF_ERROR(OweSince(env, tx, step.row.number(), from));
  return step.row.project();
}

absl::StatusOr<v1::Project> CommissionProject(Env& env, const Call& call, store::Tx& tx,
                                              const v1::CommissionProjectRequest& request) {
  ASSIGN_OR_RETURN(auto step, BeginStep(tx, call, request, Verb::kCommission));
  RETURN_IF_ERROR(Reach(env, call, tx, Milestone::COMMISSIONING, request, &step));
  return step.row.project();
}

absl::StatusOr<v1::Project> RecordMilestone(Env& env, const Call& call, store::Tx& tx,
                                            const v1::RecordMilestoneRequest& request) {
  if (request.kind() == Milestone::COMMISSIONING) return errors::MilestoneKind();
  const Verb verb =
      request.kind() == Milestone::DESIGN_CAPACITY ? Verb::kReachCapacity : Verb::kMilestone;
  ASSIGN_OR_RETURN(auto step, BeginStep(tx, call, request, verb));
  RETURN_IF_ERROR(Reach(env, call, tx, request.kind(), request, &step));
  return step.row.project();
}

absl::StatusOr<v1::Project> CorrectMilestone(Env& env, const Call& call, store::Tx& tx,
                                             const v1::CorrectMilestoneRequest& request) {
  ASSIGN_OR_RETURN(auto step, BeginStep(tx, call, request, Verb::kCorrectMilestone));
  const Project before = step.row.project();
  const Milestone::Kind kind = request.kind();
  RETURN_IF_ERROR(
      CheckResponsible(before.parameters().responsible_body(), step.roles, call.caller->bin));
  std::optional<base::Date> day;
  if (request.has_actual_date()) {
    ASSIGN_OR_RETURN(day, base::Date::FromProto(request.actual_date()));
  }
  RETURN_IF_ERROR(CheckCorrection(before, kind, day, tx.today()));
  const base::Date was = *ReachedDay(before, kind);
  if (day == was && request.documents().empty()) return errors::CorrectionEmpty("actual_date");

  // Of a day before its inclusion a project knows nothing.
  const base::Date included = base::Date::FromProto(before.include_date()).value_or(was);
  const base::Date from = std::max(std::min(day.value_or(was), was), included);
  if (day > was) {
    // From a later day on it is what it was until now: that takes a version of its own.
    const auto as_it_is = [](base::Date, Project*) { return absl::OkStatus(); };
    RETURN_IF_ERROR(AmendPast(env, tx, step.row.number(), std::max(*day, included), as_it_is));
  }
  const auto documents =
      request.documents().empty() ? DocumentsOf(kind, before) : request.documents();
  v1::MilestoneCorrection correction;
  correction.set_kind(kind);
  *correction.mutable_before() = was.ToProto();
  if (day.has_value()) *correction.mutable_after() = day->ToProto();
  correction.set_reason(request.reason());
  correction.set_corrected_by(step.subject);
  correction.mutable_correct_time()->set_seconds(absl::ToUnixSeconds(tx.recorded()));
  const auto correct = [&](base::Date then, Project* project) -> absl::Status {
    const bool reached = day.has_value() && then >= std::max(*day, included);
    SetReached(kind, reached ? day : std::nullopt, project);
    SetProof(kind, reached ? documents : decltype(documents)(), project);
    *project->mutable_administrative_data()->add_milestone_corrections() = correction;
    // Forecast and load are what the reports of that day come to with it.
    return ShowReportsOf(env, tx, step.row.number(), then, project);
  };
  Project corrected = before;
  SetReached(kind, day, &corrected);
  RETURN_IF_ERROR(step.Lead(corrected.state()));
  RETURN_IF_ERROR(SettleSince(env, tx, &step, from, correct));
  RETURN_IF_ERROR(ProposeSuccess(env, tx, &step.row));
  return step.row.project();
}

absl::StatusOr<v1::Project> CompleteSupport(Env& env, const Call& call, store::Tx& tx,
                                            const v1::CompleteSupportRequest& request) {
  ASSIGN_OR_RETURN(auto step, BeginStep(tx, call, request, Verb::kCompleteSupport));
  const Project& now = step.row.project();
  const auto& supports = now.administrative_data().supports();
  const auto found = std::find_if(
      supports.begin(), supports.end(),
      [&](const v1::Support& support) { return support.review() == request.review(); });
  const bool provides =
      found != supports.end() && !call.caller->bin.empty() && found->body_bin() == call.caller->bin;
  if (!provides) {
    RETURN_IF_ERROR(
        CheckResponsible(now.parameters().responsible_body(), step.roles, call.caller->bin));
  }
  if (found == supports.end()) return base::NotFound("supports", request.review());
  v1::Support completed = *found;
  if (!request.agreement_number().empty())
    completed.set_agreement_number(request.agreement_number());
  if (request.has_agreement_date()) *completed.mutable_agreement_date() = request.agreement_date();
  if (request.has_amount()) *completed.mutable_amount() = request.amount();
  if (completed.SerializeAsString() == found->SerializeAsString())
    return errors::ChangeEmpty("agreement_number");
  // So from the day of the agreement, as far as the measure was adopted then.
  const base::Date signed_on =
      base::Date::FromProto(completed.agreement_date()).value_or(tx.today());
  if (signed_on > tx.today()) return errors::DateInFuture("agreement_date");
  // Where an earlier day was told before, there was none yet until this one: the measure is as it
  // was adopted, which takes a version of its own from this day on.
  const base::Date from =
      std::min(signed_on, base::Date::FromProto(found->agreement_date()).value_or(signed_on));
  v1::Support adopted = completed;
  if (from < signed_on) {
    ASSIGN_OR_RETURN(const ReviewNumbers of, NumbersOfReview(completed.review()));
    ASSIGN_OR_RETURN(const ReviewRow review, LoadReview(tx, of.project, of.review));
    adopted = review.review().administrative_data().support();
    adopted.set_review(completed.review());
    const auto as_it_is = [](base::Date, Project*) { return absl::OkStatus(); };
    RETURN_IF_ERROR(AmendPast(env, tx, step.row.number(), signed_on, as_it_is));
  }
  const auto complete = [&](base::Date day, Project* project) {
    for (v1::Support& support : *project->mutable_administrative_data()->mutable_supports()) {
      if (support.review() == completed.review()) support = day < signed_on ? adopted : completed;
    }
    return absl::OkStatus();
  };
  RETURN_IF_ERROR(SettleSince(env, tx, &step, from, complete));
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
  tx.Cite(errors::Methodology());
  // Days on which it turned while the service was away.
  RETURN_IF_ERROR(
      AmendPast(env, tx, number, day, [](base::Date, Project*) { return absl::OkStatus(); }));
  RETURN_IF_ERROR(UpdateLight(env, tx, tx.today(), &found->row));
  return PutProject(env, tx, &found->row);
}

}  // namespace nisi::industry_map
