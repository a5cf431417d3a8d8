#include "common/rpc/editions.h"
#include "common/rpc/editions_watch.h"
#include "services/priority_goods/rpcs.h"

namespace nisi::priority_goods {

// The hottest call: see catalog.h.
absl::StatusOr<Encoded<v1::CheckGoodsResponse>> CheckGoods(Env& env, Call& call,
                                                           const v1::CheckGoodsRequest& request) {
  base::Date day = call.today();
  if (request.has_on_date()) {
    ASSIGN_OR_RETURN(day, base::Date::FromProto(request.on_date()));
  }
  return env.catalog->Check(day, {&request.codes()});
}

absl::StatusOr<v1::DiffEditionsResponse> DiffEditions(Env& env, Call& call,
                                                      const v1::DiffEditionsRequest& request) {
  ASSIGN_OR_RETURN(const int32_t base, EditionNumber(request.base()));
  ASSIGN_OR_RETURN(const int32_t target, EditionNumber(request.target()));
  RETURN_IF_ERROR(CheckReadable(env, call, base));
  RETURN_IF_ERROR(CheckReadable(env, call, target));
  for (const int32_t number : {base, target}) RETURN_IF_ERROR(CheckExists(env, call, number));
  return rpc::DiffEditions<GoodsList, v1::DiffEditionsResponse>(*env.store, call, request, base,
                                                                target);
}

absl::StatusOr<std::unique_ptr<rpc::MessageSource>> ExportEdition(
    Env& env, Call& call, const v1::ExportEditionRequest& request) {
  ASSIGN_OR_RETURN(const int32_t edition, EditionNumber(request.name()));
  RETURN_IF_ERROR(CheckReadable(env, call, edition));
  RETURN_IF_ERROR(CheckExists(env, call, edition));
  return std::make_unique<rpc::EditionExport<GoodsList>>(*env.store, edition);
}

absl::StatusOr<std::unique_ptr<rpc::MessageSource>> WatchEntries(
    Env& env, Call& call, const v1::WatchEntriesRequest& request) {
  int32_t edition = 0;
  if (!request.parent().empty()) {
    ASSIGN_OR_RETURN(edition, EditionNumber(request.parent()));
    RETURN_IF_ERROR(CheckReadable(env, call, edition));
    RETURN_IF_ERROR(CheckExists(env, call, edition));
  }
  return std::make_unique<rpc::EditionWatch<GoodsList, v1::WatchEntriesResponse>>(
      *env.store, IsInsider(*call.caller), edition, request.start_position(),
      request.delivered_changes());
}

}  // namespace nisi::priority_goods
