#include <algorithm>

#include "absl/strings/match.h"
#include "common/cases/findings.h"
#include "common/cases/refusals.h"
#include "common/cases/rows.h"
#include "services/industry_map/errors.h"
#include "services/industry_map/flow.h"
#include "services/industry_map/history.h"
#include "services/industry_map/rpcs.h"

namespace nisi::industry_map {
namespace {

// What the authority's three methods have in common: the review is adopted, and its project is
// still to be put.
struct Adopted {
  cases::Step<ReviewRow> step;
  ProjectRow project;
  base::Date act_date;
};

std::vector<std::string> PreparedBy(const ReviewRow& row) {
  std::vector<std::string> subjects;
  for (const cases::v1::Act& act : row.life().acts()) {
    if (act.duty() == cases::v1::Act::DECIDES) continue;
    if (std::find(subjects.begin(), subjects.end(), act.subject()) == subjects.end())
      subjects.push_back(act.subject());
  }
  return subjects;
}

template <class Request>
absl::StatusOr<Adopted> Adopt(const Env& env, const Call& call, store::Tx& tx,
                              const Request& request, std::initializer_list<Review::Kind> kinds) {
  ASSIGN_OR_RETURN(auto found, FindReview(tx, call, request.name()));
  RETURN_IF_ERROR(rpc::CheckEtag(request.etag(), found.row.review().etag()));
  const Review::Kind kind = found.row.review().kind();
  if (std::find(kinds.begin(), kinds.end(), kind) == kinds.end()) return errors::ReviewKind();
  const uint32_t path = PathBit(found.row.review().path());
  ASSIGN_OR_RETURN(auto step,
                   cases::Begin(call, ReviewMachine(), ReviewVerb::kAdopt, std::move(found.row),
                                {.roles = found.roles, .path = path}));
  ASSIGN_OR_RETURN(ProjectRow project, LoadProject(tx, step.row.project()));
  Review& review = *step.row.mutable_review();
  Adoption adoption;
  adoption.review = &review;
  adoption.project = &project.project();
  adoption.prepared = PreparedBy(step.row);
  adoption.decider = step.subject;
  adoption.etag = tx.etag();
  adoption.today = tx.today();
  ASSIGN_OR_RETURN(adoption.act_date, base::Date::FromProto(request.act_date()));
  adoption.propose_date =
      base::Date::LegalDay(absl::FromUnixSeconds(review.propose_time().seconds()));
  for (const Conclusion& said : review.administrative_data().conclusions()) {
    const auto day = base::Date::LegalDay(absl::FromUnixSeconds(said.conclude_time().seconds()));
    adoption.concluded = std::max(adoption.concluded.value_or(day), day);
  }
  if (review.exclusion_ground() == v1::CAPACITY_SUSTAINED) {
    ASSIGN_OR_RETURN(const Decision ground, FindSustained(env, tx, project));
    adoption.met = ground.outcome() == "MET";
  }
  ASSIGN_OR_RETURN(Decision decision, DecideAdoption(adoption, *env.norms));
  cases::SetDecideTime(tx, &decision);
  review.mutable_act()->set_number(request.act_number());
  *review.mutable_act()->mutable_date() = request.act_date();
  v1::ReviewData& data = *review.mutable_administrative_data();
  *data.mutable_decision() = std::move(decision);
  Conclusion& conclusion = *data.add_conclusions();
  conclusion.set_step(review.state());
  conclusion.set_round(review.round());
  conclusion.set_verdict(Conclusion::ADOPT);
  conclusion.set_text(request.text());
  conclusion.set_author(step.subject);
  conclusion.mutable_conclude_time()->set_seconds(absl::ToUnixSeconds(tx.recorded()));
  RETURN_IF_ERROR(cases::Finish(tx, *env.norms, kReviews, &step));
  RETURN_IF_ERROR(OpenInforming(env, tx, review));
  CloseReview(review.name(), project.mutable_project());
  return Adopted{std::move(step), std::move(project), adoption.act_date};
}

// Whether a change of these fields changes who sees what is tied to the project, or owes it.
bool MovesTies(const google::protobuf::RepeatedPtrField<std::string>& fields) {
  const auto moves = [](const std::string& field) {
    return field == "parameters.owner_bin" || field == "parameters.kato" ||
           field == "parameters.responsible_body" || field == "parameters.sector_body_bin";
  };
  return std::any_of(fields.begin(), fields.end(), moves);
}

absl::StatusOr<v1::ReplayDecisionResponse> Replayed(
    const std::string& name, const std::string& owner, const decision::v1::Decision& stored,
    absl::StatusOr<decision::v1::Decision> (*replay)(const decision::v1::Decision&)) {
  ASSIGN_OR_RETURN(auto answer, cases::ReplayAnswer<v1::ReplayDecisionResponse>(stored, replay));
  answer.set_name(name);
  answer.set_bin(owner);
  return answer;
}

}  // namespace

absl::StatusOr<v1::Project> IncludeProject(Env& env, const Call& call, store::Tx& tx,
                                           const v1::IncludeProjectRequest& request) {
  ASSIGN_OR_RETURN(Adopted adopted, Adopt(env, call, tx, request, {Review::INCLUSION}));
  const std::string& review = adopted.step.row.review().name();
  ASSIGN_OR_RETURN(auto step, cases::BeginByItself(ProjectMachine(), Verb::kInclude,
                                                   std::move(adopted.project)));
  const int32_t number = step.row.number();
  // On the map from the date of the act, however late it was recorded.
  const auto include = [&](base::Date, Project* project) {
    *project->mutable_include_date() = request.act_date();
    project->set_include_act_number(request.act_number());
    *project->mutable_include_act_date() = request.act_date();
    CloseReview(review, project);
    return absl::OkStatus();
  };
  RETURN_IF_ERROR(SettleSince(env, tx, &step, adopted.act_date, include));
  RETURN_IF_ERROR(FollowPlace(env, tx, number));  // first: the akimat of the day owes the reports
  RETURN_IF_ERROR(FollowQuarters(tx));
  RETURN_IF_ERROR(OweSince(env, tx, number, adopted.act_date));
  ASSIGN_OR_RETURN(const ProjectRow included, LoadProject(tx, number));
  return included.project();
}

absl::StatusOr<v1::Project> AdoptChange(Env& env, const Call& call, store::Tx& tx,
                                        const v1::AdoptChangeRequest& request) {
  ASSIGN_OR_RETURN(Adopted adopted,
                   Adopt(env, call, tx, request, {Review::CHANGE, Review::SUPPORT}));
  const Review& review = adopted.step.row.review();
  const int32_t number = adopted.project.number();
  // Whatever builds on the old parameters is stale from now on, also where the new ones wait.
  if (review.kind() == Review::CHANGE)
    adopted.project.mutable_project()->set_parameters_etag(tx.etag());
  ASSIGN_OR_RETURN(
      auto step, cases::BeginByItself(ProjectMachine(), Verb::kChange, std::move(adopted.project)));
  if (review.kind() == Review::SUPPORT) {
    const auto support = [&](base::Date, Project* project) {
      v1::AdministrativeData& data = *project->mutable_administrative_data();
      v1::Support& added = *data.add_supports();
      added = review.administrative_data().support();
      added.set_review(review.name());
      *data.mutable_support_act() = review.act();
      return absl::OkStatus();
    };
    RETURN_IF_ERROR(SettleSince(env, tx, &step, adopted.act_date, support));
    return step.row.project();
  }
  const base::Date from = base::Date::FromProto(review.effective_from()).value_or(adopted.act_date);
  if (from > tx.today()) {
    v1::ToCome entry;
    *entry.mutable_day() = from.ToProto();
    entry.set_review(adopted.step.row.number());
    AddToCome(std::move(entry), &step.row);
    RETURN_IF_ERROR(Settle(env, tx, &step));
    tx.Schedule(from.StartOfDay(), kChangeTimer, review.name());
    return step.row.project();
  }
  RETURN_IF_ERROR(SettleSince(env, tx, &step, from, [&](base::Date, Project* project) {
    return ApplyChange(review, project);
  }));
  if (!MovesTies(review.changed_fields())) return step.row.project();
  // The place that it names may have ended since: what is tied by the day goes by what took over.
  RETURN_IF_ERROR(FollowPlace(env, tx, number));
  RETURN_IF_ERROR(Retie(tx, number, from));
  ASSIGN_OR_RETURN(const ProjectRow changed, LoadProject(tx, number));
  return changed.project();
}

absl::Status TakeChange(const Env& env, store::Tx& tx, absl::string_view payload, absl::Time due) {
  ASSIGN_OR_RETURN(const ReviewNumbers numbers, NumbersOfReview(std::string(payload)));
  ASSIGN_OR_RETURN(const ReviewRow review, LoadReview(tx, numbers.project, numbers.review));
  ASSIGN_OR_RETURN(ProjectRow project, LoadProject(tx, numbers.project));
  // It has left the map since: nothing has changed.
  if (!IsOnMap(project.project().state())) return absl::OkStatus();
  const base::Date day = base::Date::LegalDay(due);
  ASSIGN_OR_RETURN(auto step,
                   cases::BeginByItself(ProjectMachine(), Verb::kChange, std::move(project)));
  // The version of the day was put with the adoption. What was proposed since builds on parameters
  // that give way now.
  RETURN_IF_ERROR(SettleSince(env, tx, &step, day, [&](base::Date, Project* changed) {
    changed->set_parameters_etag(tx.etag());
    return absl::OkStatus();
  }));
  if (!MovesTies(review.review().changed_fields())) return absl::OkStatus();
  RETURN_IF_ERROR(FollowPlace(env, tx, numbers.project));
  return Retie(tx, numbers.project, day);
}

absl::StatusOr<v1::Project> ExcludeProject(Env& env, const Call& call, store::Tx& tx,
                                           const v1::ExcludeProjectRequest& request) {
  ASSIGN_OR_RETURN(Adopted adopted, Adopt(env, call, tx, request, {Review::EXCLUSION}));
  const Review& review = adopted.step.row.review();
  const v1::ExclusionGround ground = review.exclusion_ground();
  const Verb verb = ground == v1::CAPACITY_SUSTAINED ? Verb::kComplete : Verb::kExclude;
  ASSIGN_OR_RETURN(auto step,
                   cases::BeginByItself(ProjectMachine(), verb, std::move(adopted.project)));
  Project& project = *step.row.mutable_project();
  // What else was under way has lost its object.
  for (const std::string& name : project.open_reviews()) {
    ASSIGN_OR_RETURN(const ReviewNumbers numbers, NumbersOfReview(name));
    ASSIGN_OR_RETURN(ReviewRow row, LoadReview(tx, numbers.project, numbers.review));
    const uint32_t path = PathBit(row.review().path());
    ASSIGN_OR_RETURN(auto other, cases::BeginByItself(ReviewMachine(), ReviewVerb::kFollowProject,
                                                      std::move(row), std::nullopt, path));
    RETURN_IF_ERROR(cases::Finish(tx, *env.norms, kReviews, &other));
  }
  project.clear_open_reviews();
  // Off the map from the date of the act, in whatever state it went on until that was recorded.
  const auto to = static_cast<Project::State>(step.edge == nullptr ? 0 : step.edge->to);
  const auto leave = [&](base::Date, Project* then) {
    if (IsOnMap(then->state())) then->set_state(to);
    then->set_exclusion_ground(ground);
    *then->mutable_exclusion_act() = review.act();
    then->clear_suspended_from();
    return absl::OkStatus();
  };
  RETURN_IF_ERROR(SettleSince(env, tx, &step, adopted.act_date, leave));
  RETURN_IF_ERROR(CancelSince(tx, step.row.number(), adopted.act_date));
  return project;
}

absl::StatusOr<v1::ReplayDecisionResponse> ReplayDecision(
    Env& env, Call&, const v1::ReplayDecisionRequest& request) {
  ASSIGN_OR_RETURN(const store::At at, rpc::AtOf(request));
  const store::View view = env.store->Read();
  const std::string& name = request.name();
  if (absl::StartsWith(name, "editions/")) {
    ASSIGN_OR_RETURN(const int32_t number, EditionNumber(name));
    ASSIGN_OR_RETURN(const auto found, view.Find(kEditions, store::Key::Of(number), at));
    if (!found.has_value()) return base::NotFound("editions", name);
    return Replayed(name, "", found->row.edition().decision(), ReplayEdition);
  }
  if (absl::StrContains(name, "/reviews/")) {
    ASSIGN_OR_RETURN(const ReviewNumbers numbers, NumbersOfReview(name));
    ASSIGN_OR_RETURN(const auto found,
                     view.Find(kReviews, ReviewKey(numbers.project, numbers.review), at));
    if (!found.has_value()) return base::NotFound("reviews", name);
    const std::string& owner = found->row.review().owner_bin();
    const v1::ReviewData& data = found->row.review().administrative_data();
    if (!data.has_decision()) {
      if (!data.has_ground_decision()) return cases::DecisionMissing(errors::Methodology());
      return Replayed(name, owner, data.ground_decision(), ReplaySustained);
    }
    ASSIGN_OR_RETURN(auto answer, Replayed(name, owner, data.decision(), ReplayAdoption));
    if (!data.has_ground_decision()) return answer;
    // The decision rests on the ground that the register computed when it proposed the review.
    ASSIGN_OR_RETURN(auto ground, Replayed(name, owner, data.ground_decision(), ReplaySustained));
    answer.set_same(answer.same() && ground.same());
    *answer.mutable_stored_ground() = std::move(*ground.mutable_stored());
    *answer.mutable_replayed_ground() = std::move(*ground.mutable_replayed());
    return answer;
  }
  if (absl::StartsWith(name, "projects/")) {
    ASSIGN_OR_RETURN(const int32_t number, ProjectNumber(name));
    ASSIGN_OR_RETURN(const auto found, view.Find(kProjects, ProjectKey(number), at));
    if (!found.has_value()) return base::NotFound("projects", name);
    const Project& project = found->row.project();
    const Progress& progress = project.administrative_data().progress();
    if (!progress.has_traffic_light_decision())
      return cases::DecisionMissing(errors::Methodology());
    return Replayed(name, project.parameters().owner_bin(), progress.traffic_light_decision(),
                    ReplayLight);
  }
  return base::InvalidField("name", "is of no record with decisions");
}

}  // namespace nisi::industry_map
