// The functions behind GrantsService and GrantAgreementsService, one a method; each file
// rpc_<resource>.cc holds one resource's.
#pragma once

#include <memory>

#include "common/rpc/call.h"
#include "nisi/grants/v1/agreement_service.pb.h"
#include "nisi/grants/v1/service.pb.h"
#include "services/grants/env.h"

namespace nisi::grants {

using rpc::Call;
using rpc::Encoded;

// rpc_programmes.cc
absl::StatusOr<v1::Programme> CreateProgramme(Env&, const Call&, store::Tx&,
                                              const v1::CreateProgrammeRequest&);
absl::StatusOr<v1::Programme> UpdateProgramme(Env&, const Call&, store::Tx&,
                                              const v1::UpdateProgrammeRequest&);
absl::StatusOr<Encoded<v1::Programme>> GetProgramme(Env&, Call&, const v1::GetProgrammeRequest&);
absl::StatusOr<Encoded<v1::ListProgrammesResponse>> ListProgrammes(
    Env&, Call&, const v1::ListProgrammesRequest&);
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

// rpc_applications.cc
absl::StatusOr<v1::Application> CreateApplication(Env&, const Call&, store::Tx&,
                                                  const v1::CreateApplicationRequest&);
absl::StatusOr<v1::Application> UpdateApplication(Env&, const Call&, store::Tx&,
                                                  const v1::UpdateApplicationRequest&);
absl::StatusOr<Encoded<v1::Application>> GetApplication(Env&, Call&,
                                                        const v1::GetApplicationRequest&);
absl::StatusOr<Encoded<v1::ListApplicationsResponse>> ListApplications(
    Env&, Call&, const v1::ListApplicationsRequest&);
absl::StatusOr<v1::Application> SubmitApplication(Env&, const Call&, store::Tx&,
                                                  const v1::SubmitApplicationRequest&);
absl::StatusOr<v1::Application> WithdrawApplication(Env&, const Call&, store::Tx&,
                                                    const v1::WithdrawApplicationRequest&);
absl::StatusOr<v1::Application> CheckCompleteness(Env&, const Call&, store::Tx&,
                                                  const v1::CheckCompletenessRequest&);
absl::StatusOr<v1::Application> ReturnForFix(Env&, const Call&, store::Tx&,
                                             const v1::ReturnForFixRequest&);
absl::StatusOr<v1::Application> ResubmitApplication(Env&, const Call&, store::Tx&,
                                                    const v1::ResubmitApplicationRequest&);
absl::StatusOr<v1::Application> RaiseContribution(Env&, const Call&, store::Tx&,
                                                  const v1::RaiseContributionRequest&);

// rpc_gate.cc
absl::StatusOr<v1::Eligibility> CheckEligibility(Env&, Call&, const v1::CheckEligibilityRequest&);
absl::StatusOr<v1::Application> RunGate(Env&, Call&, const v1::RunGateRequest&);

// rpc_examination.cc
absl::StatusOr<v1::Application> AssignExperts(Env&, const Call&, store::Tx&,
                                              const v1::AssignExpertsRequest&);
absl::StatusOr<v1::Examination> Score(Env&, const Call&, store::Tx&, const v1::ScoreRequest&);
absl::StatusOr<v1::Application> CloseExamination(Env&, const Call&, store::Tx&,
                                                 const v1::CloseExaminationRequest&);
absl::StatusOr<Encoded<v1::Examination>> GetExamination(Env&, Call&,
                                                        const v1::GetExaminationRequest&);
absl::StatusOr<Encoded<v1::ListExaminationsResponse>> ListExaminations(
    Env&, Call&, const v1::ListExaminationsRequest&);

// rpc_commission.cc
absl::StatusOr<v1::Commission> OpenMeeting(Env&, const Call&, store::Tx&,
                                           const v1::OpenMeetingRequest&);
absl::StatusOr<v1::Commission> Vote(Env&, const Call&, store::Tx&, const v1::VoteRequest&);
absl::StatusOr<v1::Commission> Recuse(Env&, const Call&, store::Tx&, const v1::RecuseRequest&);
absl::StatusOr<v1::Commission> CloseMeeting(Env&, const Call&, store::Tx&,
                                            const v1::CloseMeetingRequest&);
absl::StatusOr<Encoded<v1::Commission>> GetCommission(Env&, Call&, const v1::GetCommissionRequest&);
absl::StatusOr<Encoded<v1::ListCommissionsResponse>> ListCommissions(
    Env&, Call&, const v1::ListCommissionsRequest&);

// rpc_agreements.cc
absl::StatusOr<v1::Agreement> CreateAgreement(Env&, const Call&, store::Tx&,
                                              const v1::CreateAgreementRequest&);
absl::StatusOr<v1::Agreement> SignAgreement(Env&, const Call&, store::Tx&,
                                            const v1::SignAgreementRequest&);
absl::StatusOr<v1::Application> DeclineAgreement(Env&, const Call&, store::Tx&,
                                                 const v1::DeclineAgreementRequest&);
absl::StatusOr<Encoded<v1::Agreement>> GetAgreement(Env&, Call&, const v1::GetAgreementRequest&);
absl::StatusOr<Encoded<v1::ListAgreementsResponse>> ListAgreements(
    Env&, Call&, const v1::ListAgreementsRequest&);

// rpc_amendments.cc
absl::StatusOr<v1::Agreement> ProposeAmendment(Env&, const Call&, store::Tx&,
                                               const v1::ProposeAmendmentRequest&);
absl::StatusOr<v1::Agreement> SignAmendment(Env&, const Call&, store::Tx&,
                                            const v1::SignAmendmentRequest&);

// rpc_tranches.cc
absl::StatusOr<v1::Agreement> FileTrancheProof(Env&, const Call&, store::Tx&,
                                               const v1::FileTrancheProofRequest&);
absl::StatusOr<v1::Agreement> ProveTranche(Env&, const Call&, store::Tx&,
                                           const v1::ProveTrancheRequest&);
absl::StatusOr<v1::Payment> PayTranche(Env&, Call&, const v1::PayTrancheRequest&);
absl::StatusOr<v1::Agreement> EndTranches(Env&, const Call&, store::Tx&,
                                          const v1::EndTranchesRequest&);
absl::StatusOr<Encoded<v1::Payment>> GetPayment(Env&, Call&, const v1::GetPaymentRequest&);
absl::StatusOr<Encoded<v1::ListPaymentsResponse>> ListPayments(Env&, Call&,
                                                               const v1::ListPaymentsRequest&);

// rpc_monitoring.cc
absl::StatusOr<v1::MonitoringReport> SubmitMonitoringReport(
    Env&, const Call&, store::Tx&, const v1::SubmitMonitoringReportRequest&);
absl::StatusOr<Encoded<v1::MonitoringReport>> GetMonitoringReport(
    Env&, Call&, const v1::GetMonitoringReportRequest&);
absl::StatusOr<Encoded<v1::ListMonitoringReportsResponse>> ListMonitoringReports(
    Env&, Call&, const v1::ListMonitoringReportsRequest&);
absl::StatusOr<v1::Agreement> AssessObligations(Env&, const Call&, store::Tx&,
                                                const v1::AssessObligationsRequest&);

// rpc_demands.cc
absl::StatusOr<v1::Demand> DemandReturn(Env&, const Call&, store::Tx&,
                                        const v1::DemandReturnRequest&);
absl::StatusOr<v1::Agreement> ExcuseFailure(Env&, const Call&, store::Tx&,
                                            const v1::ExcuseFailureRequest&);
absl::StatusOr<v1::Demand> RecordRepayment(Env&, const Call&, store::Tx&,
                                           const v1::RecordRepaymentRequest&);
absl::StatusOr<v1::Demand> ReverseRepayment(Env&, const Call&, store::Tx&,
                                            const v1::ReverseRepaymentRequest&);
absl::StatusOr<Encoded<v1::Demand>> GetDemand(Env&, Call&, const v1::GetDemandRequest&);
absl::StatusOr<Encoded<v1::ListDemandsResponse>> ListDemands(Env&, Call&,
                                                             const v1::ListDemandsRequest&);

// rpc_competitiveness.cc
absl::StatusOr<v1::CompetitivenessAgreement> OfferCompetitivenessAgreement(
    Env&, const Call&, store::Tx&, const v1::OfferCompetitivenessAgreementRequest&);
absl::StatusOr<v1::CompetitivenessAgreement> ConcludeCompetitivenessAgreement(
    Env&, const Call&, store::Tx&, const v1::ConcludeCompetitivenessAgreementRequest&);
absl::StatusOr<v1::CompetitivenessAgreement> AssessCompetitivenessAgreement(
    Env&, const Call&, store::Tx&, const v1::AssessCompetitivenessAgreementRequest&);
absl::StatusOr<v1::CompetitivenessAgreement> ExcuseCompetitivenessFailure(
    Env&, const Call&, store::Tx&, const v1::ExcuseCompetitivenessFailureRequest&);
absl::StatusOr<v1::CompetitivenessAgreement> TerminateCompetitivenessAgreement(
    Env&, const Call&, store::Tx&, const v1::TerminateCompetitivenessAgreementRequest&);
absl::StatusOr<Encoded<v1::CompetitivenessAgreement>> GetCompetitivenessAgreement(
    Env&, Call&, const v1::GetCompetitivenessAgreementRequest&);
absl::StatusOr<Encoded<v1::ListCompetitivenessAgreementsResponse>> ListCompetitivenessAgreements(
    Env&, Call&, const v1::ListCompetitivenessAgreementsRequest&);

// rpc_recipients.cc
absl::StatusOr<v1::EnterUnreliableRecipientsResponse> EnterUnreliableRecipients(
    Env&, const Call&, store::Tx&, const v1::EnterUnreliableRecipientsRequest&);
absl::StatusOr<v1::UnreliableRecipient> EndUnreliableRecipient(
    Env&, const Call&, store::Tx&, const v1::EndUnreliableRecipientRequest&);
absl::StatusOr<Encoded<v1::UnreliableRecipient>> GetUnreliableRecipient(
    Env&, Call&, const v1::GetUnreliableRecipientRequest&);
absl::StatusOr<Encoded<v1::ListUnreliableRecipientsResponse>> ListUnreliableRecipients(
    Env&, Call&, const v1::ListUnreliableRecipientsRequest&);
absl::StatusOr<v1::CheckRecipientResponse> CheckRecipient(Env&, Call&,
                                                          const v1::CheckRecipientRequest&);

// rpc_debts.cc
absl::StatusOr<v1::Debt> ReportDebt(Env&, const Call&, store::Tx&, const v1::ReportDebtRequest&);
absl::StatusOr<v1::Debt> WithdrawDebt(Env&, const Call&, store::Tx&,
                                      const v1::WithdrawDebtRequest&);
absl::StatusOr<Encoded<v1::Debt>> GetDebt(Env&, Call&, const v1::GetDebtRequest&);
absl::StatusOr<Encoded<v1::ListDebtsResponse>> ListDebts(Env&, Call&, const v1::ListDebtsRequest&);

// rpc_replay.cc
absl::StatusOr<v1::ReplayDecisionResponse> ReplayDecision(Env&, Call&,
                                                          const v1::ReplayDecisionRequest&);
absl::StatusOr<v1::ListNoticesResponse> ListNotices(Env&, Call&, const v1::ListNoticesRequest&);
absl::StatusOr<Encoded<v1::ListOverdueResponse>> ListOverdue(Env&, Call&,
                                                             const v1::ListOverdueRequest&);
absl::StatusOr<v1::ListDeadlinesResponse> ListDeadlines(Env&, Call&,
                                                        const v1::ListDeadlinesRequest&);

// rpc_watch.cc
absl::StatusOr<std::unique_ptr<rpc::MessageSource>> WatchApplications(
    Env&, Call&, const v1::WatchApplicationsRequest&);

}  // namespace nisi::grants
