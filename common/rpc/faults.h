// How it is refused what a client sent wrongly beneath its message.
#pragma once

#include <cstddef>

#include "absl/status/status.h"
#include "common/http2/call.h"

namespace nisi::rpc {

// UNIMPLEMENTED, COMPRESSION_UNSUPPORTED; RESOURCE_EXHAUSTED, MESSAGE_TOO_LARGE and
// METADATA_TOO_LARGE; INVALID_ARGUMENT, MESSAGE_COUNT for a message that is not whole. OK for
// kNone. `max_bytes`: of a message that the method takes.
absl::Status RefusalOf(http2::Fault fault, size_t max_bytes);

absl::Status MessageTooLarge(size_t max_bytes);

}  // namespace nisi::rpc
