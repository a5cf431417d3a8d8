#include "common/rpc/identity_errors.h"

#include "common/base/status.h"

namespace nisi::rpc {

absl::Status TokenInvalid() {
  return base::Refusal(absl::StatusCode::kUnauthenticated, "TOKEN_INVALID",
                       "The access token is missing or not valid here.");
}

absl::Status TokenExpired() {
  return base::Refusal(absl::StatusCode::kUnauthenticated, "TOKEN_EXPIRED",
                       "The access token has expired; get a new one.");
}

absl::Status ContextInvalid() {
  return base::Refusal(absl::StatusCode::kUnauthenticated, "CONTEXT_INVALID",
                       "The call context is missing or not valid here.");
}

absl::Status ContextExpired() {
  return base::Refusal(absl::StatusCode::kUnauthenticated, "CONTEXT_EXPIRED",
                       "The call context has expired; call again through the gateway.");
}

absl::Status CertificateExpired() {
  return base::Refusal(absl::StatusCode::kUnauthenticated, "CERTIFICATE_EXPIRED",
                       "The client certificate has ended; connect with the next one.");
}

}  // namespace nisi::rpc
