// The refusals that only the gateway has: one function a reason; those it shares with the services
// are in common/rpc/call_errors.h. What a service refuses passes through unchanged.
#pragma once

#include <cstddef>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace nisi::gateway {

absl::Status ServiceNotNamed();   // INVALID_ARGUMENT, SERVICE_NOT_NAMED
absl::Status ProcessUnknown();    // INVALID_ARGUMENT, PROCESS_UNKNOWN
absl::Status ReservedMetadata();  // INVALID_ARGUMENT, RESERVED_METADATA
// UNAVAILABLE, BACKEND_UNAVAILABLE: nothing is known of the outcome.
absl::Status BackendUnavailable(absl::string_view owner);
// UNAUTHENTICATED, IDENTITY_CHANGED: of a stream that its caller began as somebody else.
absl::Status IdentityChanged();
absl::Status DeadlineExceeded();  // DEADLINE_EXCEEDED, DEADLINE_EXCEEDED
// RESOURCE_EXHAUSTED, RATE_LIMITED: the caller's own calls a second.
absl::Status RateLimited(double calls_per_second, absl::Duration retry);
// The same, of an address whose tokens did not hold.
absl::Status TooManyBadTokens(absl::Duration retry);
// UNIMPLEMENTED, CONTENT_TYPE_UNSUPPORTED: `taken` are those that are.
absl::Status ContentTypeUnsupported(absl::string_view taken);
// UNIMPLEMENTED, HTTP_METHOD_UNSUPPORTED
absl::Status HttpMethodUnsupported(absl::string_view taken);
absl::Status ProtocolVersionUnsupported();  // INVALID_ARGUMENT, PROTOCOL_VERSION_UNSUPPORTED
absl::Status QueryInvalid(absl::string_view name);  // INVALID_ARGUMENT, QUERY_INVALID
// INVALID_ARGUMENT, MALFORMED_MESSAGE, as of a message in wire form. `field` "": all of it.
absl::Status MalformedJson(absl::string_view field, absl::string_view what);
// The same of a text that is no JSON after so many bytes.
absl::Status NotJson(size_t bytes_before);
absl::Status BadSetup(absl::string_view what);  // FAILED_PRECONDITION, SETUP_INVALID; at the start

}  // namespace nisi::gateway
