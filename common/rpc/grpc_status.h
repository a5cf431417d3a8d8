// A Status as gRPC's library has it, there and back.
#pragma once

#include <grpcpp/support/status.h>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace nisi::rpc {

// As ToAnswer (answer.h).
grpc::Status ToGrpc(const absl::Status& status, absl::string_view trace_id = "");

// A peer's answer, its details as payloads again.
absl::Status FromGrpc(const grpc::Status& status);

}  // namespace nisi::rpc
