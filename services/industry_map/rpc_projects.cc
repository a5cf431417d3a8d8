#include "google/protobuf/util/message_differencer.h"
#include "services/industry_map/errors.h"
#include "services/industry_map/flow.h"
#include "services/industry_map/places.h"
#include "services/industry_map/rpcs.h"

namespace nisi::industry_map {
namespace {

std::optional<store::Key> RegionKey(const std::string& value) {
  if (value.size() != 2) return std::nullopt;
  store::Key key;
  key.AddTextPrefix(value);
  return key;
}

// Whether the owner may have one more draft: anybody may open them.
absl::Status CheckRoom(const store::Tx& tx, const std::string& owner_bin) {
  constexpr int64_t kMost = 200;
  ASSIGN_OR_RETURN(const int64_t drafts,
                   cases::CountIn(tx, kOpenDrafts, store::Key::Of(owner_bin)));
  return drafts < kMost ? absl::OkStatus() : errors::DraftsTooMany(kMost);
}

}  // namespace

absl::StatusOr<v1::Project> CreateProject(Env& env, const Call&, store::Tx& tx,
                                          const v1::CreateProjectRequest& request) {
  RETURN_IF_ERROR(CheckRoom(tx, request.project().parameters().owner_bin()));
  ProjectRow row;
  Project& project = *row.mutable_project();
  project = request.project();
  RETURN_IF_ERROR(CheckForm(project.parameters(), project.administrative_data().terms(), *env.norms,
                            tx.today(), "project."));
  RETURN_IF_ERROR(
      CheckPlace(tx, project.parameters().kato(), tx.today(), "project.parameters.kato"));
  ASSIGN_OR_RETURN(const int64_t number, tx.Next("projects"));
  row.set_number(static_cast<int32_t>(number));
  project.set_name(ProjectName(row.number()));
  project.set_state(Project::DRAFT);
  project.set_parameters_etag(tx.etag());
  RETURN_IF_ERROR(DeriveOn(env, tx, tx.today(), &project));
  tx.Cite(errors::UnifiedMap());
  RETURN_IF_ERROR(tx.Put(kProjects, &row));
  return row.project();
}

absl::StatusOr<v1::Project> UpdateProject(Env& env, const Call& call, store::Tx& tx,
                                          const v1::UpdateProjectRequest& request) {
  ASSIGN_OR_RETURN(auto found, FindProject(tx, call, request.project().name()));
  ASSIGN_OR_RETURN(auto step,
                   cases::Begin(call, ProjectMachine(), Verb::kEdit, std::move(found.row),
                                {.roles = found.roles, .etag = request.project().etag()}));
  Project& project = *step.row.mutable_project();
  // Without a version nobody can tell what is being changed.
  if (request.project().etag().empty()) return base::EtagMismatch(project.etag());
  const Project before = project;
  RETURN_IF_ERROR(rpc::ApplyUpdate(request.project(), request.update_mask(), &project, &call));
  if (google::protobuf::util::MessageDifferencer::Equals(before, project)) return before;
  RETURN_IF_ERROR(CheckForm(project.parameters(), project.administrative_data().terms(), *env.norms,
                            tx.today(), "project."));
  RETURN_IF_ERROR(
      CheckPlace(tx, project.parameters().kato(), tx.today(), "project.parameters.kato"));
  project.set_parameters_etag(tx.etag());
  RETURN_IF_ERROR(Settle(env, tx, &step));
  return project;
}

absl::StatusOr<Encoded<v1::Project>> GetProject(Env& env, Call& call,
                                                const v1::GetProjectRequest& request) {
  ASSIGN_OR_RETURN(const int32_t number, ProjectNumber(request.name()));
  return rpc::GetRecord<Project>(*env.store, call, kProjects, ProjectKey(number), request,
                                 IsVisible);
}

absl::StatusOr<Encoded<v1::ListProjectsResponse>> ListProjects(
    Env& env, Call& call, const v1::ListProjectsRequest& request) {
  ASSIGN_OR_RETURN(rpc::ListPlan plan, rpc::PlanList(kProjects, request, call));
  if (!request.edition().empty()) {
    if (request.has_as_of() || request.has_known_at())
      return base::InvalidField("edition", "stands for as_of and known_at: give it alone");
    if (call.reach == store::Reach::kMemory) return store::NotInMemory();
    ASSIGN_OR_RETURN(plan.at, AtOfEdition(env.store->Read(), request.edition()));
  }
  plan.indexes = {{"parameters.owner_bin", &kProjectsByOwner, rpc::TextKey},
                  {"bodies", &kProjectsByBody, rpc::TextKey},
                  {"parameters.goods_codes", &kProjectsByGood, rpc::TextKey},
                  {"parameters.kato", &kProjectsByPlace, rpc::TextKey},
                  {"region", &kProjectsByPlace, RegionKey},
                  {"sector", &kProjectsByActivity, rpc::TextKey},
                  {"state", &kProjectsByState, rpc::EnumKey<Project::State>}};
  plan.orders = {{"name"}, {"commissioning_date", &kProjectsByCommissioning, {}}};
  // An edition is of the map: a draft of then is none of it.
  const bool of_map = !request.edition().empty();
  plan.show = rpc::ShowTo<Project>(call, IsVisible);
  if (of_map) {
    plan.show = [](google::protobuf::Message* resource) {
      return static_cast<Project*>(resource)->on_map() ? rpc::Shown::kAsStored : rpc::Shown::kNo;
    };
  }
  return rpc::ListAs<v1::ListProjectsResponse>(*env.store, plan);
}

absl::StatusOr<v1::Project> WithdrawProject(Env& env, const Call& call, store::Tx& tx,
                                            const v1::WithdrawProjectRequest& request) {
  ASSIGN_OR_RETURN(auto found, FindProject(tx, call, request.name()));
  ASSIGN_OR_RETURN(auto step,
                   cases::Begin(call, ProjectMachine(), Verb::kWithdraw, std::move(found.row),
                                {.roles = found.roles, .etag = request.etag()}));
  Project& project = *step.row.mutable_project();
  if (step.row.inclusion_review() != 0) {
    ASSIGN_OR_RETURN(ReviewRow row, LoadReview(tx, step.row.number(), step.row.inclusion_review()));
    CloseReview(row.review().name(), &project);
    const uint32_t path = PathBit(row.review().path());
    ASSIGN_OR_RETURN(auto review, cases::BeginByItself(ReviewMachine(), ReviewVerb::kFollowProject,
                                                       std::move(row), std::nullopt, path));
    RETURN_IF_ERROR(cases::Finish(tx, *env.norms, kReviews, &review));
  }
  project.set_reason(request.reason());
  RETURN_IF_ERROR(Settle(env, tx, &step));
  return project;
}

}  // namespace nisi::industry_map
