// The functions behind PriorityGoodsService, one a method; each file rpc_<resource>.cc holds one
// resource's.
#pragma once

#include <memory>

#include "common/rpc/call.h"
#include "nisi/priority_goods/v1/service.pb.h"
#include "services/priority_goods/env.h"

namespace nisi::priority_goods {

using rpc::Call;
using rpc::Encoded;

// rpc_assessments.cc
absl::StatusOr<v1::Assessment> CreateAssessment(Env&, const Call&, store::Tx&,
                                                const v1::CreateAssessmentRequest&);
absl::StatusOr<v1::Assessment> UpdateAssessment(Env&, const Call&, store::Tx&,
                                                const v1::UpdateAssessmentRequest&);
absl::StatusOr<Encoded<v1::Assessment>> GetAssessment(Env&, Call&, const v1::GetAssessmentRequest&);
absl::StatusOr<Encoded<v1::ListAssessmentsResponse>> ListAssessments(
    Env&, Call&, const v1::ListAssessmentsRequest&);
absl::StatusOr<v1::ReplayDecisionResponse> ReplayDecision(Env&, Call&,
                                                          const v1::ReplayDecisionRequest&);

// rpc_editions.cc
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
absl::StatusOr<v1::SearchEntriesResponse> SearchEntries(Env&, Call&,
                                                        const v1::SearchEntriesRequest&);

// rpc_import.cc
absl::StatusOr<std::unique_ptr<rpc::MessageSink<v1::ImportEntriesRequest>>> ImportEntries(Env&,
                                                                                          Call&);

// rpc_list.cc: what is asked of the list as a whole
absl::StatusOr<Encoded<v1::CheckGoodsResponse>> CheckGoods(Env&, Call&,
                                                           const v1::CheckGoodsRequest&);
absl::StatusOr<v1::DiffEditionsResponse> DiffEditions(Env&, Call&, const v1::DiffEditionsRequest&);
absl::StatusOr<std::unique_ptr<rpc::MessageSource>> ExportEdition(Env&, Call&,
                                                                  const v1::ExportEditionRequest&);
absl::StatusOr<std::unique_ptr<rpc::MessageSource>> WatchEntries(Env&, Call&,
                                                                 const v1::WatchEntriesRequest&);

// rpc_proof.cc: what anybody can verify
absl::StatusOr<journal::v1::EntryRecord> GetPublishedLeaf(Env&, Call&,
                                                          const v1::GetPublishedLeafRequest&);

}  // namespace nisi::priority_goods
