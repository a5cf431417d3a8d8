// The entries of a list that is kept in editions (editions.h), as they are written. Of its
// description is needed besides:
//
//   static std::string EntryName(int32_t edition, const std::string& code);
//   static std::string CodeIn(absl::string_view last_segment);  // of such a name
//   // ENTRY_OVERLAP, by the entry that covers the same; ALREADY_EXISTS.
//   static absl::Status Overlap(const std::string& entry);
//   static absl::Status EntryExists(const std::string& entry);
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/base/codes.h"
#include "common/cases/editions.h"
#include "common/rpc/import.h"
#include "common/rpc/resource.h"

namespace nisi::cases {

// No entry may cover another, nor be there twice: a look above, one below.
template <class List>
absl::Status CheckFree(const store::Tx& tx, int32_t edition, const std::string& code) {
  const std::vector<std::string> above = Covering(code);
  std::vector<store::Key> keys;
  keys.reserve(above.size());
  for (const std::string& one : above) keys.push_back(store::Key::Of(edition, one));
  ASSIGN_OR_RETURN(const std::optional<size_t> taken, tx.FindFirst(List::Entries(), keys));
  if (taken.has_value()) {
    const std::string name = List::EntryName(edition, above[*taken]);
    return above[*taken] == code ? List::EntryExists(name) : List::Overlap(name);
  }
  constexpr size_t kLongest = 10;  // below which nothing can lie
  if (code.size() >= kLongest) return absl::OkStatus();
  store::Key prefix = store::Key::Of(edition);
  prefix.AddTextPrefix(code);
  std::string below;
  RETURN_IF_ERROR(tx.Scan(
      List::Entries(), {prefix, ""}, {},
      [&](const store::RowView& view, absl::string_view) -> absl::StatusOr<bool> {
        ASSIGN_OR_RETURN(const auto stored, store::Reader::Parse<typename List::EntryRow>(view));
        below = List::Code(stored.row.entry());
        return false;
      }));
  return below.empty() ? absl::OkStatus() : List::Overlap(List::EntryName(edition, below));
}

template <class List>
absl::StatusOr<EntryOf<List>> PutEntry(store::Tx& tx, int32_t edition, const EntryOf<List>& entry) {
  typename List::EntryRow row;
  row.set_edition(edition);
  *row.mutable_entry() = entry;
  row.mutable_entry()->set_name(List::EntryName(edition, List::Code(entry)));
  RETURN_IF_ERROR(tx.Put(List::Entries(), &row));
  return std::move(*row.mutable_entry());
}

// The place of an entry by its name. NOT_FOUND for a name that no entry can have.
struct EntryKey {
  int32_t edition = 0;
  std::string code;

