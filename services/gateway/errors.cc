#include "services/gateway/errors.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "services/gateway/routes.h"

namespace nisi::gateway {

using base::Refusal;

absl::Status ServiceNotNamed() {
  return Refusal(absl::StatusCode::kInvalidArgument, "SERVICE_NOT_NAMED",
                 "Every process has this service: name the one you mean in the request metadata.")
      .With("metadataKey", kServiceKey);
}

absl::Status ProcessUnknown() {
  return Refusal(absl::StatusCode::kInvalidArgument, "PROCESS_UNKNOWN",
                 "The request metadata names a process that is not behind this gateway.")
      .With("metadataKey", kServiceKey);
}

absl::Status ReservedMetadata() {
  return Refusal(absl::StatusCode::kInvalidArgument, "RESERVED_METADATA",
                 "The request carries metadata that only this system may set, or two identities.");
}

absl::Status BackendUnavailable(absl::string_view owner) {
  return Refusal(absl::StatusCode::kUnavailable, "BACKEND_UNAVAILABLE",
                 "The service does not answer; a retry with the same request id is safe.")
      .With("service", owner)
      .RetryAfter(absl::Seconds(1));
}

absl::Status IdentityChanged() {
  return Refusal(
      absl::StatusCode::kUnauthenticated, "IDENTITY_CHANGED",
      "The caller has other rights than when the stream began: call again, from the last "
      "position.");
}

absl::Status DeadlineExceeded() {
  return Refusal(absl::StatusCode::kDeadlineExceeded, "DEADLINE_EXCEEDED",
                 "The deadline of the call has passed.");
}

absl::Status RateLimited(double calls_per_second, absl::Duration retry) {
  return Refusal(absl::StatusCode::kResourceExhausted, "RATE_LIMITED",
                 "Too many calls from one caller.")
      .Quota("caller", absl::StrCat("At most ", calls_per_second, " calls a second."))
      .RetryAfter(retry);
}

absl::Status TooManyBadTokens(absl::Duration retry) {
  return Refusal(absl::StatusCode::kResourceExhausted, "RATE_LIMITED",
                 "Too many tokens from this address were invalid.")
      .Quota("address", "This token is looked at when fewer have failed.")
      .RetryAfter(retry);
}

absl::Status ContentTypeUnsupported(absl::string_view taken) {
  return Refusal(absl::StatusCode::kUnimplemented, "CONTENT_TYPE_UNSUPPORTED",
                 "The method does not take this content type.")
      .With("contentTypes", taken);
}

absl::Status HttpMethodUnsupported(absl::string_view taken) {
  return Refusal(absl::StatusCode::kUnimplemented, "HTTP_METHOD_UNSUPPORTED",
                 "The method does not take this HTTP method.")
      .With("httpMethods", taken);
}

absl::Status ProtocolVersionUnsupported() {
  return Refusal(absl::StatusCode::kInvalidArgument, "PROTOCOL_VERSION_UNSUPPORTED",
                 "Only version 1 of the Connect protocol is supported.");
}

absl::Status QueryInvalid(absl::string_view name) {
  return Refusal(absl::StatusCode::kInvalidArgument, "QUERY_INVALID",
                 "A call by GET has the query ?encoding=json&message={}, and base64, compression "
                 "and connect at most, each once. By POST the message is the body.")
      .With("parameter", name);
}

absl::Status MalformedJson(absl::string_view field, absl::string_view what) {
  if (field.empty()) {
    return Refusal(absl::StatusCode::kInvalidArgument, "MALFORMED_MESSAGE",
                   absl::StrCat("The request ", what, "."));
  }
  return Refusal(absl::StatusCode::kInvalidArgument, "MALFORMED_MESSAGE",
                 "The request is not a well-formed message of its type.")
      .Field(field, what);
}

absl::Status NotJson(size_t bytes_before) {
  return Refusal(absl::StatusCode::kInvalidArgument, "MALFORMED_MESSAGE",
                 absl::StrCat("The request is no JSON: see byte ", bytes_before + 1, "."))
      .With("byte", absl::StrCat(bytes_before + 1));
}

absl::Status BadSetup(absl::string_view what) {
  return Refusal(absl::StatusCode::kFailedPrecondition, "SETUP_INVALID", what);
}

}  // namespace nisi::gateway
