#include "services/gateway/calls.h"

#include <string>
#include <utility>

#include "absl/strings/str_replace.h"
#include "common/rpc/answer.h"
#include "common/rpc/health.h"
#include "common/rpc/policy.h"
#include "common/rpc/reflection.h"
#include "google/protobuf/descriptor.pb.h"

namespace nisi::gateway {
namespace {

bool IsOwn(absl::string_view path) {
  return path == rpc::kHealthCheckPath || path == rpc::kHealthWatchPath ||
         path == rpc::kReflectionPath;
}

}  // namespace

void Taken::Refuse(const absl::Status& status, http2::Replier* client) const {
  if (forwarded != nullptr) return forwarded->Abort(status);
  taker->OnCancel();
  client->Finish(rpc::ToAnswer(status));
}

Taken TakeCall(Hub* hub, Ways* ways, http2::CallHead head, std::shared_ptr<http2::Replier> client) {
  if (head.path == rpc::kHealthCheckPath) {
    return {hub->health->TakeCheck(*head.peer, std::move(client))};
  }
  if (head.path == rpc::kHealthWatchPath) return {hub->health->TakeWatch(std::move(client))};
  if (head.path == rpc::kReflectionPath) {
    return {rpc::TakeReflection(hub->listed, std::move(client))};
  }
  std::shared_ptr<ForwardedCall> call =
      ForwardedCall::Take(hub, ways, std::move(head), std::move(client));
  ForwardedCall* const raw = call.get();
  return {std::move(call), raw};
}

const google::protobuf::MethodDescriptor* FindMethod(const Hub& hub, absl::string_view path) {
  if (const auto route = hub.routes->Find(path); route.ok()) return (*route)->policy.descriptor;
  if (!IsOwn(path)) return nullptr;
  return google::protobuf::DescriptorPool::generated_pool()->FindMethodByName(
      absl::StrReplaceAll(path.substr(1), {{"/", "."}}));
}

size_t MaxRequestBytes(const Hub& hub, absl::string_view path) {
  const auto route = hub.routes->Find(path);
  return route.ok() ? (*route)->policy.max_request_bytes : rpc::kMaxRequestBytes;
}

bool ChangesNothing(const Hub& hub, absl::string_view path) {
  const auto route = hub.routes->Find(path);
  if (!route.ok()) return IsOwn(path);
  const auto& options = (*route)->policy.descriptor->options();
  return !(*route)->policy.mutation &&
         (!options.has_idempotency_level() ||
          options.idempotency_level() == google::protobuf::MethodOptions::NO_SIDE_EFFECTS);
}

}  // namespace nisi::gateway
