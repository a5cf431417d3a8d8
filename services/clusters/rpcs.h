// The functions behind ClustersService, one a method; each file rpc_<resource>.cc holds one
// resource's.
#pragma once

#include <memory>

#include "common/rpc/call.h"
#include "nisi/clusters/v1/service.pb.h"
#include "services/clusters/env.h"

namespace nisi::clusters {

using rpc::Call;
using rpc::Encoded;

// rpc_initiatives.cc
absl::StatusOr<v1::Initiative> CreateInitiative(Env&, Call&, const v1::CreateInitiativeRequest&);
absl::StatusOr<v1::Initiative> UpdateInitiative(Env&, Call&, const v1::UpdateInitiativeRequest&);
absl::StatusOr<v1::Initiative> WithdrawInitiative(Env&, const Call&, store::Tx&,
                                                  const v1::WithdrawInitiativeRequest&);
absl::StatusOr<Encoded<v1::Initiative>> GetInitiative(Env&, Call&, const v1::GetInitiativeRequest&);
absl::StatusOr<Encoded<v1::ListInitiativesResponse>> ListInitiatives(
    Env&, Call&, const v1::ListInitiativesRequest&);
absl::StatusOr<v1::Diagnostic> DiagnoseInitiative(Env&, const Call&, store::Tx&,
                                                  const v1::DiagnoseInitiativeRequest&);
absl::StatusOr<Encoded<v1::Diagnostic>> GetDiagnostic(Env&, Call&, const v1::GetDiagnosticRequest&);
absl::StatusOr<Encoded<v1::ListDiagnosticsResponse>> ListDiagnostics(
    Env&, Call&, const v1::ListDiagnosticsRequest&);

// rpc_selections.cc
absl::StatusOr<v1::Selection> CreateSelection(Env&, const Call&, store::Tx&,
                                              const v1::CreateSelectionRequest&);
absl::StatusOr<v1::Selection> UpdateSelection(Env&, const Call&, store::Tx&,
                                              const v1::UpdateSelectionRequest&);
absl::StatusOr<v1::Selection> AnnounceSelection(Env&, const Call&, store::Tx&,
                                                const v1::AnnounceSelectionRequest&);
absl::StatusOr<v1::Selection> CancelSelection(Env&, const Call&, store::Tx&,
                                              const v1::CancelSelectionRequest&);
absl::StatusOr<Encoded<v1::Selection>> GetSelection(Env&, Call&, const v1::GetSelectionRequest&);
absl::StatusOr<Encoded<v1::ListSelectionsResponse>> ListSelections(
    Env&, Call&, const v1::ListSelectionsRequest&);
absl::StatusOr<v1::Selection> CloseScoring(Env&, const Call&, store::Tx&,
                                           const v1::CloseScoringRequest&);
absl::StatusOr<v1::Selection> DecideSelection(Env&, const Call&, store::Tx&,
                                              const v1::DecideSelectionRequest&);
absl::StatusOr<v1::Selection> PublishResults(Env&, const Call&, store::Tx&,
                                             const v1::PublishResultsRequest&);
// The timer: the last day for applications is over.
absl::Status CloseApplications(const Env& env, store::Tx& tx, absl::string_view payload,
                               absl::Time due);

// rpc_applications.cc
absl::StatusOr<v1::Application> ApplyToSelection(Env&, const Call&, store::Tx&,
                                                 const v1::ApplyToSelectionRequest&);
absl::StatusOr<v1::Application> WithdrawApplication(Env&, const Call&, store::Tx&,
                                                    const v1::WithdrawApplicationRequest&);
absl::StatusOr<v1::Application> AdmitApplication(Env&, const Call&, store::Tx&,
                                                 const v1::AdmitApplicationRequest&);
absl::StatusOr<Encoded<v1::Application>> GetApplication(Env&, Call&,
                                                        const v1::GetApplicationRequest&);
absl::StatusOr<Encoded<v1::ListApplicationsResponse>> ListApplications(
    Env&, Call&, const v1::ListApplicationsRequest&);

// rpc_experts.cc
absl::StatusOr<v1::Expert> CreateExpert(Env&, const Call&, store::Tx&,
                                        const v1::CreateExpertRequest&);
absl::StatusOr<v1::Expert> DeclareTies(Env&, const Call&, store::Tx&,
                                       const v1::DeclareTiesRequest&);
absl::StatusOr<v1::Expert> DismissExpert(Env&, const Call&, store::Tx&,
                                         const v1::DismissExpertRequest&);
absl::StatusOr<Encoded<v1::ListExpertsResponse>> ListExperts(Env&, Call&,
                                                             const v1::ListExpertsRequest&);
absl::StatusOr<v1::Score> ScoreApplication(Env&, const Call&, store::Tx&,
                                           const v1::ScoreApplicationRequest&);
absl::StatusOr<v1::ListScoresResponse> ListScores(Env&, Call&, const v1::ListScoresRequest&);

// rpc_clusters.cc
absl::StatusOr<v1::Cluster> UpdateCluster(Env&, Call&, const v1::UpdateClusterRequest&);
absl::StatusOr<v1::Cluster> RegisterCluster(Env&, const Call&, store::Tx&,
                                            const v1::RegisterClusterRequest&);
absl::StatusOr<v1::Cluster> SuspendCluster(Env&, const Call&, store::Tx&,
                                           const v1::SuspendClusterRequest&);
absl::StatusOr<v1::Cluster> ResumeCluster(Env&, const Call&, store::Tx&,
                                          const v1::ResumeClusterRequest&);
absl::StatusOr<v1::Cluster> RemoveCluster(Env&, const Call&, store::Tx&,
                                          const v1::RemoveClusterRequest&);
absl::StatusOr<Encoded<v1::Cluster>> GetCluster(Env&, Call&, const v1::GetClusterRequest&);
absl::StatusOr<Encoded<v1::ListClustersResponse>> ListClusters(Env&, Call&,
                                                               const v1::ListClustersRequest&);
absl::StatusOr<v1::FindClustersResponse> FindClusters(Env&, Call&, const v1::FindClustersRequest&);
absl::StatusOr<v1::SummarizeClustersResponse> SummarizeClusters(
    Env&, Call&, const v1::SummarizeClustersRequest&);
absl::StatusOr<v1::ReplayDecisionResponse> ReplayDecision(Env&, Call&,
                                                          const v1::ReplayDecisionRequest&);

// rpc_members.cc
absl::StatusOr<v1::Member> AddMember(Env&, Call&, const v1::AddMemberRequest&);
absl::StatusOr<v1::Member> EndMembership(Env&, const Call&, store::Tx&,
                                         const v1::EndMembershipRequest&);
absl::StatusOr<Encoded<v1::Member>> GetMember(Env&, Call&, const v1::GetMemberRequest&);
absl::StatusOr<Encoded<v1::ListMembersResponse>> ListMembers(Env&, Call&,
                                                             const v1::ListMembersRequest&);

// rpc_reports.cc
absl::StatusOr<v1::ClusterReport> SubmitClusterReport(Env&, const Call&, store::Tx&,
                                                      const v1::SubmitClusterReportRequest&);
absl::StatusOr<Encoded<v1::ClusterReport>> GetClusterReport(Env&, Call&,
                                                            const v1::GetClusterReportRequest&);
absl::StatusOr<Encoded<v1::ListClusterReportsResponse>> ListClusterReports(
    Env&, Call&, const v1::ListClusterReportsRequest&);

// rpc_budget.cc
absl::StatusOr<budget::v1::Account> AllocateBudget(Env&, const Call&, store::Tx&,
                                                   const budget::v1::AllocateBudgetRequest&);
absl::StatusOr<budget::v1::CloseYearResponse> CloseYear(Env&, const Call&, store::Tx&,
                                                        const budget::v1::CloseYearRequest&);
absl::StatusOr<budget::v1::Posting> ReversePosting(Env&, const Call&, store::Tx&,
                                                   const budget::v1::ReversePostingRequest&);
absl::StatusOr<Encoded<budget::v1::Account>> GetAccount(Env&, Call&,
                                                        const budget::v1::GetAccountRequest&);
absl::StatusOr<Encoded<budget::v1::ListPostingsResponse>> ListPostings(
    Env&, Call&, const budget::v1::ListPostingsRequest&);

// rpc_deadlines.cc
absl::StatusOr<v1::ListDeadlinesResponse> ListDeadlines(Env&, Call&,
                                                        const v1::ListDeadlinesRequest&);
absl::StatusOr<Encoded<v1::ListOverdueResponse>> ListOverdue(Env&, Call&,
                                                             const v1::ListOverdueRequest&);

// rpc_watch.cc
absl::StatusOr<std::unique_ptr<rpc::MessageSource>> WatchClusters(Env&, Call&,
                                                                  const v1::WatchClustersRequest&);

// rpc_import.cc
absl::StatusOr<std::unique_ptr<rpc::MessageSink<v1::ImportClustersRequest>>> ImportClusters(Env&,
                                                                                            Call&);

}  // namespace nisi::clusters
