#include "absl/strings/str_cat.h"
#include "common/rpc/editions.h"
#include "common/rpc/resource.h"
#include "services/priority_goods/errors.h"
#include "services/priority_goods/levels.h"
#include "services/priority_goods/rpcs.h"
#include "services/priority_goods/rules.h"

namespace nisi::priority_goods {
namespace {

absl::Status CheckNames(const Entry& entry, const std::string& path) {
  return entry.name_kk().empty() && entry.name_ru().empty()
             ? errors::NameMissing(absl::StrCat(path, ".name_ru"))
             : absl::OkStatus();
}

struct EntryKey {
  int32_t edition;
  std::string code;
};

absl::StatusOr<EntryKey> KeyOf(const std::string& name) {
  constexpr char kPattern[] = "editions/*/entries/*";
  ASSIGN_OR_RETURN(const int32_t edition, rpc::NumberIn(name, kPattern, 0));
  return EntryKey{edition, name.substr(name.rfind('/') + 1)};
}

store::Key StoreKey(const EntryKey& key) {
  return store::Key::Of(key.edition, key.code);
}

// No entry may cover another: three looks above, one below. Below 10 digits nothing can lie.
absl::Status CheckFree(const store::Tx& tx, int32_t edition, const std::string& code) {
  std::string taken;
  for (size_t length = 4; length <= code.size(); length += 2) {
    ASSIGN_OR_RETURN(const auto above,
                     tx.FindRaw(kEntries, store::Key::Of(edition, code.substr(0, length))));
    if (above.has_value()) taken = code.substr(0, length);
  }
  if (taken.empty() && code.size() < 10) {
    store::Key prefix = store::Key::Of(edition);
    prefix.AddTextPrefix(code);
    RETURN_IF_ERROR(
        tx.Scan(kEntries, {prefix, ""}, {},
                [&](const store::RowView& row, absl::string_view) -> absl::StatusOr<bool> {
                  ASSIGN_OR_RETURN(const auto stored, store::Reader::Parse<EntryRow>(row));
                  taken = stored.row.entry().goods_code();
                  return false;
                }));
  }
  if (taken.empty()) return absl::OkStatus();
  if (taken == code) return errors::EntryExists(EntryName(edition, code));
  return errors::EntryOverlap(EntryName(edition, taken));
}

absl::StatusOr<Entry> AddEntry(store::Tx& tx, int32_t edition, const Entry& given,
                               const std::string& path) {
  RETURN_IF_ERROR(CheckLevel(given.processing_level()));
  RETURN_IF_ERROR(CheckNames(given, path));
  RETURN_IF_ERROR(CheckAssessed(tx, given));
  RETURN_IF_ERROR(CheckFree(tx, edition, given.goods_code()));
  EntryRow row;
  row.set_edition(edition);
  *row.mutable_entry() = given;
  row.mutable_entry()->set_name(EntryName(edition, given.goods_code()));
  RETURN_IF_ERROR(tx.Put(kEntries, &row));
  return row.entry();
}

}  // namespace

absl::StatusOr<v1::Entry> CreateEntry(Env& env, const Call& call, store::Tx& tx,
                                      const v1::CreateEntryRequest& request) {
  ASSIGN_OR_RETURN(const int32_t edition, EditionNumber(request.parent()));
  RETURN_IF_ERROR(WriteIn(env, tx, call, edition));
  tx.Cite(errors::ListOfPriorityGoods());
  return AddEntry(tx, edition, request.entry(), "entry");
}

absl::StatusOr<v1::BatchCreateEntriesResponse> BatchCreateEntries(
    Env& env, const Call& call, store::Tx& tx, const v1::BatchCreateEntriesRequest& request) {
  ASSIGN_OR_RETURN(const int32_t edition, EditionNumber(request.parent()));
  RETURN_IF_ERROR(WriteIn(env, tx, call, edition));
  tx.Cite(errors::ListOfPriorityGoods());
  v1::BatchCreateEntriesResponse response;
  for (int i = 0; i < request.entries_size(); ++i) {
    const std::string path = absl::StrCat("entries[", i, "]");
    auto entry = AddEntry(tx, edition, request.entries(i), path);
    if (!entry.ok()) return rpc::InItem(entry.status(), path);
    *response.add_entries() = *std::move(entry);
  }
  return response;
}

absl::StatusOr<v1::Entry> UpdateEntry(Env& env, const Call& call, store::Tx& tx,
                                      const v1::UpdateEntryRequest& request) {
  ASSIGN_OR_RETURN(const EntryKey key, KeyOf(request.entry().name()));
  RETURN_IF_ERROR(WriteIn(env, tx, call, key.edition));
  ASSIGN_OR_RETURN(auto found,
                   rpc::FindFor(tx, call, kEntries, StoreKey(key), request.entry().name()));
  Entry& entry = *found.row.mutable_entry();
  // One that was imported without names may stay so; a person may not take the last one away.
  const bool named = CheckNames(entry, "entry").ok();
  RETURN_IF_ERROR(rpc::UpdateResource(request.entry(), request.update_mask(), &entry, &call));
  if (named) RETURN_IF_ERROR(CheckNames(entry, "entry"));
  RETURN_IF_ERROR(CheckLevel(entry.processing_level()));
  RETURN_IF_ERROR(CheckAssessed(tx, entry));
  tx.Cite(errors::ListOfPriorityGoods());
  RETURN_IF_ERROR(tx.Put(kEntries, &found.row));
  return found.row.entry();
}

absl::StatusOr<v1::DeleteEntryResponse> DeleteEntry(Env& env, const Call& call, store::Tx& tx,
                                                    const v1::DeleteEntryRequest& request) {
  ASSIGN_OR_RETURN(const EntryKey key, KeyOf(request.name()));
  RETURN_IF_ERROR(WriteIn(env, tx, call, key.edition));
  ASSIGN_OR_RETURN(const auto found,
                   rpc::FindFor(tx, call, kEntries, StoreKey(key), request.name()));
  RETURN_IF_ERROR(rpc::CheckEtag(request.etag(), found.row.entry().etag()));
  tx.Cite(errors::Drafting());
  RETURN_IF_ERROR(tx.End(kEntries, StoreKey(key)));
  return v1::DeleteEntryResponse();
}

absl::StatusOr<Encoded<v1::Entry>> GetEntry(Env& env, Call& call,
                                            const v1::GetEntryRequest& request) {
  ASSIGN_OR_RETURN(const EntryKey key, KeyOf(request.name()));
  ASSIGN_OR_RETURN(const store::At at, rpc::AtOf(request));
  RETURN_IF_ERROR(CheckReadable(env, call, key.edition, at));
  return rpc::GetRecord<Entry>(*env.store, call, kEntries, StoreKey(key), request);
}

absl::StatusOr<Encoded<v1::ListEntriesResponse>> ListEntries(
    Env& env, Call& call, const v1::ListEntriesRequest& request) {
  ASSIGN_OR_RETURN(const int32_t edition, EditionNumber(request.parent()));
  rpc::ListPlan plan;
  plan.table = &kEntries;
  plan.prefix = store::Key::Of(edition);
  ASSIGN_OR_RETURN(plan.at, rpc::AtOf(request));
  RETURN_IF_ERROR(CheckReadable(env, call, edition, plan.at));
  rpc::PlanPage(request, call, &plan);
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
