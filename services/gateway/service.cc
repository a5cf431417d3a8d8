#include "services/gateway/service.h"

#include <grpcpp/create_channel.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/log.h"
#include "common/base/status.h"
#include "common/rpc/policy.h"
#include "common/rpc/server.h"
#include "services/gateway/admission.h"
#include "services/gateway/errors.h"
#include "services/gateway/forwarder.h"
#include "services/gateway/routes.h"

namespace nisi::gateway {
namespace {

// The largest answer taken from a backend; our services page long before.
constexpr int kMaxAnswerBytes = 64 << 20;

absl::Status CheckOptions(const GatewayOptions& options) {
  if (options.clock == nullptr || options.metrics == nullptr || options.authenticator == nullptr ||
      options.signer == nullptr) {
    return BadSetup("The gateway needs a clock, metrics, an authenticator and a signer.");
  }
  if (options.credentials == nullptr && !rpc::IsLoopback(options.address)) {
    return BadSetup(absl::StrCat(options.address, ": without TLS only loopback addresses serve"));
  }
  for (const auto& [owner, channel] : options.backends) {
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
  for (const auto& [owner, channel] : options.backends) {
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
  gateway->admission_ = std::make_unique<Admission>(
      gateway->routes_.get(), options.clock, options.authenticator, options.signer, options.limits);
  ForwarderOptions forwarder;
  forwarder.address = options.address;
  forwarder.credentials =
      options.credentials == nullptr ? grpc::InsecureServerCredentials() : options.credentials;
  forwarder.backends = options.backends;
  forwarder.in_process = options.in_process;
  forwarder.routes = gateway->routes_.get();
  forwarder.admission = gateway->admission_.get();
  forwarder.metrics = options.metrics;
  forwarder.limits = options.limits;
  gateway->forwarder_ = NewQueueForwarder(std::move(forwarder));
  RETURN_IF_ERROR(gateway->forwarder_->Start());
  return gateway;
}

int Gateway::port() const {
  return forwarder_->port();
}

void Gateway::Drain(absl::Duration limit) {
  forwarder_->Drain(limit);
}

std::shared_ptr<grpc::Channel> BackendChannel(
    const std::string& address, const std::shared_ptr<grpc::ChannelCredentials>& credentials) {
  constexpr int kFirstMs = 100;
  constexpr int kLongestMs = 1000;
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, kFirstMs);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, kLongestMs);  // also: a connect's time
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, kLongestMs);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  arguments.SetMaxReceiveMessageSize(kMaxAnswerBytes);
  arguments.SetMaxSendMessageSize(-1);
  return grpc::CreateCustomChannel(address, credentials, arguments);
}

}  // namespace nisi::gateway
