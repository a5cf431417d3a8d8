#include "common/http2/socket.h"

#include <netdb.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/log.h"
#include "common/base/steady.h"
#include "common/http2/address.h"
#include "common/http2/denied.h"
#include "common/http2/tls.h"

namespace nisi::http2 {
namespace {

// What goes to the kernel at once: that some of it left shows who takes it, and what is between
// when it is enciphered keeps the size that it had once.
constexpr size_t kPartBytes = 64 << 10;

const sockaddr* Choose(const addrinfo* found, size_t attempt) {
  size_t count = 0;
  for (const addrinfo* at = found; at != nullptr; at = at->ai_next) ++count;
  for (size_t skip = attempt % count; skip > 0; --skip) found = found->ai_next;
  return found->ai_addr;
}

std::string AddressOf(const uv_tcp_t& handle) {
  sockaddr_storage name{};
  int size = sizeof name;
  if (uv_tcp_getpeername(&handle, reinterpret_cast<sockaddr*>(&name), &size) != 0) return "";
  return TextOf(name);
}

}  // namespace

struct Socket::PendingWrite {
  uv_write_t request{};
  Socket* socket = nullptr;
  std::string bytes;

  // Of many small ones most is not their bytes.
  size_t size() const { return sizeof(PendingWrite) + bytes.size(); }
};

Socket::Socket(EventLoop* loop, int fd, std::string address, std::shared_ptr<SSL_CTX> tls,
               Owner* owner)
    : loop_(loop), owner_(owner), context_(std::move(tls)), address_(std::move(address)) {
  uv_tcp_init(loop_->uv(), &handle_);
  handle_.data = this;
  if (const int failed = uv_tcp_open(&handle_, fd); failed != 0) {
    close(fd);
    why_ = uv_strerror(failed);
    return;
  }
  uv_tcp_nodelay(&handle_, 1);
  NewSsl();
  if (ssl_ != nullptr) SSL_set_accept_state(ssl_.get());
}

Socket::Socket(EventLoop* loop, std::shared_ptr<TlsConnector> tls, Owner* owner)
    : loop_(loop), owner_(owner), connector_(std::move(tls)) {
  uv_tcp_init(loop_->uv(), &handle_);
  handle_.data = this;
  if (connector_ == nullptr) return;
  context_ = connector_->Current(base::SteadyNow());
  NewSsl();
  if (ssl_ != nullptr) SSL_set_connect_state(ssl_.get());
}

void Socket::NewSsl() {
  if (context_ == nullptr) return;
  ssl_.reset(SSL_new(context_.get()));
  if (ssl_ == nullptr) return;
  SSL_set_app_data(ssl_.get(), &refused_);
  SSL_set_bio(ssl_.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
}

Socket::~Socket() = default;

void Socket::Start() {
  if (!why_.empty()) return Close(why_);
  if (context_ != nullptr && ssl_ == nullptr) return Close("no memory for TLS");
  if (const int failed = StartReading(); failed != 0) return Fail("read", failed);
  if (ssl_ != nullptr) {
    if (connector_ != nullptr) Handshake();  // the client speaks first
    return;
  }
  open_ = true;
  owner_->OnOpen("");
}

int Socket::StartReading() {
  return uv_read_start(
      reinterpret_cast<uv_stream_t*>(&handle_),
      [](uv_handle_t* handle, size_t, uv_buf_t* room) {
        *room = uv_buf_init(static_cast<Socket*>(handle->data)->loop_->read_room(),
                            EventLoop::kRoomBytes);
      },
      [](uv_stream_t* handle, ssize_t size, const uv_buf_t* room) {
        if (size != 0) static_cast<Socket*>(handle->data)->OnRead(size, room->base);
      });
}

void Socket::Listen(bool on) {
  if (closing_ || !open_) return;
  if (!on) {
    uv_read_stop(reinterpret_cast<uv_stream_t*>(&handle_));
  } else if (const int failed = StartReading(); failed != 0 && failed != UV_EALREADY) {
    Fail("read", failed);
  }
}

std::string Socket::protocol() const {
  const unsigned char* name = nullptr;
  unsigned int size = 0;
  if (ssl_ != nullptr) SSL_get0_alpn_selected(ssl_.get(), &name, &size);
  return {reinterpret_cast<const char*>(name), size};
}

void Socket::Connect(const std::string& address, size_t attempt) {
  attempt_ = attempt;
  const auto parsed = ParseAddress(address);
  if (!parsed.has_value()) return Close("not host:port");
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  // What is an address waits for no name that somebody else looks up.
  hints.ai_flags = AI_NUMERICHOST;
  addrinfo* known = nullptr;
  if (getaddrinfo(parsed->host.c_str(), parsed->port.c_str(), &hints, &known) == 0) {
    ConnectTo(known->ai_addr);
    return freeaddrinfo(known);
  }
  hints.ai_flags = 0;
  resolve_.data = this;
  resolving_ = true;
  const int failed = uv_getaddrinfo(
      loop_->uv(), &resolve_,
      [](uv_getaddrinfo_t* request, int error, addrinfo* found) {
        auto* const socket = static_cast<Socket*>(request->data);
        socket->resolving_ = false;
        if (socket->closing_) {
          socket->CloseHandle();
        } else if (error != 0) {
          socket->Fail("resolve", error);
        } else {
          socket->ConnectTo(Choose(found, socket->attempt_));
        }
        uv_freeaddrinfo(found);
      },
      parsed->host.c_str(), parsed->port.c_str(), &hints);
  if (failed != 0) {
    resolving_ = false;
    Fail("resolve", failed);
  }
}

void Socket::ConnectTo(const sockaddr* address) {
  const int failed =
      uv_tcp_connect(&connect_, &handle_, address, [](uv_connect_t* request, int error) {
        auto* const socket = static_cast<Socket*>(request->handle->data);
        if (socket->closing_) return;
        if (error != 0) return socket->Fail("connect", error);
        uv_tcp_nodelay(&socket->handle_, 1);
        socket->address_ = AddressOf(socket->handle_);
        socket->Start();
      });
  if (failed != 0) Fail("connect", failed);
}

void Socket::OnRead(ssize_t size, const char* bytes) {
  if (closing_) return;
  if (size == UV_EOF) return Close("");
  if (size < 0) return Fail("read", static_cast<int>(size));
  if (close_when_sent_) return;
  const absl::string_view read(bytes, static_cast<size_t>(size));
  if (ssl_ != nullptr) return OnCipher(read);
  Deliver(read);
}

bool Socket::Deliver(absl::string_view bytes) {
  const size_t taken = owner_->OnBytes(bytes);
  if (taken == bytes.size()) return true;
  kept_ = std::string(bytes.substr(taken));
  resting_ = true;
  uv_read_stop(reinterpret_cast<uv_stream_t*>(&handle_));
  return false;
}

void Socket::Resume() {
  if (!std::exchange(resting_, false) || closing_ || close_when_sent_) return;
  if (!Deliver(std::exchange(kept_, std::string()))) return;
  if (ssl_ != nullptr && open_) ReadPlain();
  if (resting_ || closing_) return;
  if (const int failed = StartReading(); failed != 0) Fail("read", failed);
}

void Socket::OnCipher(absl::string_view bytes) {
  BIO_write(SSL_get_rbio(ssl_.get()), bytes.data(), static_cast<int>(bytes.size()));
  if (!open_) Handshake();
  ReadPlain();
}

void Socket::ReadPlain() {
  while (open_ && !closing_ && !close_when_sent_) {
    const auto [size, error] = Decipher();
    const std::string problem = error == SSL_ERROR_SSL ? TlsProblem() : "";
    if (size > 0 && !closing_ && !Deliver({loop_->plain_room(), size})) return;
    if (closing_ || close_when_sent_) return;
    if (error == SSL_ERROR_NONE) continue;
    FlushCipher();  // an alert, perhaps
    if (error == SSL_ERROR_WANT_READ) return;
    return Close(error == SSL_ERROR_ZERO_RETURN ? "" : absl::StrCat("TLS: ", problem));
  }
}

// Many records at once, so that small ones take no longer than large ones and whoever gets them can
// stop between.
Socket::Deciphered Socket::Decipher() {
  size_t size = 0;
  while (size < EventLoop::kRoomBytes) {
    ERR_clear_error();
    const int read = SSL_read(ssl_.get(), loop_->plain_room() + size,
                              static_cast<int>(EventLoop::kRoomBytes - size));
    if (read > 0) {
      size += static_cast<size_t>(read);
      continue;
    }
    const int error = SSL_get_error(ssl_.get(), read);
    // It was a record of TLS's own where more is there.
    const bool more = error == SSL_ERROR_WANT_READ && BIO_pending(SSL_get_rbio(ssl_.get())) > 0;
    if (!more || !owner_->OnNothing() || closing_) return {size, error};
  }
  return {size, SSL_ERROR_NONE};
}

void Socket::Handshake() {
  ERR_clear_error();
  const int done = SSL_do_handshake(ssl_.get());
  const int error = done == 1 ? SSL_ERROR_NONE : SSL_get_error(ssl_.get(), done);
  const std::string problem = error == SSL_ERROR_NONE ? "" : TlsProblem();
  FlushCipher();
  if (closing_ || error == SSL_ERROR_WANT_READ) return;
  if (!refused_.why.empty()) return CloseRefused(refused_);
  if (error != SSL_ERROR_NONE) return Close(absl::StrCat("TLS handshake: ", problem));
  if (connector_ != nullptr && !connector_->IsExpected(*ssl_)) {
    const std::unique_ptr<X509, decltype(&X509_free)> shown(SSL_get1_peer_certificate(ssl_.get()),
                                                            X509_free);
    return CloseRefused({absl::StrCat("not ", connector_->expected()),
                         shown == nullptr ? std::string() : Describe(*shown)});
  }
  open_ = true;
  owner_->OnOpen(PeerIdentity(*ssl_));
}

absl::Time Socket::proved_until() const {
  return ssl_ == nullptr ? absl::InfiniteFuture() : ProvedUntil(*ssl_);
}

bool Socket::CloseDenied(const SSL_CTX& context) {
  if (!open_ || closing_ || ssl_ == nullptr || !IsDenied(*ssl_, context)) return false;
  const std::unique_ptr<X509, decltype(&X509_free)> shown(SSL_get1_peer_certificate(ssl_.get()),
                                                          X509_free);
  CloseRefused({X509_verify_cert_error_string(X509_V_ERR_CERT_REVOKED),
                shown == nullptr ? std::string() : Describe(*shown)});
  return true;
}

void Socket::CloseRefused(const RefusedCertificate& refused) {
  base::Log(base::Severity::kWarning, "certificate_refused",
            {{"why", refused.why}, {"certificate", refused.certificate}, {"peer", address_}});
  Close(absl::StrCat(open_ ? "TLS: " : "TLS handshake: ", refused.why));
}

void Socket::FlushCipher() {
  char* bytes = nullptr;
  BIO* out = SSL_get_wbio(ssl_.get());
  const long size = BIO_get_mem_data(out, &bytes);
  if (size <= 0) return;
  WriteRaw({bytes, static_cast<size_t>(size)});
  (void)BIO_reset(out);
}

void Socket::Write(absl::string_view bytes) {
  if (closing_ || !open_ || bytes.empty()) return;
  while (!bytes.empty() && !closing_) {
    const absl::string_view part = bytes.substr(0, kPartBytes);
    bytes.remove_prefix(part.size());
    if (ssl_ == nullptr) {
      WriteRaw(part);
    } else if (SSL_write(ssl_.get(), part.data(), static_cast<int>(part.size())) > 0) {
      FlushCipher();
    } else {
      Close(absl::StrCat("TLS: ", TlsProblem()));
    }
  }
}

void Socket::WriteRaw(absl::string_view bytes) {
  auto* const stream = reinterpret_cast<uv_stream_t*>(&handle_);
  if (unsent_ == 0) {
    // uv reads from it only.
    const uv_buf_t buffer =
        uv_buf_init(const_cast<char*>(bytes.data()), static_cast<unsigned>(bytes.size()));
    const int sent = uv_try_write(stream, &buffer, 1);
    if (sent < 0 && sent != UV_EAGAIN) return Fail("write", sent);
    if (sent > 0) bytes.remove_prefix(static_cast<size_t>(sent));
    if (bytes.empty()) return;
  }
  auto pending = std::make_unique<PendingWrite>();
  pending->socket = this;
  pending->bytes = std::string(bytes);
  pending->request.data = pending.get();
  const uv_buf_t buffer =
      uv_buf_init(pending->bytes.data(), static_cast<unsigned>(pending->bytes.size()));
  const int failed =
      uv_write(&pending->request, stream, &buffer, 1, [](uv_write_t* request, int error) {
        const std::unique_ptr<PendingWrite> done(static_cast<PendingWrite*>(request->data));
        Socket* const socket = done->socket;
        socket->unsent_ -= done->size();
        socket->sent_at_ = base::SteadyNow();
        if (socket->closing_) return;
        if (error != 0) return socket->Fail("write", error);
        if (socket->unsent_ != 0) return;
        if (socket->close_when_sent_) return socket->Close("");
        socket->owner_->OnWritten();
      });
  if (failed != 0) return Fail("write", failed);
  if (unsent_ == 0) sent_at_ = base::SteadyNow();
  unsent_ += pending->size();
  (void)pending.release();  // the callback has it
}

void Socket::CloseWhenSent() {
  if (closing_) return;
  close_when_sent_ = true;
  if (unsent_ == 0) Close("");
}

void Socket::Fail(absl::string_view what, int error) {
  Close(absl::StrCat(what, ": ", uv_strerror(error)));
}

void Socket::Close(const std::string& why) {
  if (closing_) return;
  closing_ = true;
  open_ = false;
  why_ = why;
  if (!resolving_) return CloseHandle();
  uv_cancel(reinterpret_cast<uv_req_t*>(&resolve_));  // its callback closes
}

void Socket::CloseHandle() {
  uv_close(reinterpret_cast<uv_handle_t*>(&handle_), [](uv_handle_t* handle) {
    auto* const socket = static_cast<Socket*>(handle->data);
    // A copy: the owner may delete the socket.
    socket->owner_->OnClosed(std::string(socket->why_));
  });
}

}  // namespace nisi::http2
