// The functions behind IndustryMapService, one a method.
#pragma once

#include <memory>
#include <string>

#include "common/rpc/call.h"
#include "nisi/industry_map/v1/places.pb.h"
#include "nisi/industry_map/v1/service.pb.h"
#include "services/industry_map/env.h"

namespace nisi::industry_map {

using rpc::Call;
using rpc::Encoded;

// rpc_projects.cc: a project and its owner
absl::StatusOr<v1::Project> CreateProject(Env&, const Call&, store::Tx&,
                                          const v1::CreateProjectRequest&);
absl::StatusOr<v1::Project> UpdateProject(Env&, const Call&, store::Tx&,
                                          const v1::UpdateProjectRequest&);
absl::StatusOr<Encoded<v1::Project>> GetProject(Env&, Call&, const v1::GetProjectRequest&);
absl::StatusOr<Encoded<v1::ListProjectsResponse>> ListProjects(Env&, Call&,
                                                               const v1::ListProjectsRequest&);
absl::StatusOr<v1::Project> WithdrawProject(Env&, const Call&, store::Tx&,
                                            const v1::WithdrawProjectRequest&);

// rpc_proposals.cc: what is proposed for a project
absl::StatusOr<v1::Review> ProposeProject(Env&, const Call&, store::Tx&,
                                          const v1::ProposeProjectRequest&);
absl::StatusOr<v1::Review> ProposeChange(Env&, const Call&, store::Tx&,
                                         const v1::ProposeChangeRequest&);
absl::StatusOr<v1::Review> ProposeExclusion(Env&, const Call&, store::Tx&,
                                            const v1::ProposeExclusionRequest&);
absl::StatusOr<v1::Review> WithdrawReview(Env&, const Call&, store::Tx&,
                                          const v1::WithdrawReviewRequest&);

// rpc_reviews.cc: how a review goes
absl::StatusOr<v1::Review> StartReview(Env&, const Call&, store::Tx&,
                                       const v1::StartReviewRequest&);
absl::StatusOr<v1::Review> ConcludeReview(Env&, const Call&, store::Tx&,
                                          const v1::ConcludeReviewRequest&);
absl::StatusOr<v1::Notice> InformApplicant(Env&, const Call&, store::Tx&,
                                           const v1::InformApplicantRequest&);
absl::StatusOr<Encoded<v1::Review>> GetReview(Env&, Call&, const v1::GetReviewRequest&);
absl::StatusOr<Encoded<v1::ListReviewsResponse>> ListReviews(Env&, Call&,
                                                             const v1::ListReviewsRequest&);
absl::StatusOr<v1::ListReviewDeadlinesResponse> ListReviewDeadlines(
    Env&, Call&, const v1::ListReviewDeadlinesRequest&);

// rpc_decisions.cc: what the authority adopts
absl::StatusOr<v1::Project> IncludeProject(Env&, const Call&, store::Tx&,
                                           const v1::IncludeProjectRequest&);
absl::StatusOr<v1::Project> AdoptChange(Env&, const Call&, store::Tx&,
                                        const v1::AdoptChangeRequest&);
absl::StatusOr<v1::Project> ExcludeProject(Env&, const Call&, store::Tx&,
                                           const v1::ExcludeProjectRequest&);
absl::StatusOr<v1::ReplayDecisionResponse> ReplayDecision(Env&, Call&,
                                                          const v1::ReplayDecisionRequest&);
// The timer: an adopted change has begun to hold; what is tied to the project goes along.
absl::Status TakeChange(const Env& env, store::Tx& tx, absl::string_view payload, absl::Time due);

// rpc_milestones.cc: how a project on the map goes
absl::StatusOr<v1::Project> SuspendProject(Env&, const Call&, store::Tx&,
                                           const v1::SuspendProjectRequest&);
absl::StatusOr<v1::Project> ResumeProject(Env&, const Call&, store::Tx&,
                                          const v1::ResumeProjectRequest&);
absl::StatusOr<v1::Project> CommissionProject(Env&, const Call&, store::Tx&,
                                              const v1::CommissionProjectRequest&);
absl::StatusOr<v1::Project> RecordMilestone(Env&, const Call&, store::Tx&,
                                            const v1::RecordMilestoneRequest&);
absl::StatusOr<v1::Project> CorrectMilestone(Env&, const Call&, store::Tx&,
                                             const v1::CorrectMilestoneRequest&);
absl::StatusOr<v1::Project> CompleteSupport(Env&, const Call&, store::Tx&,
                                            const v1::CompleteSupportRequest&);
// The timer: the traffic light turns by itself.
absl::Status TurnLight(const Env& env, store::Tx& tx, absl::string_view payload, absl::Time due);

// rpc_reports.cc
absl::StatusOr<v1::Report> SubmitReport(Env&, const Call&, store::Tx&,
                                        const v1::SubmitReportRequest&);
// The same for a project that the caller named otherwise; `row` is what was put.
absl::StatusOr<v1::Report> FileReport(const Env& env, const Call& call, store::Tx& tx,
                                      int32_t project, const v1::Report& given);
absl::StatusOr<v1::Report> CorrectReport(Env&, const Call&, store::Tx&,
                                         const v1::CorrectReportRequest&);
absl::StatusOr<Encoded<v1::Report>> GetReport(Env&, Call&, const v1::GetReportRequest&);
absl::StatusOr<Encoded<v1::ListReportsResponse>> ListReports(Env&, Call&,
                                                             const v1::ListReportsRequest&);
absl::StatusOr<Encoded<v1::ListOverdueReportsResponse>> ListOverdueReports(
    Env&, Call&, const v1::ListOverdueReportsRequest&);
// rpc_quarters.cc: the duty to report, by timers
// The timer: the reports of a quarter that is over are owed from now on.
absl::Status OpenReports(const Env& env, store::Tx& tx, absl::string_view payload, absl::Time due);
// Sees to that timer; of a store without projects on the map nothing is owed.
absl::Status FollowQuarters(store::Tx& tx);
// Of a project that turns out to have been on the map since a past day, or off it: the reports of
// quarters that have ended since are owed, or no longer.
absl::Status OweSince(const Env& env, store::Tx& tx, int32_t project, base::Date from);
absl::Status CancelSince(store::Tx& tx, int32_t project, base::Date from);
// The open duties of those quarters go to whoever answered on their last days.
absl::Status HandOverReports(store::Tx& tx, int32_t project, base::Date from);
// What happens when a report is overdue: the authority is to see to it.
absl::Status Escalate(const norms::Norms& norms, store::Tx& tx, const cases::v1::Deadline& deadline,
                      base::Date day);

// rpc_map.cc: the map as a whole
absl::StatusOr<v1::SummarizeResponse> Summarize(Env&, Call&, const v1::SummarizeRequest&);
absl::StatusOr<Encoded<v1::ListInBoxResponse>> ListInBox(Env&, Call&, const v1::ListInBoxRequest&);
absl::StatusOr<std::unique_ptr<rpc::MessageSource>> WatchProjects(Env&, Call&,
                                                                  const v1::WatchProjectsRequest&);

// rpc_editions.cc
absl::StatusOr<Encoded<v1::MapEdition>> ApproveMapEdition(Env&, Call&,
                                                          const v1::ApproveMapEditionRequest&);
absl::StatusOr<Encoded<v1::MapEdition>> GetMapEdition(Env&, Call&, const v1::GetMapEditionRequest&);
absl::StatusOr<Encoded<v1::ListMapEditionsResponse>> ListMapEditions(
    Env&, Call&, const v1::ListMapEditionsRequest&);
// The two times of an edition. NOT_FOUND.
absl::StatusOr<store::At> AtOfEdition(const store::Reader& reader, const std::string& name);

// rpc_places.cc
absl::StatusOr<Encoded<v1::Place>> GetPlace(Env&, Call&, const v1::GetPlaceRequest&);
absl::StatusOr<Encoded<v1::ListPlacesResponse>> ListPlaces(Env&, Call&,
                                                           const v1::ListPlacesRequest&);
absl::StatusOr<v1::ResolvePlaceResponse> ResolvePlace(Env&, Call&, const v1::ResolvePlaceRequest&);
absl::StatusOr<std::unique_ptr<rpc::MessageSink<v1::ImportPlacesRequest>>> ImportPlaces(Env&,
                                                                                        Call&);

// rpc_import_reports.cc
absl::StatusOr<std::unique_ptr<rpc::MessageSink<v1::ImportReportsRequest>>> ImportReports(Env&,
                                                                                          Call&);

// rpc_import.cc
absl::StatusOr<std::unique_ptr<rpc::MessageSink<v1::ImportProjectsRequest>>> ImportProjects(Env&,
                                                                                            Call&);

}  // namespace nisi::industry_map
