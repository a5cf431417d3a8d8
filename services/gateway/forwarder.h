// Carries calls between clients and the services, as bytes.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/http2/server.h"
#include "common/rpc/health.h"
#include "common/rpc/metrics.h"
#include "services/gateway/admission.h"
#include "services/gateway/limits.h"
#include "services/gateway/routes.h"
#include "services/gateway/service.h"

namespace nisi::gateway {

struct ForwarderOptions {
  std::string address;
  std::shared_ptr<http2::TlsAcceptor> tls;    // null: plain text
  std::map<std::string, Destination> owners;  // by owner
  const Routes* routes = nullptr;
  std::shared_ptr<Admission> admission;
  rpc::Metrics* metrics = nullptr;
  Limits limits;
  std::vector<std::string> origins;  // of pages that may call
  std::vector<std::string> edges;    // of terminators
};

struct Hub;

class Forwarder {
 public:
  explicit Forwarder(ForwarderOptions options);
  ~Forwarder();  // Drain(0)

  // Serves, with health and reflection, until Drain. Once. UNAVAILABLE where the port is taken.
  absl::Status Start();
  int port() const { return server_->port(); }
  const rpc::Health& health() const;
  // Unready; streams from a service end soon, with SHUTTING_DOWN; other calls are served until the
  // clients have gone elsewhere, and what is left shortly before `limit` ends as the streams.
  // Afterwards nothing runs. Calling it again does nothing.
  void Drain(absl::Duration limit);

 private:
  const ForwarderOptions options_;
  const std::shared_ptr<Hub> hub_;
  std::unique_ptr<http2::Server> server_;
};

}  // namespace nisi::gateway
