// The one place where a Status becomes what goes over the wire, and comes back.
#pragma once

#include <grpcpp/support/status.h>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace nisi::rpc {

// With the details of google.rpc; exactly one ErrorInfo (a status without one gets a general one,
// and an INTERNAL says nothing of its cause), at most 4 KiB of details: what is over is left out,
// ErrorInfo last. `trace_id`, unless empty, goes along as the one RequestInfo: what the caller can
// quote to an operator, who finds it in the logs.
grpc::Status ToGrpc(const absl::Status& status, absl::string_view trace_id = "");

// A peer's answer, its details as payloads again.
absl::Status FromGrpc(const grpc::Status& status);

}  // namespace nisi::rpc
