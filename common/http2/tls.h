// The server's side of TLS, from files that may be replaced while it serves.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <mutex>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace nisi::http2 {

// PEM files. A client without a certificate leaves the last two empty.
struct TlsFiles {
  std::string authority;
  std::string certificate;
  std::string key;

  // <dir>/ca.pem, <dir>/<name>.pem, <dir>/<name>.key
  static TlsFiles In(const std::string& dir, const std::string& name);
};

// Thread-safe.
class TlsAcceptor {
 public:
  // Clients without a certificate are refused where one is required; a bad one always is.
  // INVALID_ARGUMENT where the files do not serve.
  static absl::StatusOr<std::shared_ptr<TlsAcceptor>> Load(TlsFiles files,
                                                           bool require_client_cert);

  // For the next handshake. Looks once a second whether the files have changed; new ones that do
  // not serve are logged, and the old ones stay in use.
  std::shared_ptr<SSL_CTX> Current(absl::Time now);

 private:
  TlsAcceptor(TlsFiles files, bool require_client_cert)
      : files_(std::move(files)), require_client_cert_(require_client_cert) {}
  absl::StatusOr<std::shared_ptr<SSL_CTX>> Read() const;

  const TlsFiles files_;
  const bool require_client_cert_;
  std::mutex mutex_;
  std::shared_ptr<SSL_CTX> context_;
  std::string seen_;  // what the files looked like when they were last read
  absl::Time next_look_ = absl::InfinitePast();
};

// The SPIFFE id of the other side's certificate, which must have been verified: its only URI.
// Empty: it has none, or showed no certificate.
std::string PeerIdentity(const SSL& ssl);

// Takes what OpenSSL has to say of the last failure on this thread.
std::string TlsProblem();

}  // namespace nisi::http2
