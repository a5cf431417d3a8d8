// One connection's bytes, plain or under TLS, on one loop.
#pragma once

#include <openssl/ssl.h>
#include <uv.h>

#include <functional>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/http2/loop.h"
#include "common/http2/tls.h"

namespace nisi::http2 {

class Socket {
 public:
  // Called on the loop. After OnClosed nothing follows, and the socket may be deleted from there.
  class Owner {
   public:
    virtual ~Owner() = default;
    // Bytes can be sent and come from now on; `peer` is the SPIFFE id that the other side proved.
    virtual void OnOpen(std::string peer) = 0;
    // How many it took: what it leaves comes again after Resume, and nothing else before.
    virtual size_t OnBytes(absl::string_view bytes) = 0;
    // Something came that brings nothing, as a change of keys. False: no more of it.
    virtual bool OnNothing() { return true; }
    // What had to wait for the other side has left.
    virtual void OnWritten() = 0;
    // By either side. `why`: of a failure.
    virtual void OnClosed(const std::string& why) = 0;
  };

  // Takes `fd`, a connected socket, as its server; `address` is its client's. `tls` null: plain. On
  // the loop's thread, as all.
  Socket(EventLoop* loop, int fd, std::string address, std::shared_ptr<SSL_CTX> tls, Owner* owner);
  // One to connect, as a client.
  Socket(EventLoop* loop, std::shared_ptr<TlsConnector> tls, Owner* owner);
  ~Socket();
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  // Begins: with OnOpen, at once where there is no handshake. Of one that is connected.
  void Start();
  // "host:port"; then begins. Of a name with several addresses, each `attempt` takes the next.
  void Connect(const std::string& address, size_t attempt);
  void Write(absl::string_view bytes);
  // Goes on reading after not all was taken.
  void Resume();
  // Memory for what the kernel did not take yet.
  size_t unsent() const { return unsent_; }
  // Since when it took none of them; InfiniteFuture where there are none.
  absl::Time stuck_since() const { return unsent_ == 0 ? absl::InfiniteFuture() : sent_at_; }
  bool open() const { return open_; }
  bool secure() const { return ssl_ != nullptr; }
  // What the handshake agreed on, as "h2"; empty for none.
  std::string protocol() const;
  // Whether what the other side sends is taken; off, it waits. What was read already still comes.
  void Listen(bool on);
  // "10.0.0.7"; empty for a pair within this process.
  const std::string& address() const { return address_; }
  // When the certificate of the other side, or one that it rests on, ends; never without one.
  absl::Time proved_until() const;
  // Ends it where the other side's certificate is one that `context` denies, and says so in the
  // log.
  bool CloseDenied(const SSL_CTX& context);
  // What it was made with; null: plain.
  const SSL_CTX* context() const { return context_.get(); }
  // Nothing is read from here on; OnClosed comes when what was written has left, or failed to.
  void CloseWhenSent();
  void Close(const std::string& why);

 private:
  struct PendingWrite;

  void NewSsl();
  int StartReading();
  void ConnectTo(const sockaddr* address);
  void CloseHandle();
  void OnRead(ssize_t size, const char* bytes);
  void OnCipher(absl::string_view bytes);
  struct Deciphered {
    size_t size;  // bytes in the loop's room
    int error;    // as of SSL_get_error, why it is no more; NONE: there is no more room
  };
  Deciphered Decipher();
  void ReadPlain();
  // False: not all was taken.
  bool Deliver(absl::string_view bytes);
  void Handshake();
  // Says in the log whose certificate it was.
  void CloseRefused(const RefusedCertificate& refused);
  // Hands what TLS wants to say to the kernel.
  void FlushCipher();
  void WriteRaw(absl::string_view bytes);
  void Fail(absl::string_view what, int error);

  EventLoop* const loop_;
  Owner* const owner_;
  const std::shared_ptr<TlsConnector> connector_;  // of a client
  std::shared_ptr<SSL_CTX> context_;
  RefusedCertificate refused_;
  std::unique_ptr<SSL, decltype(&SSL_free)> ssl_{nullptr, SSL_free};
  uv_tcp_t handle_{};
  uv_connect_t connect_{};
  uv_getaddrinfo_t resolve_{};
  bool resolving_ = false;
  size_t attempt_ = 0;
  std::string address_;
  size_t unsent_ = 0;
  absl::Time sent_at_;
  std::string kept_;  // of what was read and not taken
  bool resting_ = false;
  bool open_ = false;
  bool closing_ = false;
  bool close_when_sent_ = false;
  std::string why_;
};

}  // namespace nisi::http2
