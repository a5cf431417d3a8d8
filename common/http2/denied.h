// Certificates that are let in nowhere, though their authority is trusted and their days are not
// over: of a key that was stolen. A file beside ca.pem.
#pragma once

#include <openssl/ssl.h>

#include <set>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace nisi::http2 {

class Denied {
 public:
  // A line each, as OpenSSL prints it: "sha256 Fingerprint=AB:CD:...", or its digits alone, of one
  // certificate; "serial=0A1B..." of any authority; "spiffe://nisi/client/agency-1" for all of that
  // name. "#" begins a remark. INVALID_ARGUMENT with the number of the line.
  static absl::StatusOr<Denied> Parse(absl::string_view text);
  // NOT_FOUND; the errors of Parse.
  static absl::StatusOr<Denied> Read(const std::string& path);

  bool Has(const X509& certificate) const;

 private:
  std::set<std::string> lines_;  // in one form: "sha256 ab...", "serial a1b", a URI
};

// Those that handshakes of the context refuse.
void Deny(Denied denied, SSL_CTX* context);
// Whether the context refuses the certificate; false where nothing was denied.
bool IsDenied(const X509& certificate, const SSL_CTX& context);
// Whether it refuses one of the chain that the other side showed and that was verified.
bool IsDenied(const SSL& ssl, const SSL_CTX& context);

}  // namespace nisi::http2