  store::Key key() const { return store::Key::Of(edition, code); }
};
template <class List>
absl::StatusOr<EntryKey> EntryKeyOf(const std::string& name) {
  EntryKey key;
  ASSIGN_OR_RETURN(key.edition,
                   rpc::NumberIn(name, absl::StrCat(List::Editions().name, "/*/entries/*"), 0));
  key.code = List::CodeIn(absl::string_view(name).substr(name.rfind('/') + 1));
  return key;
}

// ---- The methods. `check`: what the law and the form of a list say of an entry; of a new one it
// looks at names as well, under their path in the request.

template <class List>
using CheckNewEntry = absl::Status (*)(const store::Tx& tx, const EntryOf<List>& entry,
                                       const std::string& path);
template <class List>
using CheckChangedEntry = absl::Status (*)(const store::Tx& tx, const EntryOf<List>& entry);

template <class List, class Request>
absl::StatusOr<EntryOf<List>> CreateEntry(store::Tx& tx, const norms::Norms& norms,
                                          const rpc::Call& call, const Request& request,
                                          CheckNewEntry<List> check) {
  ASSIGN_OR_RETURN(const int32_t edition, NumberOf<List>(request.parent()));
  RETURN_IF_ERROR(WriteIn<List>(tx, norms, call, edition));
  tx.Cite(List::Basis());
  RETURN_IF_ERROR(check(tx, request.entry(), "entry"));
  RETURN_IF_ERROR(CheckFree<List>(tx, edition, List::Code(request.entry())));
  return PutEntry<List>(tx, edition, request.entry());
}

template <class List, class Response, class Request>
absl::StatusOr<Response> CreateEntries(store::Tx& tx, const norms::Norms& norms,
                                       const rpc::Call& call, const Request& request,
                                       CheckNewEntry<List> check) {
  ASSIGN_OR_RETURN(const int32_t edition, NumberOf<List>(request.parent()));
  RETURN_IF_ERROR(WriteIn<List>(tx, norms, call, edition));
  tx.Cite(List::Basis());
  Response response;
  const auto add = [&](const EntryOf<List>& given, const std::string& path) -> absl::Status {
    RETURN_IF_ERROR(check(tx, given, path));
    RETURN_IF_ERROR(CheckFree<List>(tx, edition, List::Code(given)));
    ASSIGN_OR_RETURN(*response.add_entries(), PutEntry<List>(tx, edition, given));
    return absl::OkStatus();
  };
  for (int i = 0; i < request.entries_size(); ++i) {
    const std::string path = absl::StrCat("entries[", i, "]");
    if (absl::Status added = add(request.entries(i), path); !added.ok()) {
      return rpc::InItem(std::move(added), path);
    }
  }
  return response;
}

// VERSION_MISMATCH for whoever saw another version of an entry, before the edition is asked whether
// it may be written in. One that is not there is found out afterwards, as without an etag.
template <class List>
absl::Status CheckSeen(const store::Tx& tx, const rpc::Call& call, const EntryKey& key,
                       const std::string& name, const std::string& etag) {
  const auto found = rpc::FindFor(tx, call, List::Entries(), key.key(), name);
  return found.ok() ? rpc::CheckEtag(etag, found->row.entry().etag()) : absl::OkStatus();
}

template <class List, class Request>
absl::StatusOr<EntryOf<List>> UpdateEntry(store::Tx& tx, const norms::Norms& norms,
                                          const rpc::Call& call, const Request& request,
                                          CheckChangedEntry<List> check) {
  const std::string& name = request.entry().name();
  ASSIGN_OR_RETURN(const EntryKey key, EntryKeyOf<List>(name));
  RETURN_IF_ERROR(CheckSeen<List>(tx, call, key, name, request.entry().etag()));
  RETURN_IF_ERROR(WriteIn<List>(tx, norms, call, key.edition));
  ASSIGN_OR_RETURN(auto found, rpc::FindFor(tx, call, List::Entries(), key.key(), name));
  EntryOf<List>& entry = *found.row.mutable_entry();
  const auto named = [&] { return CheckNamed(entry.name_kk(), entry.name_ru(), "entry.name_ru"); };
  // One that was imported without names may stay so; a person may not take the last one away.
  const bool was_named = named().ok();
  RETURN_IF_ERROR(rpc::ApplyUpdate(request.entry(), request.update_mask(), &entry, &call));
  if (was_named) RETURN_IF_ERROR(named());
  RETURN_IF_ERROR(check(tx, entry));
  tx.Cite(List::Basis());
  RETURN_IF_ERROR(tx.Put(List::Entries(), &found.row));
  return entry;
}

template <class List, class Response, class Request>
absl::StatusOr<Response> DeleteEntry(store::Tx& tx, const norms::Norms& norms,
                                     const rpc::Call& call, const Request& request) {
  ASSIGN_OR_RETURN(const EntryKey key, EntryKeyOf<List>(request.name()));
  RETURN_IF_ERROR(CheckSeen<List>(tx, call, key, request.name(), request.etag()));
  RETURN_IF_ERROR(WriteIn<List>(tx, norms, call, key.edition));
  ASSIGN_OR_RETURN(const auto found,
                   rpc::FindFor(tx, call, List::Entries(), key.key(), request.name()));
  tx.Cite(List::Drafting());
  RETURN_IF_ERROR(tx.End(List::Entries(), key.key()));
  return Response();
}

// ImportEntries: what a row becomes, and by what law it may enter, is left to the service.
template <class List, class Request>
class EntryImport : public rpc::Import<Request, EntryOf<List>> {
 public:
  using Header = typename rpc::Import<Request, EntryOf<List>>::Header;
  using Row = typename rpc::Import<Request, EntryOf<List>>::Row;

 protected:
  EntryImport(store::Store& store, const norms::Norms& norms)
      : rpc::Import<Request, EntryOf<List>>(store), norms_(norms) {}

  absl::Status CheckHeader(const Header& header) override {
    ASSIGN_OR_RETURN(edition_, NumberOf<List>(header.parent()));
    return absl::OkStatus();
  }

  std::string KeyOf(const Row& row) const override {
    return base::GoodsCode::Parse(row.goods_code()).ok() ? row.goods_code() : "";
  }

  absl::Status Begin(store::Tx& tx, const rpc::Call& call, const Header& /*header*/) override {
    RETURN_IF_ERROR(WriteIn<List>(tx, norms_, call, edition_));
    codes_.clear();
    RETURN_IF_ERROR(tx.Scan(
        List::Entries(), {store::Key::Of(edition_), ""}, {},
        [&](const store::RowView& view, absl::string_view) -> absl::StatusOr<bool> {
          ASSIGN_OR_RETURN(const auto stored, store::Reader::Parse<typename List::EntryRow>(view));
          codes_.insert(List::Code(stored.row.entry()));
          return true;
        }));
    tx.Cite(List::Basis());
    return absl::OkStatus();
  }

  absl::Status Enter(store::Tx& tx, const EntryOf<List>& entry) override {
    const std::string& code = List::Code(entry);
    if (const auto other = FindOverlap(codes_, code); other.has_value()) {
      return List::Overlap(List::EntryName(edition_, *other));
    }
    codes_.insert(code);
    return PutEntry<List>(tx, edition_, entry).status();
  }

 private:
  const norms::Norms& norms_;
  int32_t edition_ = 0;
  std::set<std::string> codes_;  // that the edition has, with the rows so far
};

}  // namespace nisi::cases
