#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/export_refunds/errors.h"
#include "services/export_refunds/rpcs.h"

namespace nisi::export_refunds {
namespace {

struct EntryKey {
  int32_t edition;
  std::string code;

  store::Key key() const { return store::Key::Of(edition, code); }
};

absl::StatusOr<EntryKey> EntryKeyOf(const std::string& name) {
  ASSIGN_OR_RETURN(const int32_t edition, rpc::NumberIn(name, "lists/*/entries/*", 0));
  std::string code = name.substr(name.rfind('/') + 1);
  std::replace(code.begin(), code.end(), '-', '.');
  return EntryKey{edition, std::move(code)};
}

absl::Status CheckEntryNames(const Entry& entry, const std::string& path) {
  return CheckNamed(entry.name_kk(), entry.name_ru(), absl::StrCat(path, ".name_ru"));
}

// No entry may cover another: some looks above, one below.
absl::Status CheckFree(const store::Tx& tx, int32_t edition, const std::string& code) {
  for (const std::string& above : Covering(code)) {
    ASSIGN_OR_RETURN(const auto taken, tx.FindRaw(kEntries, store::Key::Of(edition, above)));
    if (!taken.has_value()) continue;
    if (above == code) return errors::RecordExists(kEntries.name, EntryName(edition, code));
    return errors::EntryOverlap(EntryName(edition, above));
  }
  store::Key prefix = store::Key::Of(edition);
  prefix.AddTextPrefix(code);
  std::string below;
  RETURN_IF_ERROR(
      tx.Scan(kEntries, {prefix, ""}, {},
              [&](const store::RowView& row, absl::string_view) -> absl::StatusOr<bool> {
                ASSIGN_OR_RETURN(const auto stored, store::Reader::Parse<EntryRow>(row));
                below = CodeOf(stored.row.entry());
                return false;
              }));
  return below.empty() ? absl::OkStatus() : errors::EntryOverlap(EntryName(edition, below));
}

absl::StatusOr<Entry> AddEntry(store::Tx& tx, int32_t edition, const Entry& given,
                               const std::string& path) {
  RETURN_IF_ERROR(CheckEntry(given, path));
  RETURN_IF_ERROR(CheckEntryNames(given, path));
  RETURN_IF_ERROR(CheckFree(tx, edition, CodeOf(given)));
  EntryRow row;
  row.set_edition(edition);
  *row.mutable_entry() = given;
  row.mutable_entry()->set_name(EntryName(edition, CodeOf(given)));
  RETURN_IF_ERROR(tx.Put(kEntries, &row));
  return row.entry();
}

}  // namespace

absl::StatusOr<v1::Entry> CreateEntry(Env& env, const Call& call, store::Tx& tx,
                                      const v1::CreateEntryRequest& request) {
  ASSIGN_OR_RETURN(const int32_t edition, rpc::NumberIn(request.parent(), "lists/*", 0));
  RETURN_IF_ERROR(WriteIn(env, tx, call, edition));
  tx.Cite(errors::List());
  return AddEntry(tx, edition, request.entry(), "entry");
}

absl::StatusOr<v1::BatchCreateEntriesResponse> BatchCreateEntries(
    Env& env, const Call& call, store::Tx& tx, const v1::BatchCreateEntriesRequest& request) {
  ASSIGN_OR_RETURN(const int32_t edition, rpc::NumberIn(request.parent(), "lists/*", 0));
  RETURN_IF_ERROR(WriteIn(env, tx, call, edition));
  tx.Cite(errors::List());
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
  ASSIGN_OR_RETURN(const EntryKey key, EntryKeyOf(request.entry().name()));
  RETURN_IF_ERROR(WriteIn(env, tx, call, key.edition));
  ASSIGN_OR_RETURN(auto found, rpc::FindFor(tx, call, kEntries, key.key(), request.entry().name()));
  Entry& entry = *found.row.mutable_entry();
  // One that was imported without names may stay so; a person may not take the last one away.
  const bool named = CheckEntryNames(entry, "entry").ok();
  RETURN_IF_ERROR(rpc::UpdateResource(request.entry(), request.update_mask(), &entry, &call));
  if (named) RETURN_IF_ERROR(CheckEntryNames(entry, "entry"));
  RETURN_IF_ERROR(CheckEntry(entry, "entry"));
  tx.Cite(errors::List());
  RETURN_IF_ERROR(tx.Put(kEntries, &found.row));
  return found.row.entry();
}

absl::StatusOr<v1::DeleteEntryResponse> DeleteEntry(Env& env, const Call& call, store::Tx& tx,
                                                    const v1::DeleteEntryRequest& request) {
  ASSIGN_OR_RETURN(const EntryKey key, EntryKeyOf(request.name()));
  RETURN_IF_ERROR(WriteIn(env, tx, call, key.edition));
  ASSIGN_OR_RETURN(const auto found, rpc::FindFor(tx, call, kEntries, key.key(), request.name()));
  RETURN_IF_ERROR(rpc::CheckEtag(request.etag(), found.row.entry().etag()));
  tx.Cite(errors::List());
  RETURN_IF_ERROR(tx.End(kEntries, key.key()));
  return v1::DeleteEntryResponse();
}

absl::StatusOr<Encoded<v1::Entry>> GetEntry(Env& env, Call& call,
                                            const v1::GetEntryRequest& request) {
  ASSIGN_OR_RETURN(const EntryKey key, EntryKeyOf(request.name()));
  ASSIGN_OR_RETURN(const store::At at, rpc::AtOf(request));
  RETURN_IF_ERROR(CheckListReadable(env, call, EditionName(key.edition), at));
  return rpc::GetRecord<Entry>(*env.store, call, kEntries, key.key(), request);
}

absl::StatusOr<Encoded<v1::ListEntriesResponse>> ListEntries(
    Env& env, Call& call, const v1::ListEntriesRequest& request) {
  ASSIGN_OR_RETURN(const int32_t edition, rpc::NumberIn(request.parent(), "lists/*", 0));
  rpc::ListPlan plan;
  plan.table = &kEntries;
  plan.prefix = store::Key::Of(edition);
  ASSIGN_OR_RETURN(plan.at, rpc::AtOf(request));
  RETURN_IF_ERROR(CheckListReadable(env, call, request.parent(), plan.at));
  rpc::PlanPage(request, call, &plan);
  ASSIGN_OR_RETURN(std::string page, rpc::ListPage(*env.store, plan));
  return Encoded<v1::ListEntriesResponse>{std::move(page)};
}

}  // namespace nisi::export_refunds
