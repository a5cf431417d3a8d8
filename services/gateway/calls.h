// Where a call goes, whatever protocol it came by.
#pragma once

#include <memory>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "common/http2/call.h"
#include "google/protobuf/descriptor.h"
#include "services/gateway/forwarded_call.h"
#include "services/gateway/hub.h"

namespace nisi::gateway {

// A call that was taken: to a service, or to the gateway itself (health, reflection).
struct Taken {
  std::shared_ptr<http2::Taker> taker;  // null: it was answered at once
  ForwardedCall* forwarded = nullptr;   // the same; null: of the gateway itself

  // Ends it for what its message says: a protocol that has no bytes to hand on.
  void Refuse(const absl::Status& status, http2::Replier* client) const;
};

Taken TakeCall(Hub* hub, Ways* ways, http2::CallHead head, std::shared_ptr<http2::Replier> client);

// Of any method that TakeCall knows; null for others.
const google::protobuf::MethodDescriptor* FindMethod(const Hub& hub, absl::string_view path);
// The largest request of it, as bytes or as JSON.
size_t MaxRequestBytes(const Hub& hub, absl::string_view path);
// Whether it may be called by GET: its policy says no mutation, and its proto no other
// idempotency_level than NO_SIDE_EFFECTS.
bool ChangesNothing(const Hub& hub, absl::string_view path);

}  // namespace nisi::gateway
