// The one door: authenticates, checks, limits and forwards every call of every service, unparsed.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/base/clock.h"
#include "common/http2/backend.h"
#include "common/http2/tls.h"
#include "common/rpc/authenticator.h"
#include "common/rpc/call_context.h"
#include "common/rpc/health.h"
#include "common/rpc/metrics.h"
#include "google/protobuf/descriptor.h"
#include "services/gateway/limits.h"

namespace nisi::gateway {

class Admission;
class Forwarder;
class Routes;

// Where the calls of an owner go.
struct Destination {
  http2::TakeCall here;           // a service of this process; empty:
  http2::BackendOptions backend;  // one of another
};

// What is pointed to must outlive the gateway.
struct GatewayOptions {
  const base::Clock* clock = nullptr;
  rpc::Metrics* metrics = nullptr;
  const rpc::Authenticator* authenticator = nullptr;
  const rpc::ContextSigner* signer = nullptr;
  std::map<std::string, Destination> backends;  // by owner
  // Those whose owner has no backend are not served.
  std::vector<const google::protobuf::ServiceDescriptor*> services;
  std::string address;                      // "127.0.0.1:7400"; port 0 takes a free one
  std::shared_ptr<http2::TlsAcceptor> tls;  // null: plain text, loopback only
  Limits limits;
  // Addresses of terminators, which say for whom they come; as "10.0.0.7".
  std::vector<std::string> edges;
  // Of web pages that a browser may let call: "https://portal.example".
  std::vector<std::string> origins;
};

class Gateway {
 public:
  // Serving when it returns. FAILED_PRECONDITION: SETUP_INVALID, POLICY_INVALID. UNAVAILABLE where
  // the port is taken.
  static absl::StatusOr<std::unique_ptr<Gateway>> Start(const GatewayOptions& options);
  ~Gateway();  // Drain(0)

  int port() const;
  const rpc::Health& health() const;
  // Unready; streams from a service end at once, other calls have so long to end.
  void Drain(absl::Duration limit);

 private:
  Gateway();

  std::unique_ptr<Routes> routes_;
  std::shared_ptr<Admission> admission_;
  std::unique_ptr<Forwarder> forwarder_;
};

// A backend process: UNAVAILABLE at once while it is away, and back within about a second when it
// is. `tls` null: plain text.
Destination BackendAt(const std::string& address, std::shared_ptr<http2::TlsConnector> tls);

}  // namespace nisi::gateway
