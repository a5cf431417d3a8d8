#include "services/gateway/calls.h"

#include "common/rpc/policy.h"
#include "google/protobuf/descriptor.pb.h"

namespace nisi::gateway {

const google::protobuf::MethodDescriptor* FindMethod(const Hub& hub, absl::string_view path) {
  const auto route = hub.routes->Find(path);
  return route.ok() ? (*route)->policy.descriptor : nullptr;
}

const rpc::MethodMetrics& MetricsOf(const Hub& hub, absl::string_view path) {
  const auto route = hub.routes->Find(path);
  return route.ok() ? hub.metrics[(*route)->index] : hub.metrics.back();
}

size_t MaxRequestBytes(const Hub& hub, absl::string_view path) {
  const auto route = hub.routes->Find(path);
  return route.ok() ? (*route)->policy.max_request_bytes : rpc::kMaxRequestBytes;
}

bool ChangesNothing(const Hub& hub, absl::string_view path) {
  const auto route = hub.routes->Find(path);
  if (!route.ok()) return false;
  const auto& options = (*route)->policy.descriptor->options();
  return !(*route)->policy.mutation &&
         (!options.has_idempotency_level() ||
          options.idempotency_level() == google::protobuf::MethodOptions::NO_SIDE_EFFECTS);
}

}  // namespace nisi::gateway
