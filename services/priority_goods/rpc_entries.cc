#include "absl/strings/str_cat.h"
#include "common/cases/edition_entries.h"
#include "common/rpc/resource.h"
#include "services/priority_goods/levels.h"
#include "services/priority_goods/rpcs.h"
#include "services/priority_goods/rules.h"

namespace nisi::priority_goods {
namespace {

absl::Status CheckNew(const store::Tx& tx, const Entry& entry, const std::string& path) {
  RETURN_IF_ERROR(CheckLevel(entry.processing_level()));
  RETURN_IF_ERROR(
      cases::CheckNamed(entry.name_kk(), entry.name_ru(), absl::StrCat(path, ".name_ru")));
  return CheckAssessed(tx, entry);
}

absl::Status CheckChanged(const store::Tx& tx, const Entry& entry) {
  RETURN_IF_ERROR(CheckLevel(entry.processing_level()));
  return CheckAssessed(tx, entry);
}

}  // namespace

absl::StatusOr<v1::Entry> CreateEntry(Env& env, const Call& call, store::Tx& tx,
                                      const v1::CreateEntryRequest& request) {
  return cases::CreateEntry<GoodsList>(tx, *env.norms, call, request, CheckNew);
}

absl::StatusOr<v1::BatchCreateEntriesResponse> BatchCreateEntries(
    Env& env, const Call& call, store::Tx& tx, const v1::BatchCreateEntriesRequest& request) {
  return cases::CreateEntries<GoodsList, v1::BatchCreateEntriesResponse>(tx, *env.norms, call,
                                                                         request, CheckNew);
}

absl::StatusOr<v1::Entry> UpdateEntry(Env& env, const Call& call, store::Tx& tx,
                                      const v1::UpdateEntryRequest& request) {
  return cases::UpdateEntry<GoodsList>(tx, *env.norms, call, request, CheckChanged);
}

absl::StatusOr<v1::DeleteEntryResponse> DeleteEntry(Env& env, const Call& call, store::Tx& tx,
                                                    const v1::DeleteEntryRequest& request) {
  return cases::DeleteEntry<GoodsList, v1::DeleteEntryResponse>(tx, *env.norms, call, request);
}

absl::StatusOr<Encoded<v1::Entry>> GetEntry(Env& env, Call& call,
                                            const v1::GetEntryRequest& request) {
  ASSIGN_OR_RETURN(const cases::EntryKey key, cases::EntryKeyOf<GoodsList>(request.name()));
  ASSIGN_OR_RETURN(const store::At at, rpc::AtOf(request));
  RETURN_IF_ERROR(CheckReadable(env, call, key.edition, at));
  return rpc::GetRecord<Entry>(*env.store, call, kEntries, key.key(), request);
}

absl::StatusOr<Encoded<v1::ListEntriesResponse>> ListEntries(
    Env& env, Call& call, const v1::ListEntriesRequest& request) {
  ASSIGN_OR_RETURN(const int32_t edition, EditionNumber(request.parent()));
  ASSIGN_OR_RETURN(rpc::ListPlan plan, rpc::PlanList(kEntries, request, call));
  plan.prefix = store::Key::Of(edition);
  RETURN_IF_ERROR(CheckReadable(env, call, edition, plan.at));
  plan.indexes = {{"sector", &kEntriesBySector,
                   [edition](const std::string& sector) {
                     return std::optional(store::Key::Of(edition, sector));
                   }},
                  {"processing_level", &kEntriesByLevel,
                   [edition](const std::string& value) -> std::optional<store::Key> {
                     ProcessingLevel level = v1::PROCESSING_LEVEL_UNSPECIFIED;
                     if (!v1::ProcessingLevel_Parse(value, &level)) return std::nullopt;
                     return store::Key::Of(edition, static_cast<int64_t>(level));
                   }}};
  ASSIGN_OR_RETURN(std::string page, rpc::ListPage(*env.store, plan));
  if (page.empty()) RETURN_IF_ERROR(CheckExists(env, call, edition));
  return Encoded<v1::ListEntriesResponse>{std::move(page)};
}

absl::StatusOr<v1::SearchEntriesResponse> SearchEntries(Env& env, Call& call,
                                                        const v1::SearchEntriesRequest& request) {
  int32_t edition = 0;
  if (request.parent().empty()) {
    ASSIGN_OR_RETURN(const auto calendar, env.catalog->Current());
    const CatalogEdition* in_force = calendar->InForceOn(call.today());
    if (in_force == nullptr) return v1::SearchEntriesResponse();
    edition = in_force->number;
  } else {
    ASSIGN_OR_RETURN(edition, EditionNumber(request.parent()));
    RETURN_IF_ERROR(CheckReadable(env, call, edition));
    RETURN_IF_ERROR(CheckExists(env, call, edition));
  }
  return rpc::SearchEntries<GoodsList, v1::SearchEntriesResponse>(*env.store, call, request,
                                                                  edition);
}

}  // namespace nisi::priority_goods
