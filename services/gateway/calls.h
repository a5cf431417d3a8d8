// What is known of a call's method by its path, for protocols that make messages of theirs.
#pragma once

#include <cstddef>

#include "absl/strings/string_view.h"
#include "common/rpc/metrics.h"
#include "google/protobuf/descriptor.h"
#include "services/gateway/hub.h"

namespace nisi::gateway {

// Null where there is none.
const google::protobuf::MethodDescriptor* FindMethod(const Hub& hub, absl::string_view path);
// What its calls are counted by; those of no method together.
const rpc::MethodMetrics& MetricsOf(const Hub& hub, absl::string_view path);
// The largest request of it, as bytes or as JSON.
size_t MaxRequestBytes(const Hub& hub, absl::string_view path);
// Whether it may be called by GET: its policy says no mutation, and its proto no other
// idempotency_level than NO_SIDE_EFFECTS.
bool ChangesNothing(const Hub& hub, absl::string_view path);

}  // namespace nisi::gateway
