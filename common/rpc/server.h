// A gRPC server over a Registry: the call layer. Every call passes the same steps, in pipeline.cc,
// and ends in a plain function. Nothing above sees gRPC.
#pragma once

#include <grpcpp/channel.h>
#include <grpcpp/impl/service_type.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/base/clock.h"
#include "common/rpc/authenticator.h"
#include "common/rpc/executor.h"
#include "common/rpc/metrics.h"
#include "common/rpc/registry.h"

namespace nisi::rpc {

struct ServerOptions {
  std::string address;  // "127.0.0.1:7401"; empty: in-process calls only
  std::shared_ptr<grpc::ServerCredentials> credentials;  // null: plain text, loopback only
  base::Clock* clock = nullptr;
  const Registry* registry = nullptr;
  const Authenticator* authenticator = nullptr;
  Metrics* metrics = nullptr;
  Executor::Limits executor;
};

class LiveStreams;

class Server {
 public:
  // Refuses (FAILED_PRECONDITION) a registry with an unbound method, plain text on an outside
  // address, a taken port.
  static absl::StatusOr<std::unique_ptr<Server>> Start(const ServerOptions& options);
  ~Server();

  int port() const { return port_; }
  std::shared_ptr<grpc::Channel> InProcessChannel();
  // What health answers; the default is serving.
  void SetServing(bool serving);
  // Unready; streams of messages end at once, with SHUTTING_DOWN; other calls are served until the
  // clients have gone, or so long.
  void Drain(absl::Duration limit);

 private:
  Server() = default;

  // Declared in the order they are needed: what a call uses outlives the gRPC server.
  std::shared_ptr<Executor> executor_;
  std::unique_ptr<Executor> stream_executor_;
  std::unique_ptr<LiveStreams> streams_;
  std::vector<std::unique_ptr<grpc::Service>> services_;
  std::unique_ptr<grpc::Server> server_;
  int port_ = 0;
};

// Whether the address can be reached from this machine alone.
bool IsLoopback(const std::string& address);

}  // namespace nisi::rpc
