// What the functions of this service work with, and who may see what.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/base/status.h"
#include "common/cases/places.h"
#include "common/norms/norms.h"
#include "common/rpc/call.h"
#include "common/rpc/resource.h"
#include "common/search/searcher.h"
#include "common/store/store.h"
#include "services/suppliers/tables.h"

namespace nisi::suppliers {

using industry_map::v1::PlaceFact;

struct Env {
  store::Store* store = nullptr;
  const search::Searcher* searcher = nullptr;
  const norms::Norms* norms = nullptr;
  // The industry map.
  cases::AskPlaces<PlaceFact> ask_places;
};

// Roles that see what is not in the public register, where they hold over a record.
inline constexpr uint32_t kInsiders =
    base::RoleBit(rpc::v1::INSTITUTE_LOCAL_CONTENT) | base::RoleBit(rpc::v1::AUTHORITY_INDUSTRY) |
    base::RoleBit(rpc::v1::AUDITOR) | base::RoleBit(rpc::v1::AKIMAT) |
    base::RoleBit(rpc::v1::ENTITY) | base::RoleBit(rpc::v1::CUSTOMER);

// rpc::Visible of a supplier: ACTIVE ones are public.
bool SupplierIsVisible(const google::protobuf::Message& resource, uint32_t roles);

// Suppliers and evidence of one state of the store, each read once. `known_at` of `at` says what
// was known, and nothing else of it: the day is given with each question, since evidence names its
// days itself.
class Books {
 public:
  explicit Books(const store::Reader& reader, std::optional<int64_t> known_at_us = std::nullopt)
      : reader_(reader), known_at_us_(known_at_us) {}

  // As it stands on the day; null: it is not there.
  absl::StatusOr<const v1::Supplier*> SupplierOn(const std::string& bin, base::Date day);
  absl::StatusOr<bool> IsActiveOn(const std::string& bin, base::Date day);
  // All that a supplier has, by number.
  absl::StatusOr<const std::vector<EvidenceRow>*> EvidenceOf(const std::string& bin);
  // One of a supplier's; null: it has none of that name.
  absl::StatusOr<const EvidenceRow*> EvidenceNamed(const std::string& bin, const std::string& name);

 private:
  const store::Reader& reader_;
  const std::optional<int64_t> known_at_us_;
  std::map<std::pair<std::string, base::Date>, std::optional<v1::Supplier>> suppliers_;
  std::map<std::string, std::vector<EvidenceRow>> evidence_;
};

// The number in a name of this pattern; NOT_FOUND for one that no record can have.
absl::StatusOr<int64_t> NumberOf(const std::string& name, const char* pattern);

// The day that a request with as_of asks for.
inline base::Date DayOf(const store::At& at, const store::Reader& reader) {
  return at.as_of.value_or(reader.today());
}

// Whether a caller sees what belongs to the supplier `bin`: by a role over it, else while that is
// ACTIVE and `published` holds of it.
absl::StatusOr<bool> SeesOf(const rpc::Call& call, const rpc::Ties& ties,
                            const google::protobuf::Message& resource, const std::string& bin,
                            bool published, Books& books, base::Date day);

// Get of an offer or of evidence, which are public while their supplier is.
template <class Resource, class Row, class Request>
absl::StatusOr<rpc::Encoded<Resource>> GetOfSupplier(const Env& env, const rpc::Call& call,
                                                     const store::Table<Row>& table,
                                                     const store::Key& key, const Request& request,
                                                     bool (*published)(const Resource&)) {
  ASSIGN_OR_RETURN(const store::At at, rpc::AtOf(request));
  const store::View view = env.store->Read(call.reach);
  ASSIGN_OR_RETURN(const auto found, view.Find(table, key, at));
  if (!found.has_value()) return rpc::Missing(call, table.name, request.name());
  const auto& resource = static_cast<const Resource&>(rpc::ResourceIn(found->row));
  Books books(view, at.known_at_us);
  ASSIGN_OR_RETURN(const bool seen, SeesOf(call, rpc::TiesOf<Resource>(), resource, resource.bin(),
                                           published(resource), books, DayOf(at, view)));
  if (!seen) return rpc::Missing(call, table.name, request.name());
  return rpc::Encoded<Resource>{resource.SerializeAsString()};
}

// The same for the plan of a list: what `wanted` leaves of what the caller sees.
template <class Resource>
void ShowOfSupplier(const rpc::Call& call, bool (*published)(const Resource&),
                    std::function<bool(const Resource&)> wanted, rpc::ListPlan* plan) {
  struct State {
    std::optional<Books> books;
    base::Date day;
  };
  const auto state = std::make_shared<State>();
  plan->prepare = [state](const store::Reader& reader, const store::At& at) {
    state->books.emplace(reader, at.known_at_us);
    state->day = DayOf(at, reader);
    return absl::OkStatus();
  };
  plan->show = [state, &call, published, wanted = std::move(wanted)](
                   google::protobuf::Message* message) -> absl::StatusOr<rpc::Shown> {
    const auto& resource = static_cast<const Resource&>(*message);
    if (wanted && !wanted(resource)) return rpc::Shown::kNo;
    ASSIGN_OR_RETURN(const bool seen,
                     SeesOf(call, rpc::TiesOf<Resource>(), resource, resource.bin(),
                            published(resource), *state->books, state->day));
    return seen ? rpc::Shown::kAsStored : rpc::Shown::kNo;
  };
}

}  // namespace nisi::suppliers
