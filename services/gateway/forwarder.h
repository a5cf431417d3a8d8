// Carries calls between clients and the services, as bytes. The seam behind which another carrier,
// nearer to the wire, can take the place of this one: it shares Routes, Admission and errors.h.
#pragma once

#include <grpcpp/channel.h>
#include <grpcpp/security/server_credentials.h>

#include <map>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/rpc/metrics.h"
#include "services/gateway/admission.h"
#include "services/gateway/limits.h"
#include "services/gateway/routes.h"

namespace nisi::gateway {

struct ForwarderOptions {
  std::string address;
  std::shared_ptr<grpc::ServerCredentials> credentials;
  std::map<std::string, std::shared_ptr<grpc::Channel>> backends;  // by owner
  bool in_process =
      false;  // backends are of this process: always there, with no connection to look at
  const Routes* routes = nullptr;
  Admission* admission = nullptr;
  rpc::Metrics* metrics = nullptr;
  Limits limits;
};

class Forwarder {
 public:
  virtual ~Forwarder() = default;

  // Serves, with health and reflection, until Drain. Once. UNAVAILABLE where the port is taken.
  virtual absl::Status Start() = 0;
  virtual int port() const = 0;
  // Unready; streams from a service end at once, with SHUTTING_DOWN; other calls are served until
  // the clients have gone elsewhere, and what is left shortly before `limit` ends as the streams.
  // Afterwards nothing runs. Calling it again does nothing.
  virtual void Drain(absl::Duration limit) = 0;
};

// One completion queue for both sides, polled by one thread.
std::unique_ptr<Forwarder> NewQueueForwarder(ForwarderOptions options);

}  // namespace nisi::gateway
