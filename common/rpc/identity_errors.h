// The refusals of identity, all UNAUTHENTICATED. No message says which check failed: that helps
// only those who forge. The detail goes to the log.
#pragma once

#include "absl/status/status.h"

namespace nisi::rpc {

absl::Status TokenInvalid();        // TOKEN_INVALID
absl::Status TokenExpired();        // TOKEN_EXPIRED
absl::Status ContextInvalid();      // CONTEXT_INVALID
absl::Status CertificateExpired();  // CERTIFICATE_EXPIRED
absl::Status ContextExpired();      // CONTEXT_EXPIRED

}  // namespace nisi::rpc
