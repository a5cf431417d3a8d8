// What a call is refused for before its function, whatever it asks: by a service and by the gateway
// alike. One function a reason.
#pragma once

#include <cstddef>

#include "absl/status/status.h"
#include "common/http2/call.h"
#include "common/http2/limits.h"

namespace nisi::rpc {

absl::Status MethodUnknown();  // UNIMPLEMENTED, METHOD_UNKNOWN
// INVALID_ARGUMENT, MESSAGE_COUNT: none, several or a part where the method takes one.
absl::Status MessageCount();
absl::Status MessageTooLarge(size_t max_bytes);   // RESOURCE_EXHAUSTED, MESSAGE_TOO_LARGE
absl::Status MetadataTooLarge(size_t max_bytes);  // RESOURCE_EXHAUSTED, METADATA_TOO_LARGE
absl::Status ShuttingDown();                      // UNAVAILABLE, SHUTTING_DOWN

// What is wrong beneath a message: one of the above, or UNIMPLEMENTED, COMPRESSION_UNSUPPORTED, or
// RESOURCE_EXHAUSTED, OVERLOADED. OK for kNone. `max_bytes`: of a message that the method takes;
// `max_head_bytes`: of metadata, where less is taken than the carrier would.
absl::Status RefusalOf(http2::Fault fault, size_t max_bytes,
                       size_t max_head_bytes = http2::Limits().max_head_bytes);

}  // namespace nisi::rpc
