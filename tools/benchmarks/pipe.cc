#include "tools/benchmarks/pipe.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/base/status.h"
#include "common/http2/tls.h"

namespace nisi::bench {
namespace {

absl::Status SocketError(absl::string_view what) {
  return absl::UnavailableError(absl::StrCat(what, ": ", strerror(errno)));
}

// From the address that is wanted, where one is.
bool BindTo(int fd, const std::string& source) {
  if (source.empty()) return true;
  sockaddr_in name{};
  name.sin_family = AF_INET;
  return inet_pton(AF_INET, source.c_str(), &name.sin_addr) == 1 &&
         bind(fd, reinterpret_cast<const sockaddr*>(&name), sizeof name) == 0;
}

absl::StatusOr<int> Dial(const Dialling& to) {
  const size_t colon = to.address.rfind(':');
  if (colon == std::string::npos) return absl::InvalidArgumentError("--address is host:port");
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int failed = getaddrinfo(to.address.substr(0, colon).c_str(),
                                 to.address.substr(colon + 1).c_str(), &hints, &found);
  if (failed != 0) {
    return absl::UnavailableError(absl::StrCat(to.address, ": ", gai_strerror(failed)));
  }
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> freed(found, freeaddrinfo);
  absl::Status refused;
  for (const addrinfo* at = found; at != nullptr; at = at->ai_next) {
    const int fd = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1;
    if (fd >= 0 && BindTo(fd, to.source) && connect(fd, at->ai_addr, at->ai_addrlen) == 0 &&
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0) {
      return fd;
    }
    refused = SocketError(to.address);
    if (fd >= 0) close(fd);
  }
  return refused;
}

}  // namespace

absl::StatusOr<std::shared_ptr<SSL_CTX>> TlsOf(const std::string& authority) {
  if (authority.empty()) return std::shared_ptr<SSL_CTX>();
  ASSIGN_OR_RETURN(const auto connector,
                   http2::TlsConnector::Load({authority, "", ""}, "spiffe://nisi/svc/gateway"));
  return connector->Current(absl::Now());
}

absl::StatusOr<std::unique_ptr<Pipe>> Pipe::Connect(const Dialling& to) {
  ASSIGN_OR_RETURN(const int fd, Dial(to));
  std::unique_ptr<Pipe> pipe(new Pipe(fd));
  if (to.tls != nullptr) RETURN_IF_ERROR(pipe->Secure(to.tls.get()));
  if (fcntl(fd, F_SETFL, O_NONBLOCK) != 0) return SocketError(to.address);
  return pipe;
}

Pipe::~Pipe() {
  SSL_free(ssl_);
  close(fd_);
}

absl::Status Pipe::Secure(SSL_CTX* tls) {
  ssl_ = SSL_new(tls);
  if (ssl_ == nullptr) return absl::ResourceExhaustedError("no memory for TLS");
  // What did not fit is given again from where it lies then.
  SSL_set_mode(ssl_, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_set_fd(ssl_, fd_);
  if (SSL_connect(ssl_) == 1) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat("TLS handshake: ", http2::TlsProblem()));
}

absl::StatusOr<size_t> Pipe::Send(const char* bytes, size_t size) {
  if (ssl_ == nullptr) {
    const ssize_t taken = send(fd_, bytes, size, MSG_NOSIGNAL);
    if (taken < 0 && errno != EAGAIN) return SocketError("send");
    return static_cast<size_t>(std::max<ssize_t>(taken, 0));
  }
  size_t sent = 0;
  while (sent < size) {
    ERR_clear_error();
    const int taken =
        SSL_write(ssl_, bytes + sent, static_cast<int>(std::min<size_t>(size - sent, INT_MAX)));
    if (taken > 0) {
      sent += static_cast<size_t>(taken);
      continue;
    }
    const int error = SSL_get_error(ssl_, taken);
    if (error == SSL_ERROR_WANT_WRITE || error == SSL_ERROR_WANT_READ) break;
    return absl::UnavailableError(absl::StrCat("send: ", http2::TlsProblem()));
  }
  return sent;
}

absl::StatusOr<size_t> Pipe::Receive(char* room, size_t size) {
  if (ssl_ == nullptr) {
    const ssize_t got = recv(fd_, room, size, 0);
    if (got < 0 && errno == EAGAIN) return 0;
    if (got < 0) return SocketError("receive");
    if (got == 0) return absl::UnavailableError("the server closed the connection");
    return static_cast<size_t>(got);
  }
  ERR_clear_error();
  const int got = SSL_read(ssl_, room, static_cast<int>(std::min<size_t>(size, INT_MAX)));
  if (got > 0) return static_cast<size_t>(got);
  const int error = SSL_get_error(ssl_, got);
  if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) return 0;
  if (error == SSL_ERROR_ZERO_RETURN) {
    return absl::UnavailableError("the server closed the connection");
  }
  return absl::UnavailableError(absl::StrCat("receive: ", http2::TlsProblem()));
}

}  // namespace nisi::bench
