#include "services/gateway/own.h"

#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_replace.h"
#include "common/rpc/health.h"
#include "common/rpc/limits.h"
#include "common/rpc/reflection.h"
#include "services/gateway/hub.h"

namespace nisi::gateway {
namespace {

// They ask by a name; reflection says it again in its answer.
constexpr size_t kMaxOwnRequestBytes = 4 << 10;
// As long as the watches of the services.
constexpr absl::Duration kWatchDeadline = absl::Hours(24);

rpc::MethodPolicy PolicyOf(absl::string_view path, absl::Duration deadline) {
  rpc::MethodPolicy policy;
  policy.descriptor = google::protobuf::DescriptorPool::generated_pool()->FindMethodByName(
      absl::StrReplaceAll(path.substr(1), {{"/", "."}}));
  policy.path = std::string(path);
  policy.is_public = true;
  policy.deadline = deadline;
  policy.max_request_bytes = kMaxOwnRequestBytes;
  return policy;
}

}  // namespace

std::vector<rpc::MethodPolicy> OwnPolicies() {
  std::vector<rpc::MethodPolicy> policies = {PolicyOf(rpc::kHealthCheckPath, rpc::kDefaultDeadline),
                                             PolicyOf(rpc::kHealthWatchPath, kWatchDeadline)};
  for (const char* path : rpc::kReflectionPaths) {
    policies.push_back(PolicyOf(path, rpc::kMaxDeadline));
  }
  return policies;
}

http2::TakeCall TakeOwn(const Hub* hub) {
  return [hub](http2::CallHead head,
               std::shared_ptr<http2::Replier> replier) -> std::shared_ptr<http2::Taker> {
    if (head.path == rpc::kHealthCheckPath) return hub->health->TakeCheck(head, std::move(replier));
    if (head.path == rpc::kHealthWatchPath) return hub->health->TakeWatch(head, std::move(replier));
    return rpc::TakeReflection(hub->listed, head, std::move(replier));
  };
}

}  // namespace nisi::gateway
