#include "services/industry_map/flow.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/base/roles.h"
#include "common/cases/rows.h"
#include "services/industry_map/errors.h"
#include "services/industry_map/history.h"
#include "services/industry_map/places.h"

namespace nisi::industry_map {
namespace {

// As what the caller proposes: the nearest to the project of its roles.
rpc::v1::Role ProposerRole(uint32_t roles) {
  for (const auto role : {rpc::v1::ENTITY, rpc::v1::AKIMAT, rpc::v1::HOLDING}) {
    if ((roles & base::RoleBit(role)) != 0) return role;
  }
  return rpc::v1::INSTITUTE_INDUSTRY;
}

// Fills what a review says of its project and of what is proposed for it.
absl::Status Address(const Env& env, store::Tx& tx, const Project& project,
                     const ProjectParameters& parameters, const ProjectTerms& terms,
                     ReviewRow* row) {
  Review& review = *row->mutable_review();
  ASSIGN_OR_RETURN(const Review::Path path, PathOf(project.administrative_data().terms().cost(),
                                                   terms.cost(), *env.norms, tx.today()));
  review.set_path(path);
  review.set_owner_bin(project.parameters().owner_bin());
  review.set_kato(parameters.kato());
  ASSIGN_OR_RETURN(const std::string region, RegionOn(tx, parameters.kato(), tx.today()));
  review.set_region(region);
  review.set_sector_body_bin(path == Review::REPUBLICAN ? parameters.sector_body_bin() : "");
  review.clear_bodies();
  for (const std::string& bin :
       {parameters.responsible_body().bin(), parameters.sector_body_bin()}) {
    const auto& bodies = review.bodies();
    if (!bin.empty() && std::find(bodies.begin(), bodies.end(), bin) == bodies.end())
      review.add_bodies(bin);
  }
  review.set_parameters_etag(project.parameters_etag());
  review.set_round(review.round() + 1);
  review.mutable_propose_time()->set_seconds(absl::ToUnixSeconds(tx.recorded()));
  return absl::OkStatus();
}

// Who proposed a returned review proposes it again; the owner also where it is another by now. What
// the register proposed anybody may who may propose such.
absl::Status CheckSameProposer(const ReviewRow& row, uint32_t roles, const std::string& bin) {
  const rpc::v1::Role role = row.proposer_role();
  if (role == rpc::v1::ROLE_UNSPECIFIED) return absl::OkStatus();
  const bool by_bin = role == rpc::v1::HOLDING || role == rpc::v1::AKIMAT;
  const bool same = (roles & base::RoleBit(role)) != 0 && (!by_bin || row.proposer_bin() == bin);
  return same ? absl::OkStatus() : errors::NotTheProposer();
}

// Nobody examines what is its own.
absl::Status CheckExaminers(const Review& review, const ProjectParameters& parameters) {
  for (const std::string& owner : {review.owner_bin(), parameters.owner_bin()}) {
    if (owner.empty()) continue;
    if (owner == review.sector_body_bin())
      return errors::ExaminerIsOwner("parameters.sector_body_bin");
    const v1::ResponsibleBody& body = parameters.responsible_body();
    if (body.kind() == v1::ResponsibleBody::AKIMAT && owner == body.bin())
      return errors::ExaminerIsOwner("parameters.responsible_body.bin");
  }
  return absl::OkStatus();
}

// A review without its next body would stay with nobody. A proposal of parameters is asked for all
// of its gaps at once.
absl::Status CheckSectorBody(const Review& review) {
  const bool of_parameters = review.kind() == Review::INCLUSION || review.kind() == Review::CHANGE;
  if (of_parameters || review.path() != Review::REPUBLICAN || !review.sector_body_bin().empty())
    return absl::OkStatus();
  return errors::ProjectIncomplete({"parameters.sector_body_bin"});
}

ReviewRow NewReview(const ProjectRow& project, Review::Kind kind) {
  ReviewRow row;
  row.set_project(project.number());
  row.set_number(project.last_review() + 1);
  row.mutable_review()->set_name(ReviewName(row.project(), row.number()));
  row.mutable_review()->set_kind(kind);
  return row;
}

}  // namespace

absl::Status DeriveOn(const Env& env, const store::Reader& reader, base::Date day,
                      Project* project) {
  // Ranges of cost are those in force when it is recorded.
  RETURN_IF_ERROR(Derive(*env.norms, reader.today(), project));
  ASSIGN_OR_RETURN(const std::string region, RegionOn(reader, project->parameters().kato(), day));
  project->set_region(region);
  return absl::OkStatus();
}

absl::Status SetLight(const Env& env, store::Tx& tx, base::Date day, ProjectRow* row) {
  Project& project = *row->mutable_project();
  const LightFacts facts{&project, project.state(), tx.etag(), day};
  absl::StatusOr<Decision> found = TrafficLight(facts, *env.norms);
  auto light = Progress::TRAFFIC_LIGHT_UNSPECIFIED;
  // A day before the methodology, or after it, has none.
  if (!found.ok() && base::ReasonOf(found.status()) != "NORM_NOT_IN_FORCE") return found.status();
  Decision decision = found.ok() ? *std::move(found) : Decision();
  Progress::TrafficLight_Parse(decision.outcome(), &light);
  if (light != Progress::TRAFFIC_LIGHT_UNSPECIFIED) {
    Progress& progress = *project.mutable_administrative_data()->mutable_progress();
    progress.set_traffic_light(light);
    cases::SetDecideTime(tx, &decision);
    *progress.mutable_traffic_light_decision() = std::move(decision);
  } else if (project.administrative_data().has_progress()) {
    Progress& progress = *project.mutable_administrative_data()->mutable_progress();
    progress.clear_traffic_light();
    progress.clear_traffic_light_decision();
  }
  return absl::OkStatus();
}

absl::Status UpdateLight(const Env& env, store::Tx& tx, base::Date day, ProjectRow* row) {
  RETURN_IF_ERROR(SetLight(env, tx, day, row));
  const LightFacts facts{&row->project(), row->project().state(), tx.etag(), day};
  ASSIGN_OR_RETURN(const auto turns, LightTurns(facts, *env.norms));
  const auto known = base::Date::FromProto(row->light_turns());
  if (!turns.has_value()) {
    row->clear_light_turns();
  } else if (!known.ok() || *known != *turns) {
    *row->mutable_light_turns() = turns->ToProto();
    tx.Schedule(turns->StartOfDay(), kLightTimer, absl::StrCat(row->number()));
  }
  return absl::OkStatus();
}

absl::Status Settle(const Env& env, store::Tx& tx, cases::Step<ProjectRow>* step) {
  if (step->edge == nullptr) return step->allowed.Only().status();
  Project& project = *step->row.mutable_project();
  project.set_state(static_cast<Project::State>(step->edge->to));
  const base::Date day = step->day.value_or(tx.today());
  RETURN_IF_ERROR(DeriveOn(env, tx, day, &project));
  RETURN_IF_ERROR(UpdateLight(env, tx, day, &step->row));
  RETURN_IF_ERROR(cases::Finish(tx, *env.norms, kProjects, step));
  return PutToCome(env, tx, step->row);
}

absl::Status Follow(const Env& env, store::Tx& tx, ProjectRow row, Review::State review) {
  ASSIGN_OR_RETURN(auto step,
                   cases::BeginByItself(ProjectMachine(), Verb::kFollowReview, std::move(row)));
  RETURN_IF_ERROR(step.Lead(ProjectStateOf(review)));
  return Settle(env, tx, &step);
}

cases::Who WhoActs(const Review& review, Review::State state) {
  cases::Who who;
  if (state == Review::PROPOSED || state == Review::REGIONAL_REVIEW) who.region = review.kato();
  if (state == Review::SECTOR_REVIEW) who.body = review.sector_body_bin();
  return who;
}

void CloseReview(const std::string& name, Project* project) {
  auto* open = project->mutable_open_reviews();
  open->erase(std::remove(open->begin(), open->end(), name), open->end());
}

absl::StatusOr<cases::Step<ReviewRow>> BeginProposal(const Env& env, const rpc::Call& call,
                                                     store::Tx& tx,
                                                     const rpc::Found<ProjectRow>& project,
                                                     const Proposal& proposal) {
  ReviewRow row;
  if (proposal.review.empty()) {
    ASSIGN_OR_RETURN(
        const auto open,
        tx.FindUnique(kOpenReviews, store::Key::Of(project.row.number(), int64_t{proposal.kind})));
    if (open.has_value()) return errors::ReviewOpen(open->row.review().name());
    row = NewReview(project.row, proposal.kind);
  } else {
    ASSIGN_OR_RETURN(const ReviewNumbers numbers, NumbersOfReview(proposal.review));
    ASSIGN_OR_RETURN(const auto found,
                     tx.Find(kReviews, ReviewKey(numbers.project, numbers.review)));
    if (!found.has_value() || numbers.project != project.row.number())
      return base::NotFound("reviews", proposal.review);
    if (found->row.review().kind() != proposal.kind) return errors::ReviewKind();
    row = found->row;
  }
  ASSIGN_OR_RETURN(auto step, cases::Begin(call, ReviewMachine(), proposal.verb, std::move(row),
                                           {.roles = project.roles}));
  Review& review = *step.row.mutable_review();
  if (!proposal.review.empty())
    RETURN_IF_ERROR(CheckSameProposer(step.row, project.roles, call.caller->bin));
  RETURN_IF_ERROR(
      Answer(*proposal.answers, review.mutable_administrative_data()->mutable_remarks()));
  RETURN_IF_ERROR(
      Address(env, tx, project.row.project(), *proposal.parameters, *proposal.terms, &step.row));
  step.path = PathBit(review.path());
  RETURN_IF_ERROR(CheckExaminers(review, *proposal.parameters));
  RETURN_IF_ERROR(CheckSectorBody(review));
  review.set_proposed_by(step.subject);
  const rpc::v1::Role role = ProposerRole(project.roles);
  step.row.set_proposer_role(role);
  step.row.set_proposer_bin(call.caller->bin);
  // Else it would lose sight of the review by which it gives the project to another region.
  review.set_proposer_kato(role == rpc::v1::AKIMAT ? project.row.project().parameters().kato()
                                                   : "");
  return step;
}

absl::Status FinishProposal(const Env& env, store::Tx& tx, cases::Step<ReviewRow>* step,
                            ProjectRow* project) {
  RETURN_IF_ERROR(
      cases::Finish(tx, *env.norms, kReviews, step, WhoActs(step->row.review(), Review::PROPOSED)));
  project->set_last_review(std::max(project->last_review(), step->row.number()));
  const std::string& name = step->row.review().name();
  CloseReview(name, project->mutable_project());
  project->mutable_project()->add_open_reviews(name);
  return absl::OkStatus();
}

absl::Status ProposeSustained(const Env& env, store::Tx& tx, const Decision& ground,
                              ProjectRow* project) {
  ReviewRow row = NewReview(*project, Review::EXCLUSION);
  Review& review = *row.mutable_review();
  RETURN_IF_ERROR(Address(env, tx, project->project(), project->project().parameters(),
                          project->project().administrative_data().terms(), &row));
  review.set_proposed_by("system/reports");
  review.set_exclusion_ground(v1::CAPACITY_SUSTAINED);
  *review.mutable_administrative_data()->mutable_ground_decision() = ground;
  const uint32_t path = PathBit(review.path());
  ASSIGN_OR_RETURN(auto step, cases::BeginByItself(ReviewMachine(), ReviewVerb::kProposeSustained,
                                                   std::move(row), std::nullopt, path));
  return FinishProposal(env, tx, &step, project);
}

absl::StatusOr<Decision> FindSustained(const Env& env, const store::Tx& tx, const ProjectRow& row) {
  const base::Date today = tx.today();
  ASSIGN_OR_RETURN(const int64_t quarters,
                   env.norms->Int("industry_map.exclusion.quarters", today));
  std::vector<Load> loads;
  auto last = base::Quarter::Parse(row.project().last_report_quarter());
  // Without any report all quarters before today lack one.
  base::Quarter quarter =
      last.ok()
          ? *last
          : base::Quarter::Containing(base::Quarter::Containing(today).first_day().AddDays(-1));
  for (int64_t n = 0; n < quarters; ++n) {
    ASSIGN_OR_RETURN(const auto found, tx.Find(kReports, ReportKey(row.number(), quarter)));
    Load load{quarter, std::nullopt, ReportName(row.number(), quarter), ""};
    if (found.has_value()) {
      load.load_bp = LoadOf(row.project(), found->row.report());
      load.etag = found->row.report().etag();
    }
    loads.push_back(std::move(load));
    quarter = base::Quarter::Containing(quarter.first_day().AddDays(-1));
  }
  ASSIGN_OR_RETURN(Decision decision, SustainedCapacity(row.project(), loads, *env.norms, today));
  cases::SetDecideTime(tx, &decision);
  return decision;
}

}  // namespace nisi::industry_map
