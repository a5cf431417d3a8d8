// Certificates in PEM. Internal to identity, and for the doctor.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/rpc/openssl_util.h"

namespace nisi::rpc {

// At least one, in their order: of a chain the process's own comes first. As strict as TLS itself,
// which serves none of a file in which one is broken: INVALID_ARGUMENT in OpenSSL's words.
absl::StatusOr<std::vector<X509Ptr>> CertificatesIn(absl::string_view pem);
// The same of a file, named in the message. Also what ReadFile refuses with.
absl::StatusOr<std::vector<X509Ptr>> ReadCertificates(const std::string& path);

}  // namespace nisi::rpc
