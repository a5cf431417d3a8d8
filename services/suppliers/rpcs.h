// The functions behind SuppliersService, one a method; each file rpc_<resource>.cc holds one
// resource's.
#pragma once

#include <memory>

#include "common/cases/deadlines.h"
#include "common/rpc/call.h"
#include "nisi/suppliers/v1/service.pb.h"
#include "services/suppliers/env.h"

namespace nisi::suppliers {

using rpc::Call;
using rpc::Encoded;

// rpc_suppliers.cc: what a supplier does itself
absl::StatusOr<v1::Supplier> RegisterSupplier(Env&, Call&, const v1::RegisterSupplierRequest&);
absl::StatusOr<v1::Supplier> UpdateSupplier(Env&, Call&, const v1::UpdateSupplierRequest&);
absl::StatusOr<v1::Supplier> SubmitSupplier(Env&, const Call&, store::Tx&,
                                            const v1::SubmitSupplierRequest&);
absl::StatusOr<Encoded<v1::Supplier>> GetSupplier(Env&, Call&, const v1::GetSupplierRequest&);
absl::StatusOr<Encoded<v1::ListSuppliersResponse>> ListSuppliers(Env&, Call&,
                                                                 const v1::ListSuppliersRequest&);

// rpc_verification.cc: what the institute, the authority and time do with it
absl::StatusOr<v1::Supplier> VerifySupplier(Env&, const Call&, store::Tx&,
                                            const v1::VerifySupplierRequest&);
absl::StatusOr<v1::Supplier> ReviewSupplier(Env&, const Call&, store::Tx&,
                                            const v1::ReviewSupplierRequest&);
absl::StatusOr<v1::Supplier> SuspendSupplier(Env&, const Call&, store::Tx&,
                                             const v1::SuspendSupplierRequest&);
absl::StatusOr<v1::Supplier> ReinstateSupplier(Env&, const Call&, store::Tx&,
                                               const v1::ReinstateSupplierRequest&);
absl::StatusOr<v1::Supplier> RemoveSupplier(Env&, const Call&, store::Tx&,
                                            const v1::RemoveSupplierRequest&);
absl::StatusOr<v1::ReplayDecisionResponse> ReplayDecision(Env&, Call&,
                                                          const v1::ReplayDecisionRequest&);
// Timers (tables.h), and what follows a verification that is late.
absl::Status AskRegisters(Env& env, store::Tx& tx, absl::string_view payload, absl::Time due);
absl::Status EndSuspension(Env& env, store::Tx& tx, absl::string_view payload, absl::Time due);
absl::Status Expire(Env& env, store::Tx& tx, absl::string_view payload, absl::Time due);
absl::Status VerifyLate(Env& env, store::Tx& tx, const cases::Deadline& deadline, base::Date day);
// From here on it is in the register until `valid_until`: ends and warns by itself.
absl::Status ScheduleTerm(Env& env, store::Tx& tx, const v1::Supplier& supplier);

// rpc_evidence.cc
absl::StatusOr<v1::Evidence> AddEvidence(Env&, const Call&, store::Tx&,
                                         const v1::AddEvidenceRequest&);
// Whether it may be entered, and what that does, also for a row of an import.
absl::Status JudgeEvidence(const store::Tx& tx, const Call& call, const v1::Evidence& told);
absl::StatusOr<v1::Evidence> EnterEvidence(const Env& env, const Call& call, store::Tx& tx,
                                           const v1::Evidence& told, absl::string_view root);
absl::StatusOr<v1::Evidence> ConfirmEvidence(Env&, const Call&, store::Tx&,
                                             const v1::ConfirmEvidenceRequest&);
absl::StatusOr<v1::Evidence> RevokeEvidence(Env&, const Call&, store::Tx&,
                                            const v1::RevokeEvidenceRequest&);
absl::StatusOr<v1::ReplayEvidenceDecisionResponse> ReplayEvidenceDecision(
    Env&, Call&, const v1::ReplayEvidenceDecisionRequest&);
absl::StatusOr<Encoded<v1::Evidence>> GetEvidence(Env&, Call&, const v1::GetEvidenceRequest&);
absl::StatusOr<Encoded<v1::ListEvidenceResponse>> ListEvidence(Env&, Call&,
                                                               const v1::ListEvidenceRequest&);
absl::StatusOr<v1::SearchOffersResponse> SearchOffers(Env&, Call&, const v1::SearchOffersRequest&);
absl::StatusOr<v1::CheckProductionResponse> CheckProduction(Env&, Call&,
                                                            const v1::CheckProductionRequest&);
absl::StatusOr<v1::CheckDomesticResponse> CheckDomestic(Env&, Call&,
                                                        const v1::CheckDomesticRequest&);

// rpc_offers.cc
absl::StatusOr<v1::Offer> CreateOffer(Env&, const Call&, store::Tx&, const v1::CreateOfferRequest&);
absl::StatusOr<v1::BatchCreateOffersResponse> BatchCreateOffers(
    Env&, const Call&, store::Tx&, const v1::BatchCreateOffersRequest&);
absl::StatusOr<v1::Offer> UpdateOffer(Env&, const Call&, store::Tx&, const v1::UpdateOfferRequest&);
absl::StatusOr<v1::DeleteOfferResponse> DeleteOffer(Env&, const Call&, store::Tx&,
                                                    const v1::DeleteOfferRequest&);
absl::StatusOr<Encoded<v1::Offer>> GetOffer(Env&, Call&, const v1::GetOfferRequest&);
absl::StatusOr<Encoded<v1::ListOffersResponse>> ListOffers(Env&, Call&,
                                                           const v1::ListOffersRequest&);

// rpc_notices.cc
absl::StatusOr<Encoded<v1::ListNoticesResponse>> ListNotices(Env&, Call&,
                                                             const v1::ListNoticesRequest&);
absl::Status WarnOfRegistration(Env& env, store::Tx& tx, absl::string_view payload, absl::Time due);
absl::Status WarnOfEvidence(Env& env, store::Tx& tx, absl::string_view payload, absl::Time due);

// rpc_demands.cc
absl::StatusOr<v1::Publication> PublishDemands(Env&, const Call&, store::Tx&,
                                               const v1::PublishDemandsRequest&);
absl::StatusOr<v1::Publication> WithdrawDemands(Env&, const Call&, store::Tx&,
                                                const v1::WithdrawDemandsRequest&);
absl::StatusOr<Encoded<v1::Publication>> GetPublication(Env&, Call&,
                                                        const v1::GetPublicationRequest&);
absl::StatusOr<Encoded<v1::ListPublicationsResponse>> ListPublications(
    Env&, Call&, const v1::ListPublicationsRequest&);
absl::StatusOr<v1::Demand> CreateDemand(Env&, const Call&, store::Tx&,
                                        const v1::CreateDemandRequest&);
absl::StatusOr<v1::Demand> UpdateDemand(Env&, const Call&, store::Tx&,
                                        const v1::UpdateDemandRequest&);
absl::StatusOr<v1::Demand> CloseDemand(Env&, const Call&, store::Tx&,
                                       const v1::CloseDemandRequest&);
absl::Status EndDemand(Env& env, store::Tx& tx, absl::string_view payload, absl::Time due);
absl::StatusOr<Encoded<v1::Demand>> GetDemand(Env&, Call&, const v1::GetDemandRequest&);
absl::StatusOr<Encoded<v1::ListDemandsResponse>> ListDemands(Env&, Call&,
                                                             const v1::ListDemandsRequest&);
absl::StatusOr<v1::MatchDemandResponse> MatchDemand(Env&, Call&, const v1::MatchDemandRequest&);

// rpc_responses.cc
absl::StatusOr<v1::Response> RespondToDemand(Env&, const Call&, store::Tx&,
                                             const v1::RespondToDemandRequest&);
absl::StatusOr<v1::Response> WithdrawResponse(Env&, const Call&, store::Tx&,
                                              const v1::WithdrawResponseRequest&);
absl::StatusOr<Encoded<v1::ListResponsesResponse>> ListResponses(Env&, Call&,
                                                                 const v1::ListResponsesRequest&);
absl::StatusOr<v1::Subscription> Subscribe(Env&, const Call&, store::Tx&,
                                           const v1::SubscribeRequest&);
absl::StatusOr<v1::UnsubscribeResponse> Unsubscribe(Env&, const Call&, store::Tx&,
                                                    const v1::UnsubscribeRequest&);
absl::StatusOr<Encoded<v1::ListSubscriptionsResponse>> ListSubscriptions(
    Env&, Call&, const v1::ListSubscriptionsRequest&);
// The caller's own, or any to auditors.
absl::StatusOr<v1::Subscription> SubscriptionOf(const store::Reader& reader, const Call& call,
                                                const std::string& name);

// rpc_import.cc
absl::StatusOr<std::unique_ptr<rpc::MessageSink<v1::ImportSuppliersRequest>>> ImportSuppliers(
    Env&, Call&);
absl::StatusOr<std::unique_ptr<rpc::MessageSink<v1::ImportEvidenceRequest>>> ImportEvidence(Env&,
                                                                                            Call&);
absl::StatusOr<std::unique_ptr<rpc::MessageSink<v1::ImportOffersRequest>>> ImportOffers(Env&,
                                                                                        Call&);

// rpc_export.cc, rpc_watch.cc
absl::StatusOr<std::unique_ptr<rpc::MessageSource>> ExportPublicRegister(
    Env&, Call&, const v1::ExportPublicRegisterRequest&);
absl::StatusOr<std::unique_ptr<rpc::MessageSource>> WatchRegister(Env&, Call&,
                                                                  const v1::WatchRegisterRequest&);
absl::StatusOr<std::unique_ptr<rpc::MessageSource>> WatchDemands(Env&, Call&,
                                                                 const v1::WatchDemandsRequest&);

// rpc_reports.cc
absl::StatusOr<v1::MonitoredOrganization> AddMonitoredOrganization(
    Env&, Call&, const v1::AddMonitoredOrganizationRequest&);
absl::StatusOr<v1::RemoveMonitoredOrganizationResponse> RemoveMonitoredOrganization(
    Env&, const Call&, store::Tx&, const v1::RemoveMonitoredOrganizationRequest&);
absl::StatusOr<Encoded<v1::MonitoredOrganization>> GetMonitoredOrganization(
    Env&, Call&, const v1::GetMonitoredOrganizationRequest&);
absl::StatusOr<Encoded<v1::ListMonitoredOrganizationsResponse>> ListMonitoredOrganizations(
    Env&, Call&, const v1::ListMonitoredOrganizationsRequest&);
absl::StatusOr<v1::ProcurementReport> SubmitProcurementReport(
    Env&, const Call&, store::Tx&, const v1::SubmitProcurementReportRequest&);
absl::StatusOr<v1::ProcurementReport> WithdrawProcurementReport(
    Env&, const Call&, store::Tx&, const v1::WithdrawProcurementReportRequest&);
absl::StatusOr<Encoded<v1::ProcurementReport>> GetProcurementReport(
    Env&, Call&, const v1::GetProcurementReportRequest&);
absl::StatusOr<Encoded<v1::ListProcurementReportsResponse>> ListProcurementReports(
    Env&, Call&, const v1::ListProcurementReportsRequest&);
absl::StatusOr<v1::ComputeInCountryValueResponse> ComputeInCountryValue(
    Env&, Call&, const v1::ComputeInCountryValueRequest&);

}  // namespace nisi::suppliers
