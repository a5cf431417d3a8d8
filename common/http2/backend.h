// A server that calls go to: one connection, made again when it is lost. On its loop only. Several
// that do the same: replicas.h.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "common/http2/client_connection.h"
#include "common/http2/sightings.h"

namespace nisi::http2 {

struct BackendOptions {
  std::string address;                // "host:port"
  std::shared_ptr<TlsConnector> tls;  // null: plain text
  Limits limits;
  // Between tries to connect: the first wait, doubled up to the last. A try may take so long.
  absl::Duration first_wait = absl::Milliseconds(100);
  absl::Duration last_wait = absl::Seconds(1);
  absl::Duration connect_limit = absl::Seconds(5);
  // For how long a call waits for a try that is under way while the backend is away.
  absl::Duration away_wait = absl::Milliseconds(250);
  // Of a connection; odd. HTTP/2 counts its calls up to 2^31.
  int32_t first_stream = 1;
  // Null: there is no other loop that calls it.
  std::shared_ptr<Sightings> sightings;
  // On the loop: it has connected.
  std::function<void()> on_open = [] {};
  // On the loop: takes a call that this one could not do and another may; false: there is none.
  std::function<bool(const std::shared_ptr<ClientCall>&)> elsewhere = [](const auto&) {
    return false;
  };
};

class Backend {
 public:
  // Connects at once.
  Backend(EventLoop* loop, BackendOptions options);
  // Ends what is under way.
  ~Backend();
  Backend(const Backend&) = delete;
  Backend& operator=(const Backend&) = delete;

  // Sends the call: at once, or when the next connection has come to something.
  // While the backend is away it is UNAVAILABLE at once, or after `away_wait`.
  std::shared_ptr<Taker> Take(CallHead head, ClientCall::Answers answers,
                              std::shared_ptr<Replier> replier);
  void Send(const std::shared_ptr<ClientCall>& call);
  // Connects at once where it waits to: the backend may be there.
  void TryNow();
  // Another loop has got through. It is tried now, once in `last_wait`: two that tell each other of
  // a server which takes connections and closes them would dial it without a pause. A try that
  // hangs for so long may be on its way to where the server was, and is given up.
  void OnSeen();
  // Some times a second.
  void OnTick(absl::Time now);
  // Whether calls get there, as far as is known.
  bool reachable() const { return reachable_; }
  // Whether a call can go out at once.
  bool open() const { return connection_ != nullptr && connection_->open(); }
  // Calls under way.
  size_t calls() const;

 private:
  std::shared_ptr<ClientConnection> NewConnection(std::function<void()> on_open);
  void Connect();
  // Its calls end on the connection, and those that come go by the next.
  void Retire();
  // Makes a new connection beside one of an old certificate, and takes it once the server did.
  void Renew(absl::Time now);
  void OnOpen();
  void OnClosed(const std::string& why);
  // Whether calls do not wait for the try that is under way.
  bool Away(absl::Time now) const;
  void FailWaiting(const std::string& why);
  void SendAgain(const std::shared_ptr<ClientCall>& call);

  EventLoop* const loop_;
  const BackendOptions options_;
  std::shared_ptr<ClientConnection> connection_;
  std::shared_ptr<ClientConnection> next_;  // to take its place
  // Those that were told to go away or replaced, and have calls left.
  std::vector<std::shared_ptr<ClientConnection>> old_;
  std::vector<std::shared_ptr<ClientCall>> waiting_;
  size_t attempts_ = 0;
  absl::Duration wait_;
  absl::Time tried_ = absl::InfinitePast();  // when it last began to connect
  absl::Time next_try_ = absl::InfinitePast();
  absl::Time next_seen_ = absl::InfinitePast();
  absl::Time next_renewal_ = absl::InfinitePast();
  bool reachable_ = true;
  std::shared_ptr<Backend*> alive_;  // for what comes after this
};

}  // namespace nisi::http2
