// For fixtures that call functions themselves: what the call layer makes of an answer.
#pragma once

#include <string>
#include <utility>

#include "common/rpc/disclosure.h"
#include "common/rpc/store_call.h"

namespace nisi::rpc {

// The answer of a unary call as its caller gets it: masked, and settled where it shows by right.
inline absl::StatusOr<std::string> AsSent(const Method& method, const Call& call,
                                          const google::protobuf::Message& request,
                                          absl::StatusOr<std::string> answer) {
  if (!answer.ok()) return answer;
  ASSIGN_OR_RETURN(Masked masked, MaskAnswer(method, call, &request, *std::move(answer)));
  if (masked.claims == nullptr) return std::move(masked.bytes);
  const auto outcome =
      method.disclosure->Write(CommandOf(call), SettlingOf(method, call, masked.claims));
  return Settled(call, masked.claims.get(), outcome);
}

}  // namespace nisi::rpc
