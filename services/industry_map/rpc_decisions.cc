#include <algorithm>
#include <set>

#include "absl/strings/match.h"
#include "common/cases/findings.h"
#include "services/industry_map/errors.h"
#include "services/industry_map/flow.h"
#include "services/industry_map/rpcs.h"

namespace nisi::industry_map {
namespace {

// What the authority's three methods have in common: the review is adopted, and its project is
// still to be put.
struct Adopted {
  cases::Step<ReviewRow> step;
  ProjectRow project;
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
  if (review.exclusion_ground() == v1::CAPACITY_SUSTAINED) {
    ASSIGN_OR_RETURN(const Decision ground, FindSustained(env, tx, project));
    adoption.met = ground.outcome() == "MET";
  }
  ASSIGN_OR_RETURN(Decision decision, DecideAdoption(adoption, *env.norms));
  decision.mutable_decide_time()->set_seconds(absl::ToUnixSeconds(tx.recorded()));
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
  return Adopted{std::move(step), std::move(project)};
}

// Puts what an adopted change changes into a project, and what follows from it. A review holds all
// parameters as they were proposed; those that it does not change may differ by now, or on `day`.
absl::Status Apply(const Env& env, const Review& review, base::Date day, Project* project) {
  RETURN_IF_ERROR(TakeFields(review.changed_fields(), review.parameters(),
                             review.administrative_data().terms(), project));
  return Derive(*env.norms, day, project);
}

// The days after `from` and before `until` on which a version of the project begins to hold.
absl::StatusOr<std::set<base::Date>> TurningDays(const store::Tx& tx, int32_t number,
                                                 base::Date from, base::Date until) {
  ASSIGN_OR_RETURN(const auto versions, tx.Versions(kProjects, ProjectKey(number).bytes(), from));
  std::set<base::Date> days{from};
  for (const store::RawRow& version : versions) {
    const base::Date day = version.version.effective_from;
    if (from < day && day < until) days.insert(day);
  }
  return days;
}

// A correction holds from a past day on, through every version since: each keeps what else it says.
absl::Status CorrectPast(const Env& env, store::Tx& tx, const Review& review, int32_t number,
                         base::Date from) {
  ASSIGN_OR_RETURN(const auto days, TurningDays(tx, number, from, tx.today()));
  for (const base::Date day : days) {
    store::At at;
    at.as_of = day;
    ASSIGN_OR_RETURN(auto then, tx.Find(kProjects, ProjectKey(number), at));
    if (!then.has_value()) continue;
    RETURN_IF_ERROR(Apply(env, review, day, then->row.mutable_project()));
    RETURN_IF_ERROR(tx.Put(kProjects, &then->row, day));
  }
  return absl::OkStatus();
}

absl::StatusOr<v1::Project> TakeNow(const Env& env, store::Tx& tx, const Review& review,
                                    ProjectRow row, std::optional<base::Date> day) {
  ASSIGN_OR_RETURN(auto step,
                   cases::BeginByItself(ProjectMachine(), Verb::kChange, std::move(row), day));
  RETURN_IF_ERROR(Apply(env, review, day.value_or(tx.today()), step.row.mutable_project()));
  RETURN_IF_ERROR(Settle(env, tx, &step));
  return step.row.project();
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
  ASSIGN_OR_RETURN(auto step, cases::BeginByItself(ProjectMachine(), Verb::kInclude,
                                                   std::move(adopted.project)));
  Project& project = *step.row.mutable_project();
  *project.mutable_include_date() = tx.today().ToProto();
  project.set_include_act_number(request.act_number());
  *project.mutable_include_act_date() = request.act_date();
  RETURN_IF_ERROR(Settle(env, tx, &step));
  RETURN_IF_ERROR(FollowQuarters(tx));
  return project;
}

absl::StatusOr<v1::Project> AdoptChange(Env& env, const Call& call, store::Tx& tx,
                                        const v1::AdoptChangeRequest& request) {
  ASSIGN_OR_RETURN(Adopted adopted,
                   Adopt(env, call, tx, request, {Review::CHANGE, Review::SUPPORT}));
  const Review& review = adopted.step.row.review();
  if (review.kind() == Review::SUPPORT) {
    ASSIGN_OR_RETURN(auto step, cases::BeginByItself(ProjectMachine(), Verb::kChange,
                                                     std::move(adopted.project)));
    Project& project = *step.row.mutable_project();
    v1::Support& support = *project.mutable_administrative_data()->add_supports();
    support = review.administrative_data().support();
    support.set_review(review.name());
    RETURN_IF_ERROR(Settle(env, tx, &step));
    return project;
  }
  // Whatever builds on the old parameters is stale from now on, also where the new ones wait.
  adopted.project.mutable_project()->set_parameters_etag(tx.etag());
  const base::Date today = tx.today();
  const base::Date from = base::Date::FromProto(review.effective_from()).value_or(today);
  if (from > today) {
    ASSIGN_OR_RETURN(auto step, cases::BeginByItself(ProjectMachine(), Verb::kChange,
                                                     std::move(adopted.project)));
    RETURN_IF_ERROR(Settle(env, tx, &step));
    tx.Schedule(from.StartOfDay(), kChangeTimer, review.name());
    return step.row.project();
  }
  if (from < today) RETURN_IF_ERROR(CorrectPast(env, tx, review, adopted.project.number(), from));
  return TakeNow(env, tx, review, std::move(adopted.project), std::nullopt);
}

absl::Status TakeChange(const Env& env, store::Tx& tx, absl::string_view payload, absl::Time due) {
  ASSIGN_OR_RETURN(const ReviewNumbers numbers, NumbersOfReview(std::string(payload)));
  ASSIGN_OR_RETURN(const ReviewRow review, LoadReview(tx, numbers.project, numbers.review));
  ASSIGN_OR_RETURN(ProjectRow project, LoadProject(tx, numbers.project));
  // It has left the map since: nothing is left to change.
  if (!IsOnMap(project.project().state())) return absl::OkStatus();
  // What was proposed since builds on parameters that give way now.
  project.mutable_project()->set_parameters_etag(tx.etag());
  return TakeNow(env, tx, review.review(), std::move(project), base::Date::LegalDay(due)).status();
}

absl::StatusOr<v1::Project> ExcludeProject(Env& env, const Call& call, store::Tx& tx,
                                           const v1::ExcludeProjectRequest& request) {
  ASSIGN_OR_RETURN(Adopted adopted, Adopt(env, call, tx, request, {Review::EXCLUSION}));
  const v1::ExclusionGround ground = adopted.step.row.review().exclusion_ground();
  const Verb verb = ground == v1::CAPACITY_SUSTAINED ? Verb::kComplete : Verb::kExclude;
  ASSIGN_OR_RETURN(auto step,
                   cases::BeginByItself(ProjectMachine(), verb, std::move(adopted.project)));
  Project& project = *step.row.mutable_project();
  project.set_exclusion_ground(ground);
  project.clear_suspended_from();
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
  RETURN_IF_ERROR(Settle(env, tx, &step));
  return project;
}

absl::StatusOr<v1::ReplayDecisionResponse> ReplayDecision(
    Env& env, Call&, const v1::ReplayDecisionRequest& request) {
  const store::View view = env.store->Read();
  const std::string& name = request.name();
  if (absl::StartsWith(name, "editions/")) {
    ASSIGN_OR_RETURN(const int32_t number, EditionNumber(name));
    ASSIGN_OR_RETURN(const auto found, view.Find(kEditions, store::Key::Of(number)));
    if (!found.has_value()) return base::NotFound("editions", name);
    return Replayed(name, "", found->row.edition().decision(), ReplayEdition);
  }
  if (absl::StrContains(name, "/reviews/")) {
    ASSIGN_OR_RETURN(const ReviewNumbers numbers, NumbersOfReview(name));
    ASSIGN_OR_RETURN(const auto found,
                     view.Find(kReviews, ReviewKey(numbers.project, numbers.review)));
    if (!found.has_value()) return base::NotFound("reviews", name);
    const std::string& owner = found->row.review().owner_bin();
    const v1::ReviewData& data = found->row.review().administrative_data();
    if (data.has_decision()) return Replayed(name, owner, data.decision(), ReplayAdoption);
    if (!data.has_ground_decision()) return errors::DecisionMissing();
    return Replayed(name, owner, data.ground_decision(), ReplaySustained);
  }
  if (absl::StartsWith(name, "projects/")) {
    ASSIGN_OR_RETURN(const int32_t number, ProjectNumber(name));
    ASSIGN_OR_RETURN(const auto found, view.Find(kProjects, ProjectKey(number)));
    if (!found.has_value()) return base::NotFound("projects", name);
    const Project& project = found->row.project();
    const Progress& progress = project.administrative_data().progress();
    if (!progress.has_traffic_light_decision()) return errors::DecisionMissing();
    return Replayed(name, project.parameters().owner_bin(), progress.traffic_light_decision(),
                    ReplayLight);
  }
  return base::InvalidField("name", "is of no record with decisions");
}

}  // namespace nisi::industry_map
