// A gRPC server over a Registry: the call layer. Every call passes the same steps, in pipeline.cc,
// and ends in a plain function. Nothing above sees the wire.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/base/clock.h"
#include "common/http2/call_count.h"
#include "common/http2/server.h"
#include "common/rpc/authenticator.h"
#include "common/rpc/executor.h"
#include "common/rpc/health.h"
#include "common/rpc/metrics.h"
#include "common/rpc/pipeline.h"
#include "common/rpc/registry.h"

namespace nisi::rpc {

struct ServerOptions {
  std::string address;                      // "127.0.0.1:7401"; empty: calls come by take()
  std::shared_ptr<http2::TlsAcceptor> tls;  // null: plain text, loopback only
  base::Clock* clock = nullptr;
  const Registry* registry = nullptr;
  const Authenticator* authenticator = nullptr;
  Metrics* metrics = nullptr;
  Executor::Limits executor;
};

class Server {
 public:
  // Refuses (FAILED_PRECONDITION) a registry with an unbound method, plain text on an outside
  // address, a taken port.
  static absl::StatusOr<std::unique_ptr<Server>> Start(const ServerOptions& options);
  // Waits until nobody holds a call.
  ~Server();

  int port() const { return carrier_ == nullptr ? 0 : carrier_->port(); }
  // Takes a call from within this process, on a thread that must not wait; the server outlives it.
  http2::TakeCall take();
  // What health answers; the default is serving.
  void SetServing(bool serving);
  const Health& health() const { return *health_; }
  // Unready; streams of messages end soon, with SHUTTING_DOWN; other calls are served until the
  // clients have gone, or so long.
  void Drain(absl::Duration limit);

 private:
  Server() = default;
  void Bind(const ServerOptions& options);
  absl::Status Carry(const std::string& address, std::shared_ptr<http2::TlsAcceptor> tls);
  std::shared_ptr<http2::Taker> Take(http2::CallHead head, std::shared_ptr<http2::Replier> replier);

  // Declared in the order they are needed: what a call uses outlives the carrier.
  std::shared_ptr<Executor> executor_;
  std::unique_ptr<Executor> stream_executor_;
  Site site_{};
  std::unique_ptr<Health> health_;
  std::vector<std::string> listed_;                                   // of reflection
  absl::flat_hash_map<std::string, std::unique_ptr<Bound>> methods_;  // by path
  std::atomic<bool> draining_{false};
  std::unique_ptr<http2::Server> carrier_;  // null: calls come by take() alone
  // Those that came by take(): whoever sent one may have given it up, and what answers it runs on.
  const std::shared_ptr<http2::CallCount> calls_here_ = std::make_shared<http2::CallCount>();
};

// Whether the address can be reached from this machine alone.
bool IsLoopback(const std::string& address);

}  // namespace nisi::rpc
