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
#include "common/http2/limits.h"
#include "common/http2/loop.h"
#include "common/http2/socket.h"

namespace nisi::http2 {

class ClientConnection final : public Socket::Owner,
                               public std::enable_shared_from_this<ClientConnection> {
 public:
  struct Options {
    EventLoop* loop;
    Limits limits;
    std::string address;                // "host:port"
    size_t attempt = 0;                 // of several addresses of that name, which
    std::shared_ptr<TlsConnector> tls;  // null: plain text
    std::function<void()> on_open;
    // The server did not look at the call, which may be sent once more.
    std::function<void(const std::shared_ptr<ClientCall>&)> on_unseen;
    // For good: `why` of a failure. Calls under way have had their end.
    std::function<void(const ClientConnection*, const std::string& why)> on_closed;
  };

  // Keeps itself until it is closed.
  static std::shared_ptr<ClientConnection> Connect(Options options);
  ~ClientConnection() override;

  // Whether a call may begin on it.
  bool open() const;
  // The server takes no more calls, and will close.
  bool going_away() const { return going_away_; }
  void Begin(const std::shared_ptr<ClientCall>& call);
  void OnTick(absl::Time now);
  // Ends it, and its calls.
  void Close() { socket_.Close("closed"); }

  // For its calls.
  void Consume(int32_t id, size_t bytes);
  void ResumeData(int32_t id);
  void Reset(int32_t id);
  void AtEndOfTurn(std::function<void()> work) { options_.loop->AtEndOfTurn(std::move(work)); }

  void OnOpen(std::string identity) override;
  void OnBytes(absl::string_view bytes) override;
  void OnWritten() override { Flush(); }
  void OnClosed(const std::string& why) override;

 private:
  explicit ClientConnection(Options options);
  static nghttp2_session_callbacks* Callbacks();
  void OnStreamClosed(int32_t id, uint32_t error);
  void FlushSoon();
  void Flush();

  Options options_;
  Socket socket_;
  nghttp2_session* session_ = nullptr;
  absl::flat_hash_map<int32_t, std::shared_ptr<ClientCall>> calls_;
  std::shared_ptr<ClientConnection> self_;
  const absl::Time began_;
  absl::Time heard_;
  absl::Time asked_ = absl::InfiniteFuture();
  bool going_away_ = false;
  bool flush_soon_ = false;
};

}  // namespace nisi::http2
