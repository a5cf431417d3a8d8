// What the functions of this service work with, and who may see what.
#pragma once

#include <functional>
#include <string>

#include "common/base/status.h"
#include "common/cases/step.h"
#include "common/norms/norms.h"
#include "common/rpc/call.h"
#include "common/store/store.h"
#include "nisi/priority_goods/v1/resources.pb.h"
#include "services/priority_goods/list.h"
#include "services/priority_goods/tables.h"

namespace nisi::priority_goods {

struct Env {
  store::Store* store = nullptr;
  const norms::Norms* norms = nullptr;
  Catalog* catalog = nullptr;
};

// The institute, the authority and auditors see what is not published.
bool IsInsider(const rpc::Caller& caller);

// The number in "editions/{number}"; NOT_FOUND for a name no edition can have.
absl::StatusOr<int32_t> EditionNumber(const std::string& name);

// Whether the caller may read the edition and its entries. To the public an unpublished edition and
// one that does not exist are the same: ACCESS_DENIED. An insider gets NOT_FOUND from the read
// itself. With `at`, the edition must also have been published in that state: its past as a draft
// stays unpublished.
absl::Status CheckReadable(const Env& env, const rpc::Call& call, int32_t edition,
                           const store::At& at = {});

// NOT_FOUND when no edition has the number.
absl::Status CheckExists(const Env& env, const rpc::Call& call, int32_t edition);

}  // namespace nisi::priority_goods
