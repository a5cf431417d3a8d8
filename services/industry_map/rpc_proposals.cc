#include <algorithm>

#include "common/base/roles.h"
#include "services/industry_map/errors.h"
#include "services/industry_map/flow.h"
#include "services/industry_map/history.h"
#include "services/industry_map/places.h"
#include "services/industry_map/rpcs.h"

namespace nisi::industry_map {
namespace {

// Whether a change, support or an exclusion may be proposed at all: PROJECT_STATE.
absl::Status CheckOnMap(const Project& project, Verb verb) {
  return ProjectMachine().AskByItself(project.state(), verb).status();
}

void SetGrounds(const std::string& justification,
                const google::protobuf::RepeatedPtrField<type::v1::Document>& documents,
                Review* review) {
  v1::ReviewData& data = *review->mutable_administrative_data();
  data.set_justification(justification);
  *data.mutable_documents() = documents;
}

}  // namespace

absl::StatusOr<v1::Review> ProposeProject(Env& env, const Call& call, store::Tx& tx,
                                          const v1::ProposeProjectRequest& request) {
  ASSIGN_OR_RETURN(auto found, FindProject(tx, call, request.name()));
  const Project& project = found.row.project();
  const ProjectTerms& terms = project.administrative_data().terms();
  const int32_t known = found.row.inclusion_review();
  const Proposal proposal{Review::INCLUSION,
                          ReviewVerb::kProposeInclusion,
                          known == 0 ? "" : ReviewName(found.row.number(), known),
                          &project.parameters(),
                          &terms,
                          &request.answers()};
  RETURN_IF_ERROR(rpc::CheckEtag(request.etag(), project.etag()));
  ASSIGN_OR_RETURN(auto step, BeginProposal(env, call, tx, found, proposal));
  RETURN_IF_ERROR(CheckForm(project.parameters(), terms, *env.norms, tx.today(), ""));
  RETURN_IF_ERROR(CheckPlace(tx, project.parameters().kato(), tx.today(), "parameters.kato"));
  RETURN_IF_ERROR(
      CheckProposal(project.parameters(), terms, step.row.review().path(), *env.norms, tx.today()));
  RETURN_IF_ERROR(FinishProposal(env, tx, &step, &found.row));
  found.row.set_inclusion_review(step.row.number());
  RETURN_IF_ERROR(Follow(env, tx, std::move(found.row), Review::PROPOSED));
  return step.row.review();
}

absl::StatusOr<v1::Review> ProposeChange(Env& env, const Call& call, store::Tx& tx,
                                         const v1::ProposeChangeRequest& request) {
  const bool support = request.has_support();
  if (support && (request.has_parameters() || request.has_terms() || request.has_effective_from()))
    return base::InvalidField("support", "is proposed alone, without a change of parameters");
  ASSIGN_OR_RETURN(auto found, FindProject(tx, call, request.parent()));
  const Project& project = found.row.project();
  const ProjectTerms& now = project.administrative_data().terms();
  const ProjectParameters& parameters =
      request.has_parameters() ? request.parameters() : project.parameters();
  const ProjectTerms& terms = request.has_terms() ? request.terms() : now;
  const Proposal proposal{support ? Review::SUPPORT : Review::CHANGE,
                          support ? ReviewVerb::kProposeSupport : ReviewVerb::kProposeChange,
                          request.review(),
                          &parameters,
                          &terms,
                          &request.answers()};
  ASSIGN_OR_RETURN(auto step, BeginProposal(env, call, tx, found, proposal));
  RETURN_IF_ERROR(CheckOnMap(project, Verb::kChange));
  if (request.parameters_etag() != project.parameters_etag()) return errors::ProjectStale();
  Review& review = *step.row.mutable_review();
  v1::ReviewData& data = *review.mutable_administrative_data();
  SetGrounds(request.justification(), request.documents(), &review);
  if (support) {
    for (const v1::Support& known : project.administrative_data().supports()) {
      if (known.measure() == request.support().measure() &&
          known.body_bin() == request.support().body_bin())
        return errors::SupportExists(known.review());
    }
    *data.mutable_support() = request.support();
  } else {
    review.clear_changed_fields();
    for (std::string& field : ChangedFields(project.parameters(), now, parameters, terms))
      *review.add_changed_fields() = std::move(field);
    if (review.changed_fields().empty()) return errors::ChangeEmpty("parameters");
    // As on the day from which it shall hold; one before the inclusion is refused when adopted.
    const base::Date from = base::Date::FromProto(request.effective_from()).value_or(tx.today());
    const base::Date day =
        std::max(from, base::Date::FromProto(project.include_date()).value_or(from));
    RETURN_IF_ERROR(CheckForm(parameters, terms, *env.norms, day, ""));
    // A place that it leaves as it is may be another on that day, by the classifier alone.
    const auto& fields = review.changed_fields();
    if (std::find(fields.begin(), fields.end(), "parameters.kato") != fields.end())
      RETURN_IF_ERROR(CheckPlace(tx, parameters.kato(), day, "parameters.kato"));
    RETURN_IF_ERROR(CheckChange(now, parameters, terms, review, *env.norms, day));
    *review.mutable_parameters() = parameters;
    *data.mutable_terms() = terms;
    review.clear_effective_from();
    if (request.has_effective_from()) *review.mutable_effective_from() = request.effective_from();
  }
  RETURN_IF_ERROR(FinishProposal(env, tx, &step, &found.row));
  RETURN_IF_ERROR(PutProject(env, tx, &found.row));
  return review;
}

absl::StatusOr<v1::Review> ProposeExclusion(Env& env, const Call& call, store::Tx& tx,
                                            const v1::ProposeExclusionRequest& request) {
  ASSIGN_OR_RETURN(auto found, FindProject(tx, call, request.parent()));
  const Project& project = found.row.project();
  const Proposal proposal{
      Review::EXCLUSION,     ReviewVerb::kProposeExclusion,          request.review(),
      &project.parameters(), &project.administrative_data().terms(), &request.answers()};
  ASSIGN_OR_RETURN(auto step, BeginProposal(env, call, tx, found, proposal));
  const bool success = request.ground() == v1::CAPACITY_SUSTAINED;
  RETURN_IF_ERROR(CheckOnMap(project, success ? Verb::kComplete : Verb::kExclude));
  if (request.ground() == v1::OWNER_REFUSAL &&
      (found.roles & base::RoleBit(rpc::v1::ENTITY)) == 0) {
    return errors::RefusalOfOthers();
  }
  Review& review = *step.row.mutable_review();
  // What the register proposed is proposed again as what it was.
  if (review.exclusion_ground() == v1::CAPACITY_SUSTAINED && !success)
    return errors::NotTheProposer();
  review.mutable_administrative_data()->clear_ground_decision();
  if (success) {
    ASSIGN_OR_RETURN(const Decision ground, FindSustained(env, tx, found.row));
    if (ground.outcome() != "MET") return errors::GroundNotMet();
    *review.mutable_administrative_data()->mutable_ground_decision() = ground;
  }
  review.set_exclusion_ground(request.ground());
  SetGrounds(request.justification(), request.documents(), &review);
  RETURN_IF_ERROR(FinishProposal(env, tx, &step, &found.row));
  RETURN_IF_ERROR(PutProject(env, tx, &found.row));
  return review;
}

absl::StatusOr<v1::Review> WithdrawReview(Env& env, const Call& call, store::Tx& tx,
                                          const v1::WithdrawReviewRequest& request) {
  ASSIGN_OR_RETURN(auto found, FindReview(tx, call, request.name()));
  if (found.row.review().kind() == Review::INCLUSION) return errors::ReviewKind();
  ASSIGN_OR_RETURN(auto step,
                   cases::Begin(call, ReviewMachine(), ReviewVerb::kWithdraw, std::move(found.row),
                                {.roles = found.roles,
                                 .etag = request.etag(),
                                 .path = PathBit(found.row.review().path())}));
  ASSIGN_OR_RETURN(ProjectRow project, LoadProject(tx, step.row.project()));
  const rpc::v1::Role role = step.row.proposer_role();
  // Over the project as it is: a change that moves it is examined by the akimat of the other place,
  // which did not propose it. The owner also where it is another by now.
  const uint32_t roles =
      rpc::TiesOf<Project>().RolesOver(*call.caller, project.project()) & found.roles;
  const bool by_bin = role == rpc::v1::HOLDING;
  if ((roles & base::RoleBit(role)) == 0 || role == rpc::v1::ROLE_UNSPECIFIED ||
      (by_bin && step.row.proposer_bin() != call.caller->bin)) {
    return errors::NotTheProposer();
  }
  step.row.mutable_review()->set_reason(request.reason());
  RETURN_IF_ERROR(cases::Finish(tx, *env.norms, kReviews, &step));
  CloseReview(step.row.review().name(), project.mutable_project());
  RETURN_IF_ERROR(PutProject(env, tx, &project));
  return step.row.review();
}

}  // namespace nisi::industry_map
