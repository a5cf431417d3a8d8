#include "absl/strings/str_cat.h"
#include "common/cases/edition_entries.h"
#include "services/export_refunds/rpcs.h"

namespace nisi::export_refunds {
namespace {

absl::Status CheckNew(const store::Tx& /*tx*/, const Entry& entry, const std::string& path) {
  RETURN_IF_ERROR(CheckEntry(entry, path));
  return cases::CheckNamed(entry.name_kk(), entry.name_ru(), absl::StrCat(path, ".name_ru"));
}

absl::Status CheckChanged(const store::Tx& /*tx*/, const Entry& entry) {
  return CheckEntry(entry, "entry");
}

}  // namespace

absl::StatusOr<v1::Entry> CreateEntry(Env& env, const Call& call, store::Tx& tx,
                                      const v1::CreateEntryRequest& request) {
  return cases::CreateEntry<PromotedList>(tx, *env.norms, call, request, CheckNew);
}

absl::StatusOr<v1::BatchCreateEntriesResponse> BatchCreateEntries(
    Env& env, const Call& call, store::Tx& tx, const v1::BatchCreateEntriesRequest& request) {
  return cases::CreateEntries<PromotedList, v1::BatchCreateEntriesResponse>(tx, *env.norms, call,
                                                                            request, CheckNew);
}

absl::StatusOr<v1::Entry> UpdateEntry(Env& env, const Call& call, store::Tx& tx,
                                      const v1::UpdateEntryRequest& request) {
  return cases::UpdateEntry<PromotedList>(tx, *env.norms, call, request, CheckChanged);
}

absl::StatusOr<v1::DeleteEntryResponse> DeleteEntry(Env& env, const Call& call, store::Tx& tx,
                                                    const v1::DeleteEntryRequest& request) {
  return cases::DeleteEntry<PromotedList, v1::DeleteEntryResponse>(tx, *env.norms, call, request);
}

absl::StatusOr<Encoded<v1::Entry>> GetEntry(Env& env, Call& call,
                                            const v1::GetEntryRequest& request) {
  ASSIGN_OR_RETURN(const cases::EntryKey key, cases::EntryKeyOf<PromotedList>(request.name()));
  ASSIGN_OR_RETURN(const store::At at, rpc::AtOf(request));
  RETURN_IF_ERROR(CheckListReadable(env, call, EditionName(key.edition), at));
  return rpc::GetRecord<Entry>(*env.store, call, kEntries, key.key(), request);
}

absl::StatusOr<Encoded<v1::ListEntriesResponse>> ListEntries(
    Env& env, Call& call, const v1::ListEntriesRequest& request) {
  ASSIGN_OR_RETURN(const int32_t edition, EditionNumber(request.parent()));
  ASSIGN_OR_RETURN(rpc::ListPlan plan, rpc::PlanList(kEntries, request, call));
  plan.prefix = store::Key::Of(edition);
  RETURN_IF_ERROR(CheckListReadable(env, call, request.parent(), plan.at));
  return rpc::ListAs<v1::ListEntriesResponse>(*env.store, plan);
}

}  // namespace nisi::export_refunds
