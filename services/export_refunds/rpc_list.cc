// What is asked of the list as a whole, and of one edition against another.
#include "common/rpc/editions.h"
#include "common/rpc/editions_watch.h"
#include "services/export_refunds/rpcs.h"

namespace nisi::export_refunds {
namespace {

constexpr int kMostCodes = 10'000;

}  // namespace

absl::StatusOr<Encoded<v1::CheckCodesResponse>> CheckCodes(Env& env, Call& call,
                                                           const v1::CheckCodesRequest& request) {
  if (request.goods_codes_size() + request.okeds_size() > kMostCodes) {
    return base::InvalidField("okeds", "with goods_codes come to more than 10000");
  }
  base::Date day = call.today();
  if (request.has_on_date()) {
    ASSIGN_OR_RETURN(day, base::Date::FromProto(request.on_date()));
  }
  return env.catalog->Check(day, {&request.goods_codes(), &request.okeds()});
}

absl::StatusOr<v1::SearchEntriesResponse> SearchEntries(Env& env, Call& call,
                                                        const v1::SearchEntriesRequest& request) {
  RETURN_IF_ERROR(CheckCodePrefix(request.code_prefix(), "code_prefix"));
  int32_t edition = 0;
  if (request.parent().empty()) {
    ASSIGN_OR_RETURN(const auto calendar, env.catalog->Current());
    const CatalogEdition* in_force = calendar->InForceOn(call.today());
    if (in_force == nullptr) return v1::SearchEntriesResponse();
    edition = in_force->number;
  } else {
    ASSIGN_OR_RETURN(edition, EditionNumber(request.parent()));
    RETURN_IF_ERROR(CheckListReadable(env, call, request.parent()));
  }
  return rpc::SearchEntries<PromotedList, v1::SearchEntriesResponse>(*env.store, call, request,
                                                                     edition);
}

absl::StatusOr<v1::DiffEditionsResponse> DiffEditions(Env& env, Call& call,
                                                      const v1::DiffEditionsRequest& request) {
  ASSIGN_OR_RETURN(const int32_t base, EditionNumber(request.base()));
  ASSIGN_OR_RETURN(const int32_t target, EditionNumber(request.target()));
  for (const std::string& name : {request.base(), request.target()}) {
    RETURN_IF_ERROR(CheckListReadable(env, call, name));
  }
  return rpc::DiffEditions<PromotedList, v1::DiffEditionsResponse>(*env.store, call, request, base,
                                                                   target);
}

absl::StatusOr<std::unique_ptr<rpc::MessageSource>> ExportEdition(
    Env& env, Call& call, const v1::ExportEditionRequest& request) {
  ASSIGN_OR_RETURN(const int32_t edition, EditionNumber(request.name()));
  RETURN_IF_ERROR(CheckListReadable(env, call, request.name()));
  return std::make_unique<rpc::EditionExport<PromotedList>>(*env.store, edition);
}

absl::StatusOr<std::unique_ptr<rpc::MessageSource>> WatchEntries(
    Env& env, Call& call, const v1::WatchEntriesRequest& request) {
  int32_t edition = 0;
  if (!request.parent().empty()) {
    ASSIGN_OR_RETURN(edition, EditionNumber(request.parent()));
    RETURN_IF_ERROR(CheckListReadable(env, call, request.parent()));
  }
  return std::make_unique<rpc::EditionWatch<PromotedList, v1::WatchEntriesResponse>>(
      *env.store, SeesDrafts(call.caller->roles), edition, request.start_position(),
      request.delivered_changes());
}

}  // namespace nisi::export_refunds
