// A connected socket that does not block, in plain text or under TLS.
#pragma once

#include <openssl/ssl.h>

#include <cstddef>
#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace nisi::bench {

// How the connections of a load are made.
struct Dialling {
  std::string address;           // host:port
  std::string source;            // an address of this machine; empty: any
  std::shared_ptr<SSL_CTX> tls;  // null: plain text
};

// What a load of the gateway is dialled with: TLS by that authority, where one is given (a PEM
// file).
absl::StatusOr<std::shared_ptr<SSL_CTX>> TlsOf(const std::string& authority);

class Pipe {
 public:
  static absl::StatusOr<std::unique_ptr<Pipe>> Connect(const Dialling& to);
  ~Pipe();
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  int fd() const { return fd_; }
  // How much was taken, which may be nothing.
  absl::StatusOr<size_t> Send(const char* bytes, size_t size);
  // How much there was, which may be nothing; UNAVAILABLE at the end.
  absl::StatusOr<size_t> Receive(char* room, size_t size);
  // Whether there may be more behind so much; of TLS a piece comes at a time.
  bool MoreAfter(size_t got, size_t size) const {
    return got == size || (ssl_ != nullptr && got > 0);
  }

 private:
  explicit Pipe(int fd) : fd_(fd) {}
  absl::Status Secure(SSL_CTX* tls);

  const int fd_;
  SSL* ssl_ = nullptr;
};

}  // namespace nisi::bench
