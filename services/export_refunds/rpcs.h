// The functions behind ExportRefundsService, one a method; each file rpc_<resource>.cc holds one
// resource's.
#pragma once

#include <memory>

#include "common/rpc/call.h"
#include "nisi/export_refunds/v1/service.pb.h"
#include "services/export_refunds/env.h"

namespace nisi::export_refunds {

using rpc::Call;
using rpc::Encoded;

// rpc_lists.cc
absl::StatusOr<v1::Edition> CreateEdition(Env&, const Call&, store::Tx&,
                                          const v1::CreateEditionRequest&);
absl::StatusOr<v1::Edition> UpdateEdition(Env&, const Call&, store::Tx&,
                                          const v1::UpdateEditionRequest&);
absl::StatusOr<Encoded<v1::Edition>> GetEdition(Env&, Call&, const v1::GetEditionRequest&);
absl::StatusOr<Encoded<v1::ListEditionsResponse>> ListEditions(Env&, Call&,
                                                               const v1::ListEditionsRequest&);
absl::StatusOr<v1::Edition> SubmitEdition(Env&, const Call&, store::Tx&,
                                          const v1::SubmitEditionRequest&);
absl::StatusOr<v1::Edition> ReturnEdition(Env&, const Call&, store::Tx&,
                                          const v1::ReturnEditionRequest&);
absl::StatusOr<v1::Edition> ApproveEdition(Env&, const Call&, store::Tx&,
                                           const v1::ApproveEditionRequest&);
absl::StatusOr<v1::Edition> WithdrawEdition(Env&, const Call&, store::Tx&,
                                            const v1::WithdrawEditionRequest&);
absl::StatusOr<v1::ReplayEditionResponse> ReplayEdition(Env&, Call&,
                                                        const v1::ReplayEditionRequest&);
// Whether roles show editions that are not published.
bool SeesDrafts(uint32_t roles);
// Whether the caller may read an edition and its entries; what it may not see is as if it were not
// there.
absl::Status CheckListReadable(const Env& env, const Call& call, const std::string& name,
                               const store::At& at = {});
// The same of a version of either, for the journal.
absl::StatusOr<bool> EditionIsShown(const store::Reader& reader,
                                    const google::protobuf::Message& version, uint32_t roles);
absl::StatusOr<bool> EntryIsShown(const store::Reader& reader,
                                  const google::protobuf::Message& version, uint32_t roles);
// The number in "lists/{number}"; NOT_FOUND for a name no edition can have.
absl::StatusOr<int32_t> EditionNumber(const std::string& name);

// rpc_entries.cc
absl::StatusOr<v1::Entry> CreateEntry(Env&, const Call&, store::Tx&, const v1::CreateEntryRequest&);
absl::StatusOr<v1::BatchCreateEntriesResponse> BatchCreateEntries(
    Env&, const Call&, store::Tx&, const v1::BatchCreateEntriesRequest&);
absl::StatusOr<v1::Entry> UpdateEntry(Env&, const Call&, store::Tx&, const v1::UpdateEntryRequest&);
absl::StatusOr<v1::DeleteEntryResponse> DeleteEntry(Env&, const Call&, store::Tx&,
                                                    const v1::DeleteEntryRequest&);
absl::StatusOr<Encoded<v1::Entry>> GetEntry(Env&, Call&, const v1::GetEntryRequest&);
absl::StatusOr<Encoded<v1::ListEntriesResponse>> ListEntries(Env&, Call&,
                                                             const v1::ListEntriesRequest&);

// rpc_list.cc: what is asked of the list as a whole
absl::StatusOr<Encoded<v1::CheckCodesResponse>> CheckCodes(Env&, Call&,
                                                           const v1::CheckCodesRequest&);
absl::StatusOr<v1::SearchEntriesResponse> SearchEntries(Env&, Call&,
                                                        const v1::SearchEntriesRequest&);
absl::StatusOr<v1::DiffEditionsResponse> DiffEditions(Env&, Call&, const v1::DiffEditionsRequest&);
absl::StatusOr<std::unique_ptr<rpc::MessageSource>> ExportEdition(Env&, Call&,
                                                                  const v1::ExportEditionRequest&);
absl::StatusOr<std::unique_ptr<rpc::MessageSource>> WatchEntries(Env&, Call&,
                                                                 const v1::WatchEntriesRequest&);

// rpc_import.cc
absl::StatusOr<std::unique_ptr<rpc::MessageSink<v1::ImportEntriesRequest>>> ImportEntries(Env&,
                                                                                          Call&);

// rpc_claims.cc
absl::StatusOr<v1::Claim> CreateClaim(Env&, const Call&, store::Tx&, const v1::CreateClaimRequest&);
absl::StatusOr<v1::Claim> UpdateClaim(Env&, const Call&, store::Tx&, const v1::UpdateClaimRequest&);
absl::StatusOr<v1::DeleteClaimResponse> DeleteClaim(Env&, const Call&, store::Tx&,
                                                    const v1::DeleteClaimRequest&);
absl::StatusOr<Encoded<v1::Claim>> GetClaim(Env&, Call&, const v1::GetClaimRequest&);
absl::StatusOr<Encoded<v1::ListClaimsResponse>> ListClaims(Env&, Call&,
                                                           const v1::ListClaimsRequest&);
absl::StatusOr<v1::Claim> SignClaim(Env&, Call&, const v1::SignClaimRequest&);
absl::StatusOr<Encoded<v1::Calculation>> CalculateClaim(Env&, Call&,
                                                        const v1::CalculateClaimRequest&);
absl::StatusOr<v1::Replays> ReplayDecision(Env&, Call&, const v1::ReplayDecisionRequest&);
absl::StatusOr<Encoded<v1::ListDeadlinesResponse>> ListDeadlines(Env&, Call&,
                                                                 const v1::ListDeadlinesRequest&);

// rpc_expenses.cc
absl::StatusOr<v1::AddExpensesResponse> AddExpenses(Env&, const Call&, store::Tx&,
                                                    const v1::AddExpensesRequest&);
absl::StatusOr<v1::Expense> UpdateExpense(Env&, const Call&, store::Tx&,
                                          const v1::UpdateExpenseRequest&);
absl::StatusOr<v1::DeleteExpenseResponse> DeleteExpense(Env&, const Call&, store::Tx&,
                                                        const v1::DeleteExpenseRequest&);
absl::StatusOr<Encoded<v1::Expense>> GetExpense(Env&, Call&, const v1::GetExpenseRequest&);
absl::StatusOr<v1::Replays> ReplayExpense(Env&, Call&, const v1::ReplayExpenseRequest&);
absl::StatusOr<Encoded<v1::ListExpensesResponse>> ListExpenses(Env&, Call&,
                                                               const v1::ListExpensesRequest&);

// rpc_review.cc
absl::StatusOr<v1::Claim> StartReview(Env&, Call&, const v1::StartReviewRequest&);
absl::StatusOr<v1::Claim> DecidePart(Env&, Call&, const v1::DecidePartRequest&);
absl::StatusOr<v1::Claim> SendRemarks(Env&, const Call&, store::Tx&, const v1::SendRemarksRequest&);
absl::StatusOr<v1::Claim> AnswerRemarks(Env&, Call&, const v1::AnswerRemarksRequest&);
absl::StatusOr<v1::Claim> AcceptClaim(Env&, const Call&, store::Tx&, const v1::AcceptClaimRequest&);
absl::StatusOr<v1::Claim> RejectClaim(Env&, const Call&, store::Tx&, const v1::RejectClaimRequest&);

// rpc_payment.cc
absl::StatusOr<gate::v1::Notice> RecordNotice(Env&, const Call&, store::Tx&,
                                              const gate::v1::RecordNoticeRequest&);
absl::StatusOr<Encoded<gate::v1::Notice>> GetNotice(Env&, Call&, const gate::v1::GetNoticeRequest&);
absl::StatusOr<Encoded<gate::v1::ListNoticesResponse>> ListNotices(
    Env&, Call&, const gate::v1::ListNoticesRequest&);
absl::StatusOr<v1::Claim> RunGate(Env&, Call&, const v1::RunGateRequest&);
absl::StatusOr<v1::Claim> SignAgreement(Env&, const Call&, store::Tx&,
                                        const v1::SignAgreementRequest&);
absl::StatusOr<v1::Claim> PayClaim(Env&, Call&, const v1::PayClaimRequest&);
// The timer: the day of payment is over, the obligations run. Where that is refused it comes again
// the next day, and holds up nobody.
absl::Status BeginMonitoring(const Env& env, store::Tx& tx, absl::string_view payload,
                             absl::Time due);

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
absl::StatusOr<v1::GetQueueResponse> GetQueue(Env&, Call&, const v1::GetQueueRequest&);

// invoices.cc
absl::StatusOr<v1::ListAlikeInvoicesResponse> ListAlikeInvoices(
    Env&, Call&, const v1::ListAlikeInvoicesRequest&);

// rpc_obligations.cc
absl::StatusOr<v1::ExportReport> SubmitExportReport(Env&, const Call&, store::Tx&,
                                                    const v1::SubmitExportReportRequest&);
absl::StatusOr<Encoded<v1::ExportReport>> GetExportReport(Env&, Call&,
                                                          const v1::GetExportReportRequest&);
absl::StatusOr<Encoded<v1::ListExportReportsResponse>> ListExportReports(
    Env&, Call&, const v1::ListExportReportsRequest&);
absl::StatusOr<v1::Claim> AssessObligations(Env&, const Call&, store::Tx&,
                                            const v1::AssessObligationsRequest&);
absl::StatusOr<v1::Claim> DemandReturn(Env&, const Call&, store::Tx&,
                                       const v1::DemandReturnRequest&);
absl::StatusOr<v1::Claim> ExcuseFailure(Env&, const Call&, store::Tx&,
                                        const v1::ExcuseFailureRequest&);
absl::StatusOr<v1::Claim> RecordRepayment(Env&, const Call&, store::Tx&,
                                          const v1::RecordRepaymentRequest&);
absl::StatusOr<v1::Claim> ReverseRepayment(Env&, const Call&, store::Tx&,
                                           const v1::ReverseRepaymentRequest&);
// Opens what is owed of a claim whose obligations run: a report on each year of them, and then the
// assessment. `day`: from which it holds.
absl::Status OpenReportDeadlines(const Env& env, store::Tx& tx, const Claim& claim, base::Date day);

// rpc_watch.cc
absl::StatusOr<std::unique_ptr<rpc::MessageSource>> WatchClaims(Env&, Call&,
                                                                const v1::WatchClaimsRequest&);

}  // namespace nisi::export_refunds
