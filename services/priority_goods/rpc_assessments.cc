#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/cases/findings.h"
#include "common/cases/refusals.h"
#include "common/cases/rows.h"
#include "common/rpc/resource.h"
#include "google/protobuf/util/message_differencer.h"
#include "services/priority_goods/errors.h"
#include "services/priority_goods/rpcs.h"
#include "services/priority_goods/rules.h"

namespace nisi::priority_goods {
namespace {

// Fills what the system finds: points, level, decision.
absl::Status Decide(const Env& env, const store::Tx& tx, const Call& call, Assessment* assessment) {
  assessment->set_etag(tx.etag());  // the version that the decision says its scores are of
  ASSIGN_OR_RETURN(*assessment->mutable_decision(), Assess(*assessment, *env.norms, tx.today()));
  cases::SetDecideTime(tx, assessment->mutable_decision());
  assessment->set_points(assessment->technological_complexity() + assessment->export_potential() +
                         assessment->domestic_potential());
  ProcessingLevel level = v1::PROCESSING_LEVEL_UNSPECIFIED;
  v1::ProcessingLevel_Parse(assessment->decision().outcome(), &level);
  assessment->set_processing_level(level);
  assessment->set_assessor(call.caller->subject);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<v1::Assessment> CreateAssessment(Env& env, const Call& call, store::Tx& tx,
                                                const v1::CreateAssessmentRequest& request) {
  AssessmentRow row;
  *row.mutable_assessment() = request.assessment();
  const std::string name = absl::StrCat("assessments/", rpc::IdFor(call));
  row.mutable_assessment()->set_name(name);
  // The same request again, after its answer is kept no longer, must not undo what came since.
  ASSIGN_OR_RETURN(const auto known, tx.Find(kAssessments, store::Key::Of(name)));
  if (known.has_value()) return cases::RecordExists(kAssessments.name, name);
  RETURN_IF_ERROR(Decide(env, tx, call, row.mutable_assessment()));
  tx.Cite(errors::Criteria());
  RETURN_IF_ERROR(tx.Put(kAssessments, &row));
  return row.assessment();
}

absl::StatusOr<v1::Assessment> UpdateAssessment(Env& env, const Call& call, store::Tx& tx,
                                                const v1::UpdateAssessmentRequest& request) {
  const std::string& name = request.assessment().name();
  ASSIGN_OR_RETURN(auto found, rpc::FindFor(tx, call, kAssessments, store::Key::Of(name), name));
  AssessmentRow& row = found.row;
  const Assessment before = row.assessment();
  RETURN_IF_ERROR(rpc::UpdateResource(request.assessment(), request.update_mask(),
                                      row.mutable_assessment(), &call));
  // Not decided anew: the decision that stands is of these points.
  if (google::protobuf::util::MessageDifferencer::Equals(before, row.assessment())) return before;
  RETURN_IF_ERROR(Decide(env, tx, call, row.mutable_assessment()));
  tx.Cite(errors::Criteria());
  RETURN_IF_ERROR(tx.Put(kAssessments, &row));
  return row.assessment();
}

absl::StatusOr<Encoded<v1::Assessment>> GetAssessment(Env& env, Call& call,
                                                      const v1::GetAssessmentRequest& request) {
  return rpc::GetRecord<Assessment>(*env.store, call, kAssessments, store::Key::Of(request.name()),
                                    request);
}

absl::StatusOr<Encoded<v1::ListAssessmentsResponse>> ListAssessments(
    Env& env, Call& call, const v1::ListAssessmentsRequest& request) {
  ASSIGN_OR_RETURN(rpc::ListPlan plan, rpc::PlanList(kAssessments, request, call));
  plan.indexes = {{"goods_code", &kAssessmentsByCode,
                   [](const std::string& code) { return std::optional(store::Key::Of(code)); }}};
  return rpc::ListAs<v1::ListAssessmentsResponse>(*env.store, plan);
}

absl::StatusOr<v1::ReplayDecisionResponse> ReplayDecision(
    Env& env, Call&, const v1::ReplayDecisionRequest& request) {
  ASSIGN_OR_RETURN(const store::At at, rpc::AtOf(request));
  const store::View view = env.store->Read();
  if (absl::StartsWith(request.name(), "assessments/")) {
    ASSIGN_OR_RETURN(const auto found, view.Find(kAssessments, store::Key::Of(request.name()), at));
    if (!found.has_value()) return base::NotFound("assessments", request.name());
    return cases::ReplayAnswer<v1::ReplayDecisionResponse>(found->row.assessment().decision(),
                                                           ReplayAssessment);
  }
  if (absl::StartsWith(request.name(), "editions/")) {
    ASSIGN_OR_RETURN(const int32_t number, EditionNumber(request.name()));
    ASSIGN_OR_RETURN(const auto found, view.Find(kEditions, store::Key::Of(number), at));
    if (!found.has_value()) return base::NotFound("editions", request.name());
    const Edition& edition = found->row.edition();
    if (!edition.has_decision()) return cases::DecisionMissing(errors::Approval());
    return cases::ReplayAnswer<v1::ReplayDecisionResponse>(edition.decision(), ReplayApproval);
  }
  return base::InvalidField("name", "is of no record with decisions");
}

}  // namespace nisi::priority_goods
