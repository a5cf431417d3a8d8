// Listens, and hands out the calls of all its clients.
#pragma once

#include <sys/socket.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/http2/call.h"
#include "common/http2/call_count.h"
#include "common/http2/guard.h"
#include "common/http2/limits.h"
#include "common/http2/loop.h"
#include "common/http2/request.h"
#include "common/http2/session.h"
#include "common/http2/tls.h"

namespace nisi::http2 {

struct ServerOptions {
  // "127.0.0.1:7401", "[::1]:0", "unix:/run/nisi.sock"; empty: clients come by Adopt.
  std::string address;
  std::shared_ptr<TlsAcceptor> tls;  // null: plain text
  // Of terminators, as "10.0.0.7": a connection from there says first whose it is, see Edges.
  std::vector<std::string> edges;
  size_t loops = 2;            // threads; a connection stays on one
  const char* name = "http2";  // of the threads, at most 14 characters
  Limits limits;
  // Made of `limits` by whoever wants to look at it; null: the server's own.
  std::shared_ptr<Guard> guard;
  Answer no_room;  // to a call that there is no room for
  // Makes, for each loop, what takes the calls of its connections: made, called and let go on the
  // loop's thread, which must not wait.
  std::function<TakeCall(EventLoop*)> take;
  // In place of `take`, where requests that are no gRPC are served too.
  std::function<Takers(EventLoop*)> take_all;
  // Where clients of HTTP/1.1 are, too: by ALPN, and in plain text by what they send first.
  MakeSession http1;
};

// Thread-safe but for its end.
class Server {
 public:
  // UNAVAILABLE where the port is taken, INVALID_ARGUMENT for what is no address.
  static absl::StatusOr<std::unique_ptr<Server>> Start(ServerOptions options);
  // End, at once; then waits until nobody holds a call.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  int port() const { return port_; }
  // Serves a connected socket of this process, in plain text.
  void Adopt(int fd);

  // Takes no new connections and sends the clients elsewhere. Calls are served until the clients
  // have gone, or none came for a second, or `limit`; what is left is answered with `late`, and
  // who has not taken it by `limit`, or in a second where that is later, is cut off. Afterwards
  // nothing is under way. Calling it again does nothing.
  void End(absl::Time limit, const Answer& late);

 private:
  class Worker;

  Server() = default;
  void Seat(int fd, const sockaddr_storage& client);
  bool Any(const std::function<bool(Worker&)>& of) const;

  std::vector<std::unique_ptr<Worker>> workers_;
  std::shared_ptr<CallCount> calls_;
  std::shared_ptr<Guard> guard_;
  std::atomic<size_t> next_{0};
  int port_ = 0;
  bool ended_ = false;
};

}  // namespace nisi::http2
