// A connection to a backend: HTTP/2 over a socket, with the calls that are under way on it. On its
// loop only.
#pragma once

#include <nghttp2/nghttp2.h>

#include <functional>
#include <memory>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "common/http2/client_call.h"
#include "common/http2/connection.h"
#include "common/http2/limits.h"
#include "common/http2/loop.h"

namespace nisi::http2 {

class ClientConnection final : public Connection {
 public:
  struct Options {
    EventLoop* loop;
    Limits limits;
    std::string address;                // "host:port"
    size_t attempt = 0;                 // of several addresses of that name, which
    std::shared_ptr<TlsConnector> tls;  // null: plain text
    int32_t first_stream = 1;
    // The server has spoken. A socket may open to one that stands still: the kernel answers for it.
    std::function<void()> on_open;
    // The server did not look at the call, or it changes nothing: it may be sent once more.
    std::function<void(const std::shared_ptr<ClientCall>&)> on_unseen;
    // For good: `why` of a failure. Calls under way have had their end.
    std::function<void(const ClientConnection*, const std::string& why)> on_closed;
  };

  // Keeps itself until it is closed.
  static std::shared_ptr<ClientConnection> Connect(Options options);

  // It has not come to something yet.
  bool connecting() const { return !greeted_; }
  // Whether a call may begin on it.
  bool open() const;
  // The server takes no more calls, and will close.
  bool going_away() const { return going_away_; }
  // It has no number left for another call, after a thousand million of them.
  bool spent() const;
  // The server has taken us in: it has seen our certificate, and spoken.
  bool greeted() const { return greeted_; }
  // It was made with files that are others by now.
  bool outdated(absl::Time now) const {
    return options_.tls != nullptr && options_.tls->Current(now).get() != socket_.context();
  }
  void Begin(const std::shared_ptr<ClientCall>& call);
  size_t calls() const { return calls_.size(); }
  void OnTick(absl::Time now);
  // Ends it, and its calls.
  void Close() { socket_.Close("closed"); }

  // For its calls.
  void ResumeData(int32_t id);
  void Reset(int32_t id);
  void AtEndOfTurn(std::function<void()> work) { loop_->AtEndOfTurn(std::move(work)); }

  void OnOpen(std::string identity) override;
  void OnClosed(const std::string& why) override;

 private:
  explicit ClientConnection(Options options);
  static nghttp2_session_callbacks* Callbacks();
  void OnStreamClosed(int32_t id, uint32_t error);
  void OnGreeting();

  Options options_;
  absl::flat_hash_map<int32_t, std::shared_ptr<ClientCall>> calls_;
  std::shared_ptr<ClientConnection> self_;
  bool going_away_ = false;
  bool greeted_ = false;
};

}  // namespace nisi::http2
