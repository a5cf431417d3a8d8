// TLS of servers and clients, from files that may be replaced while they are in use.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace nisi::http2 {

// PEM files. A client without a certificate leaves the last two empty.
struct TlsFiles {
  std::string authority;
  std::string certificate;
  std::string key;
  std::string denied = {};  // of other sides, as denied.h; need not be there

  // <dir>/ca.pem, <dir>/<name>.pem, <dir>/<name>.key, <dir>/denied.txt
  static TlsFiles In(const std::string& dir, const std::string& name);
};

// Of the other side, for the log; filled by a handshake that failed for it, where SSL's app data is
// one of these.
struct RefusedCertificate {
  std::string why;          // "certificate has expired"; empty: not for its certificate
  std::string certificate;  // as Describe
};

// "CN=gateway, spiffe://nisi/svc/gateway, by CN=authority, from 2026-11-01T00:00:00Z to ..."
std::string Describe(const X509& certificate);
// The URIs among its names.
std::vector<std::string> UrisOf(const X509& certificate);

// What new connections are made with. Thread-safe.
class TlsContext {
 public:
  virtual ~TlsContext() = default;
  // For the next handshake. Looks once a second whether the files have changed; new ones that do
  // not serve are logged, and the old ones stay in use.
  std::shared_ptr<SSL_CTX> Current(absl::Time now);

 protected:
  explicit TlsContext(TlsFiles files) : files_(std::move(files)) {}
  // INVALID_ARGUMENT where the files do not serve.
  absl::Status Load();
  // What all connections of ours have, with our certificate if there is one.
  absl::StatusOr<std::shared_ptr<SSL_CTX>> New(const SSL_METHOD* method) const;
  virtual absl::StatusOr<std::shared_ptr<SSL_CTX>> Read() const = 0;

  const TlsFiles files_;

 private:
  std::mutex mutex_;
  std::shared_ptr<SSL_CTX> context_;
  std::string seen_;  // what the files looked like when they were last read
  absl::Time looked_ = absl::InfinitePast();
};

class TlsAcceptor final : public TlsContext {
 public:
  enum class Speaks { kHttp2, kHttp2AndHttp1 };

  // Clients without a certificate are refused where one is required; a bad one always is.
  static absl::StatusOr<std::shared_ptr<TlsAcceptor>> Load(TlsFiles files, bool require_client_cert,
                                                           Speaks speaks = Speaks::kHttp2);

 private:
  TlsAcceptor(TlsFiles files, bool require_client_cert, Speaks speaks)
      : TlsContext(std::move(files)), require_client_cert_(require_client_cert), speaks_(speaks) {}
  absl::StatusOr<std::shared_ptr<SSL_CTX>> Read() const override;

  const bool require_client_cert_;
  const Speaks speaks_;
};

class TlsConnector final : public TlsContext {
 public:
  // The server's chain must lead to the authority, and its certificate must carry `expected`: a
  // SPIFFE id as a URI, or a DNS name or IP address, exactly. The name dialled does not matter.
  static absl::StatusOr<std::shared_ptr<TlsConnector>> Load(TlsFiles files, std::string expected);

  // Of a verified connection.
  bool IsExpected(const SSL& ssl) const;
  const std::string& expected() const { return expected_; }

 private:
  TlsConnector(TlsFiles files, std::string expected)
      : TlsContext(std::move(files)), expected_(std::move(expected)) {}
  absl::StatusOr<std::shared_ptr<SSL_CTX>> Read() const override;

  const std::string expected_;
};

// The SPIFFE id of the other side's certificate, which must have been verified: its only URI.
// Empty: it has none, or showed no certificate.
std::string PeerIdentity(const SSL& ssl);

// When the first certificate of the other side's verified chain ends; InfiniteFuture: it showed
// none.
absl::Time ProvedUntil(const SSL& ssl);

// Takes what OpenSSL has to say of the last failure on this thread.
std::string TlsProblem();

}  // namespace nisi::http2
