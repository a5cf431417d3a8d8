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
#include "common/http2/connection.h"
#include "common/http2/limits.h"
#include "common/http2/loop.h"
#include "common/http2/server_call.h"

namespace nisi::http2 {

class ServerConnection final : public Connection {
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

  void Start() { socket_.Start(); }
  // Tells the client to take new calls elsewhere. Those that come nevertheless are taken.
  void GoAway();
  // Answers what is under way with `answer`, and closes.
  void End(const Answer& answer);
  void OnTick(absl::Time now);
  bool has_calls() const { return !calls_.empty(); }

  void OnOpen(std::string identity) override;
  void OnClosed(const std::string& why) override;

 private:
  static nghttp2_session_callbacks* Callbacks();
  ServerCall* Find(int32_t id) const;
  void OnFrame(const nghttp2_frame& frame);
  void OnFrameSent(const nghttp2_frame& frame);

  const Shared& shared_;
  std::shared_ptr<const Peer> peer_;
  absl::flat_hash_map<int32_t, std::shared_ptr<ServerCall>> calls_;
};

}  // namespace nisi::http2
