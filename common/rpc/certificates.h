// A certificate authority for development and tests: P-256 certificates for mutual TLS, in files.
// In production the cluster's own authority issues them, with the same names.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace nisi::rpc {

// Names: 1 to 63 lower-case letters, digits and hyphens, not first or last a hyphen.
std::string ServiceIdentity(absl::string_view name);  // "spiffe://nisi/svc/<name>"
std::string ClientIdentity(absl::string_view id);     // "spiffe://nisi/client/<id>"

// Writes <dir>/<name>.pem and <dir>/<name>.key for each name, replacing what is there: server and
// client certificates for ServiceIdentity(name), DNS <name> and localhost, IP 127.0.0.1. They come
// from the authority in <dir>/ca.pem and ca.key, which is made when missing. `now` is the machine's
// time: TLS knows no other clock. INVALID_ARGUMENT for a bad name; UNAVAILABLE when a file cannot
// be written.
absl::Status MakeCertificates(const std::string& dir, const std::vector<std::string>& names,
                              absl::Time now, absl::Duration life = absl::Hours(24 * 365));

// The same for agencies: <dir>/<id>.pem and .key, ClientIdentity(id), of no use as a server.
absl::Status MakeClientCertificates(const std::string& dir, const std::vector<std::string>& ids,
                                    absl::Time now, absl::Duration life = absl::Hours(24 * 365));

}  // namespace nisi::rpc
