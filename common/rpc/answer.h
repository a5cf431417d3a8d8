// The one place where a Status becomes what goes over the wire.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "common/http2/call.h"

namespace nisi::rpc {

// With the details of google.rpc; exactly one ErrorInfo (a status without one gets a general one,
// and an INTERNAL says nothing of its cause), at most 4 KiB of details: what is over is left out,
// ErrorInfo last. `trace_id`, unless empty, goes along as the one RequestInfo: what the caller can
// quote to an operator, who finds it in the logs.
http2::Answer ToAnswer(const absl::Status& status, absl::string_view trace_id = "");

// What it is for a call with these fields: the trace id of its W3C traceparent, version-trace-span-
// flags; "" where none came.
std::string TraceIdOf(const http2::Fields& fields);

// An answer of a carrier, which knows nothing of traces, with that of its call.
http2::Answer WithTrace(const http2::Answer& answer, absl::string_view trace_id);

// A status as it was before, its details as payloads again: of another service's answer.
absl::Status FromAnswer(const http2::Answer& answer);

}  // namespace nisi::rpc
