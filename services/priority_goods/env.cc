#include "services/priority_goods/env.h"

#include "absl/strings/str_cat.h"
#include "common/cases/editions.h"
#include "common/rpc/store_call.h"
#include "services/priority_goods/rules.h"

namespace nisi::priority_goods {

bool IsInsider(const rpc::Caller& caller) {
  return caller.Has(rpc::v1::INSTITUTE_INDUSTRY) || caller.Has(rpc::v1::AUTHORITY_INDUSTRY) ||
         caller.Has(rpc::v1::AUDITOR);
}

absl::StatusOr<int32_t> EditionNumber(const std::string& name) {
  return cases::NumberOf<GoodsList>(name);
}

absl::Status CheckReadable(const Env& env, const rpc::Call& call, int32_t edition,
                           const store::At& at) {
  if (IsInsider(*call.caller)) return absl::OkStatus();
  ASSIGN_OR_RETURN(const auto calendar, env.catalog->Current());
  if (calendar->Find(edition) == nullptr) return base::AccessDenied();
  if (!at.as_of.has_value() && !at.known_at_us.has_value()) return absl::OkStatus();
  const store::View view = env.store->Read(call.reach);
  ASSIGN_OR_RETURN(const auto found, view.Find(kEditions, store::Key::Of(edition), at));
  const bool published = found.has_value() && IsPublished(found->row.edition().state());
  return published ? absl::OkStatus() : base::AccessDenied();
}

absl::Status CheckExists(const Env& env, const rpc::Call& call, int32_t edition) {
  const store::View view = env.store->Read(call.reach);
  ASSIGN_OR_RETURN(const auto found, view.FindRaw(kEditions, store::Key::Of(edition)));
  return found.has_value() ? absl::OkStatus() : base::NotFound("editions", EditionName(edition));
}

}  // namespace nisi::priority_goods
