// A change that needs facts from elsewhere first: those are gathered outside any transaction, then
// one command uses them.
//
//   std::optional<GoodsOnList> goods;
//   return rpc::GatherThenWrite<Support>(
//       *env.store, call, request,
//       [&]() -> absl::Status { ASSIGN_OR_RETURN(goods, env.check_goods(call, ...)); ... },
//       [&](store::Tx& tx) -> absl::StatusOr<Support> { ... *goods ... });
//
// Bound by NISI_UNARY, as it waits on a thread of the executor.
#pragma once

#include <functional>
#include <optional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/base/status.h"
#include "common/rpc/call.h"
#include "common/rpc/store_call.h"
#include "common/store/store.h"

namespace nisi::rpc {

// The stored answer of the same request comes first: a retry is answered without asking anybody
// again, whatever they say by now. `gather` may fail, which changes nothing; but of a request that
// was sent twice at once it may fail by what the other has done: then that one's answer counts.
// `run` is the command, and may run again (store.h).
template <class Response, class Request>
absl::StatusOr<Response> GatherThenWrite(
    store::Store& store, Call& call, const Request& request,
    const std::function<absl::Status()>& gather,
    const std::function<absl::StatusOr<Response>(store::Tx&)>& run) {
  const store::CommandInfo info = CommandOf(call, request);
  Response response;
  ASSIGN_OR_RETURN(std::optional<store::Outcome> known, store.FindReply(info));
  if (!known.has_value()) {
    if (absl::Status gathered = gather(); !gathered.ok()) {
      ASSIGN_OR_RETURN(known, store.FindReply(info));
      if (!known.has_value()) return gathered;
    }
  }
  if (known.has_value()) {
    call.position = known->position;
    if (!response.ParseFromString(known->reply)) return base::StoreCorrupt("stored reply");
    return response;
  }
  ASSIGN_OR_RETURN(const store::Outcome outcome,
                   store.Write(info, [&run](store::Tx& tx) -> absl::StatusOr<std::string> {
                     ASSIGN_OR_RETURN(const Response answer, run(tx));
                     return answer.SerializeAsString();
                   }));
  call.position = outcome.position;
  if (!response.ParseFromString(outcome.reply)) return base::StoreCorrupt("reply");
  return response;
}

}  // namespace nisi::rpc
