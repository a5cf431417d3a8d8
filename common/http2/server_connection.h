// A client's connection: HTTP/2 over a socket, its streams handed out as calls. On its loop only.
#pragma once

#include <nghttp2/nghttp2.h>

#include <functional>
#include <memory>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "common/http2/call.h"
#include "common/http2/call_count.h"
#include "common/http2/limits.h"
#include "common/http2/loop.h"
#include "common/http2/server_call.h"
#include "common/http2/socket.h"

namespace nisi::http2 {

class ServerConnection final : public Socket::Owner,
                               public std::enable_shared_from_this<ServerConnection> {
 public:
  // What all connections of a server share; outlives them.
  struct Shared {
    EventLoop* loop;
    Limits limits;
    TakeCall take;
    std::shared_ptr<CallCount> calls;
    // The connection is gone, and nothing of it left on the loop.
    std::function<void(ServerConnection*)> on_gone;
  };

  ServerConnection(const Shared* shared, int fd, std::shared_ptr<SSL_CTX> tls);
  ~ServerConnection() override;

  void Start() { socket_.Start(); }
  // Tells the client to take new calls elsewhere. Those that come nevertheless are taken.
  void GoAway();
  // Answers what is under way with `answer`, and closes.
  void End(const Answer& answer);
  void OnTick(absl::Time now);
  bool has_calls() const { return !calls_.empty(); }

  // For its calls.
  nghttp2_session* session() const { return session_; }
  void FlushSoon();
  // So many bytes of a call were taken: the client may send as many more.
  void Consume(int32_t id, size_t bytes);

  void OnOpen(std::string identity) override;
  void OnBytes(absl::string_view bytes) override;
  void OnWritten() override { Flush(); }
  void OnClosed(const std::string& why) override;

 private:
  static nghttp2_session_callbacks* Callbacks();
  void OpenSession();
  ServerCall* Find(int32_t id) const;
  void OnFrame(const nghttp2_frame& frame);
  void OnFrameSent(const nghttp2_frame& frame);
  void Flush();

  const Shared& shared_;
  Socket socket_;
  nghttp2_session* session_ = nullptr;
  std::shared_ptr<const Peer> peer_;
  absl::flat_hash_map<int32_t, std::shared_ptr<ServerCall>> calls_;
  const absl::Time began_;
  absl::Time heard_;
  absl::Time asked_ = absl::InfiniteFuture();  // whether it is still there
  bool flush_soon_ = false;
};

}  // namespace nisi::http2
