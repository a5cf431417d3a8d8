// The functions behind PlanningService and ContractsService, one a method, in the order of the
// protos; those that read are in rpc_read.cc.
#pragma once

#include <memory>

#include "common/rpc/call.h"
#include "nisi/contracts/v1/contracts_service.pb.h"
#include "nisi/contracts/v1/planning_service.pb.h"
#include "services/contracts/env.h"

namespace nisi::contracts {

using rpc::Call;
using rpc::Encoded;

// Takes out of a good whose needs it is, and what these come to, for all but the bodies of
// planning; whether there was any.
bool HideNeeds(uint32_t roles, ListItem* item);

// PlanningService: rpc_customers.cc, rpc_cycles.cc, rpc_needs.cc, rpc_list.cc, publication.cc,
// rpc_watch.cc
absl::StatusOr<v1::Customer> RegisterCustomer(Env&, const Call&, store::Tx&,
                                              const v1::RegisterCustomerRequest&);
absl::StatusOr<v1::Customer> UpdateCustomer(Env&, const Call&, store::Tx&,
                                            const v1::UpdateCustomerRequest&);
absl::StatusOr<Encoded<v1::Customer>> GetCustomer(Env&, Call&, const v1::GetCustomerRequest&);
absl::StatusOr<Encoded<v1::ListCustomersResponse>> ListCustomers(Env&, Call&,
                                                                 const v1::ListCustomersRequest&);
absl::StatusOr<v1::Cycle> OpenCycle(Env&, const Call&, store::Tx&, const v1::OpenCycleRequest&);
absl::StatusOr<Encoded<v1::Cycle>> GetCycle(Env&, Call&, const v1::GetCycleRequest&);
absl::StatusOr<Encoded<v1::ListCyclesResponse>> ListCycles(Env&, Call&,
                                                           const v1::ListCyclesRequest&);
absl::StatusOr<v1::SubmitNeedsResponse> SubmitNeeds(Env&, const Call&, store::Tx&,
                                                    const v1::SubmitNeedsRequest&);
absl::StatusOr<std::unique_ptr<rpc::MessageSink<v1::ImportNeedsRequest>>> ImportNeeds(Env&, Call&);
absl::StatusOr<v1::Need> UpdateNeed(Env&, const Call&, store::Tx&, const v1::UpdateNeedRequest&);
absl::StatusOr<v1::DeleteNeedResponse> DeleteNeed(Env&, const Call&, store::Tx&,
                                                  const v1::DeleteNeedRequest&);
absl::StatusOr<Encoded<v1::Need>> GetNeed(Env&, Call&, const v1::GetNeedRequest&);
absl::StatusOr<Encoded<v1::ListNeedsResponse>> ListNeeds(Env&, Call&, const v1::ListNeedsRequest&);
absl::StatusOr<v1::Cycle> CloseNeeds(Env&, const Call&, store::Tx&, const v1::CloseNeedsRequest&);
absl::StatusOr<v1::Cycle> ReopenNeeds(Env&, const Call&, store::Tx&, const v1::ReopenNeedsRequest&);
absl::StatusOr<v1::Cycle> FormList(Env&, Call&, const v1::FormListRequest&);
absl::StatusOr<v1::Cycle> SendList(Env&, const Call&, store::Tx&, const v1::SendListRequest&);
absl::StatusOr<v1::Cycle> ReturnToListing(Env&, const Call&, store::Tx&,
                                          const v1::ReturnToListingRequest&);
absl::StatusOr<v1::ListItem> UpdateListItem(Env&, const Call&, store::Tx&,
                                            const v1::UpdateListItemRequest&);
absl::StatusOr<v1::RemoveListItemResponse> RemoveListItem(Env&, const Call&, store::Tx&,
                                                          const v1::RemoveListItemRequest&);
absl::StatusOr<v1::ListItem> GetListItem(Env&, Call&, const v1::GetListItemRequest&);
absl::StatusOr<Encoded<v1::ListListItemsResponse>> ListListItems(Env&, Call&,
                                                                 const v1::ListListItemsRequest&);
absl::StatusOr<v1::Proposal> Propose(Env&, const Call&, store::Tx&, const v1::ProposeRequest&);
absl::StatusOr<v1::Proposal> Agree(Env&, const Call&, store::Tx&, const v1::AgreeRequest&);
absl::StatusOr<v1::Proposal> Decline(Env&, const Call&, store::Tx&, const v1::DeclineRequest&);
absl::StatusOr<Encoded<v1::Proposal>> GetProposal(Env&, Call&, const v1::GetProposalRequest&);
absl::StatusOr<Encoded<v1::ListProposalsResponse>> ListProposals(Env&, Call&,
                                                                 const v1::ListProposalsRequest&);
absl::StatusOr<v1::Cycle> SubmitForApproval(Env&, const Call&, store::Tx&,
                                            const v1::SubmitForApprovalRequest&);
absl::StatusOr<v1::Cycle> ReturnForAgreement(Env&, const Call&, store::Tx&,
                                             const v1::ReturnForAgreementRequest&);
absl::StatusOr<v1::Cycle> ApproveCycle(Env&, const Call&, store::Tx&,
                                       const v1::ApproveCycleRequest&);
absl::StatusOr<v1::Cycle> ReviseList(Env&, const Call&, store::Tx&, const v1::ReviseListRequest&);
absl::StatusOr<v1::Cycle> WithdrawList(Env&, const Call&, store::Tx&,
                                       const v1::WithdrawListRequest&);
absl::StatusOr<v1::Publication> RetryPublication(Env&, const Call&, store::Tx&,
                                                 const v1::RetryPublicationRequest&);
absl::StatusOr<Encoded<v1::Publication>> GetPublication(Env&, Call&,
                                                        const v1::GetPublicationRequest&);
absl::StatusOr<Encoded<v1::ListPublicationsResponse>> ListPublications(
    Env&, Call&, const v1::ListPublicationsRequest&);
absl::StatusOr<v1::ListDeadlinesResponse> ListDeadlines(Env&, Call&,
                                                        const v1::ListDeadlinesRequest&);
absl::StatusOr<Encoded<v1::ListLateResponse>> ListLate(Env&, Call&, const v1::ListLateRequest&);
absl::StatusOr<v1::ReplayDecisionResponse> ReplayDecision(Env&, Call&,
                                                          const v1::ReplayDecisionRequest&);
absl::StatusOr<std::unique_ptr<rpc::MessageSource>> WatchPlanning(Env&, Call&,
                                                                  const v1::WatchPlanningRequest&);

// ContractsService: rpc_contracts.cc, rpc_amendments.cc, rpc_entries.cc, rpc_execution.cc,
// rpc_export.cc, rpc_watch.cc
absl::StatusOr<v1::Contract> PlanContract(Env&, const Call&, store::Tx&,
                                          const v1::PlanContractRequest&);
absl::StatusOr<v1::Contract> UpdateContract(Env&, const Call&, store::Tx&,
                                            const v1::UpdateContractRequest&);
absl::StatusOr<v1::Contract> SignContract(Env&, const Call&, store::Tx&,
                                          const v1::SignContractRequest&);
absl::StatusOr<v1::Contract> BeginProduction(Env&, const Call&, store::Tx&,
                                             const v1::BeginProductionRequest&);
absl::StatusOr<v1::Contract> TerminateContract(Env&, const Call&, store::Tx&,
                                               const v1::TerminateContractRequest&);
absl::StatusOr<v1::Contract> FulfilContract(Env&, const Call&, store::Tx&,
                                            const v1::FulfilContractRequest&);
absl::StatusOr<Encoded<v1::Contract>> GetContract(Env&, Call&, const v1::GetContractRequest&);
absl::StatusOr<Encoded<v1::ListContractsResponse>> ListContracts(Env&, Call&,
                                                                 const v1::ListContractsRequest&);
absl::StatusOr<v1::Amendment> AmendContract(Env&, const Call&, store::Tx&,
                                            const v1::AmendContractRequest&);
absl::StatusOr<v1::Amendment> CoSignAmendment(Env&, const Call&, store::Tx&,
                                              const v1::CoSignAmendmentRequest&);
absl::StatusOr<v1::Amendment> WithdrawAmendment(Env&, const Call&, store::Tx&,
                                                const v1::WithdrawAmendmentRequest&);
absl::StatusOr<Encoded<v1::Amendment>> GetAmendment(Env&, Call&, const v1::GetAmendmentRequest&);
absl::StatusOr<Encoded<v1::ListAmendmentsResponse>> ListAmendments(
    Env&, Call&, const v1::ListAmendmentsRequest&);
absl::StatusOr<v1::Entry> RecordDelivery(Env&, const Call&, store::Tx&,
                                         const v1::RecordDeliveryRequest&);
absl::StatusOr<v1::Entry> AcceptGoods(Env&, const Call&, store::Tx&, const v1::AcceptGoodsRequest&);
absl::StatusOr<v1::Entry> RecordPayment(Env&, const Call&, store::Tx&,
                                        const v1::RecordPaymentRequest&);
absl::StatusOr<v1::Entry> RefuseToBuy(Env&, const Call&, store::Tx&, const v1::RefuseToBuyRequest&);
absl::StatusOr<v1::Entry> SettleFault(Env&, const Call&, store::Tx&, const v1::SettleFaultRequest&);
absl::StatusOr<v1::Entry> CorrectEntry(Env&, const Call&, store::Tx&,
                                       const v1::CorrectEntryRequest&);
absl::StatusOr<Encoded<v1::Entry>> GetEntry(Env&, Call&, const v1::GetEntryRequest&);
absl::StatusOr<Encoded<v1::ListEntriesResponse>> ListEntries(Env&, Call&,
                                                             const v1::ListEntriesRequest&);
absl::StatusOr<v1::Contract> ProveOffset(Env&, const Call&, store::Tx&,
                                         const v1::ProveOffsetRequest&);
absl::StatusOr<v1::Contract> AcceptOffset(Env&, const Call&, store::Tx&,
                                          const v1::AcceptOffsetRequest&);
absl::StatusOr<v1::Contract> AssessOffset(Env&, const Call&, store::Tx&,
                                          const v1::AssessOffsetRequest&);
absl::StatusOr<v1::Pledge> PledgeContract(Env&, const Call&, store::Tx&,
                                          const v1::PledgeContractRequest&);
absl::StatusOr<v1::Pledge> ReleasePledge(Env&, const Call&, store::Tx&,
                                         const v1::ReleasePledgeRequest&);
absl::StatusOr<v1::Pledge> Consent(Env&, const Call&, store::Tx&, const v1::ConsentRequest&);
absl::StatusOr<Encoded<v1::Pledge>> GetPledge(Env&, Call&, const v1::GetPledgeRequest&);
absl::StatusOr<Encoded<v1::ListPledgesResponse>> ListPledges(Env&, Call&,
                                                             const v1::ListPledgesRequest&);
absl::StatusOr<v1::Assessment> AssessYear(Env&, const Call&, store::Tx&,
                                          const v1::AssessYearRequest&);
absl::StatusOr<Encoded<v1::Assessment>> GetAssessment(Env&, Call&, const v1::GetAssessmentRequest&);
absl::StatusOr<Encoded<v1::ListAssessmentsResponse>> ListAssessments(
    Env&, Call&, const v1::ListAssessmentsRequest&);
absl::StatusOr<v1::Penalty> SettlePenalty(Env&, const Call&, store::Tx&,
                                          const v1::SettlePenaltyRequest&);
absl::StatusOr<Encoded<v1::Penalty>> GetPenalty(Env&, Call&, const v1::GetPenaltyRequest&);
absl::StatusOr<Encoded<v1::ListPenaltiesResponse>> ListPenalties(Env&, Call&,
                                                                 const v1::ListPenaltiesRequest&);
absl::StatusOr<v1::MonitoringReport> SubmitMonitoringReport(
    Env&, const Call&, store::Tx&, const v1::SubmitMonitoringReportRequest&);
absl::StatusOr<Encoded<v1::MonitoringReport>> GetMonitoringReport(
    Env&, Call&, const v1::GetMonitoringReportRequest&);
absl::StatusOr<Encoded<v1::ListMonitoringReportsResponse>> ListMonitoringReports(
    Env&, Call&, const v1::ListMonitoringReportsRequest&);
absl::StatusOr<v1::Balance> GetBalance(Env&, Call&, const v1::GetBalanceRequest&);
absl::StatusOr<std::unique_ptr<rpc::MessageSource>> ExportContracts(
    Env&, Call&, const v1::ExportContractsRequest&);
absl::StatusOr<std::unique_ptr<rpc::MessageSource>> WatchContracts(
    Env&, Call&, const v1::WatchContractsRequest&);

}  // namespace nisi::contracts
