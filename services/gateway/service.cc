#include "services/gateway/service.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/log.h"
#include "common/base/open_files.h"
#include "common/base/status.h"
#include "common/rpc/policy.h"
#include "common/rpc/server.h"
#include "services/gateway/admission.h"
#include "services/gateway/cors.h"
#include "services/gateway/errors.h"
#include "services/gateway/forwarder.h"
#include "services/gateway/routes.h"

namespace nisi::gateway {
namespace {

// The largest answer taken from a backend; our services page long before.
constexpr size_t kMaxAnswerBytes = 64 << 20;
// A machine that is gone, or a process that stands still, says nothing: calls to it are to end
// before their time is up, which is 5 s where nobody said another, or to go to another.
constexpr absl::Duration kSilence = absl::Seconds(2), kPingAnswer = absl::Seconds(2);
// Descriptors that are wanted beside the clients'.
constexpr size_t kOtherFiles = 512;

// A process that has no file descriptor left accepts nobody: better not to begin.
absl::Status CheckFiles(size_t connections) {
  const size_t files = base::RaiseOpenFiles();
  if (files >= connections + kOtherFiles) return absl::OkStatus();
  return BadSetup(absl::StrCat("This process may open ", files, " files: give it ",
                               connections + kOtherFiles, " or lower --max-connections"));
}

absl::Status CheckOptions(const GatewayOptions& options) {
  if (options.clock == nullptr || options.metrics == nullptr || options.authenticator == nullptr ||
      options.signer == nullptr) {
    return BadSetup("The gateway needs a clock, metrics, an authenticator and a signer.");
  }
  if (options.tls == nullptr && !rpc::IsLoopback(options.address)) {
    return BadSetup(absl::StrCat(options.address, ": without TLS only loopback addresses serve"));
  }
  RETURN_IF_ERROR(Cors::Check(options.origins));
  RETURN_IF_ERROR(CheckFiles(options.limits.clients.max_connections));
  for (const auto& backend : options.backends) {
    const std::string& owner = backend.first;  // clang 14 captures no part of a binding
    const bool known =
        std::any_of(options.services.begin(), options.services.end(),
                    [&](const auto* service) { return rpc::OwnerOf(*service) == owner; });
    if (!known) {
      return BadSetup(absl::StrCat("No service is owned by the backend ", owner));
    }
  }
  return absl::OkStatus();
}

}  // namespace

Gateway::Gateway() = default;
Gateway::~Gateway() = default;

absl::StatusOr<std::unique_ptr<Gateway>> Gateway::Start(const GatewayOptions& options) {
  RETURN_IF_ERROR(CheckOptions(options));
  std::vector<std::string> owners;
  for (const auto& [owner, destination] : options.backends) {
    owners.push_back(owner);
  }
  ASSIGN_OR_RETURN(Routes routes, Routes::Make(options.services, owners));
  for (const auto* service : options.services) {
    if (std::find(routes.services().begin(), routes.services().end(), service) ==
        routes.services().end()) {
      base::Log(base::Severity::kWarning, "service_without_backend",
                {{"service", service->full_name()}, {"owner", rpc::OwnerOf(*service)}});
    }
  }
  std::unique_ptr<Gateway> gateway(new Gateway());
  gateway->routes_ = std::make_unique<Routes>(std::move(routes));
  gateway->admission_ = std::make_shared<Admission>(
      gateway->routes_.get(), options.clock, options.authenticator, options.signer, options.limits);
  ForwarderOptions forwarder;
  forwarder.address = options.address;
  forwarder.tls = options.tls;
  forwarder.owners = options.backends;
  forwarder.routes = gateway->routes_.get();
  forwarder.admission = gateway->admission_;
  forwarder.metrics = options.metrics;
  forwarder.limits = options.limits;
  forwarder.origins = options.origins;
  forwarder.edges = options.edges;
  gateway->forwarder_ = std::make_unique<Forwarder>(std::move(forwarder));
  RETURN_IF_ERROR(gateway->forwarder_->Start());
  return gateway;
}

int Gateway::port() const {
  return forwarder_->port();
}

const rpc::Health& Gateway::health() const {
  return forwarder_->health();
}

void Gateway::Drain(absl::Duration limit) {
  forwarder_->Drain(limit);
}

Destination BackendAt(const std::string& address, std::shared_ptr<http2::TlsConnector> tls) {
  Destination destination;
  destination.backend.address = address;
  destination.backend.tls = std::move(tls);
  destination.backend.limits.max_message_bytes = kMaxAnswerBytes;
  destination.backend.limits.ping_after = kSilence;
  destination.backend.limits.ping_answer = kPingAnswer;
  return destination;
}

}  // namespace nisi::gateway
