#include "services/gateway/forwarder.h"

#include <algorithm>
#include <utility>

#include "absl/time/clock.h"
#include "common/base/status.h"
#include "common/rpc/answer.h"
#include "common/rpc/call_errors.h"
#include "common/rpc/reflection.h"
#include "services/gateway/errors.h"
#include "services/gateway/forwarded_call.h"
#include "services/gateway/hub.h"

namespace nisi::gateway {
namespace {

// The label of its series, so that in one process with its services no call counts twice.
constexpr char kProcess[] = "gateway";
constexpr absl::Duration kUnreadyPause = absl::Seconds(1);

std::shared_ptr<Hub> NewHub(const ForwarderOptions& options) {
  auto hub = std::make_shared<Hub>();
  hub->routes = options.routes;
  hub->admission = options.admission;
  hub->limits = options.limits;
  for (const Route* route : options.routes->all()) {
    hub->metrics.push_back(options.metrics->ForMethod(*route->policy.descriptor, kProcess));
  }
  hub->metrics.push_back(options.metrics->ForUnknown(kProcess));
  std::set<std::string> names;
  hub->listed = {rpc::kHealthService, rpc::kReflectionService};
  for (const auto* service : options.routes->services()) {
    hub->listed.push_back(service->full_name());
    names.insert(service->full_name());
  }
  for (const auto& [owner, destination] : options.owners) {
    names.insert(owner);
  }
  hub->health = std::make_unique<rpc::Health>(std::move(names));
  options.metrics->AddFigures([hub] {
    return std::vector<store::Figure>{
        {"nisi_gateway_live_calls", "Calls under way.", static_cast<double>(hub->live.load())},
        {"nisi_gateway_overloaded_total", "Calls refused because too many were under way.",
         static_cast<double>(hub->refused.load())}};
  });
  return hub;
}

std::shared_ptr<http2::Taker> Take(Hub* hub, Ways* ways, http2::CallHead head,
                                   std::shared_ptr<http2::Replier> client) {
  if (head.path == rpc::kHealthCheckPath) {
    return hub->health->TakeCheck(std::move(client));
  }
  if (head.path == rpc::kHealthWatchPath) {
    return hub->health->TakeWatch(std::move(client));
  }
  if (head.path == rpc::kReflectionPath) {
    return rpc::TakeReflection(hub->listed, std::move(client));
  }
  return ForwardedCall::Take(hub, ways, std::move(head), std::move(client));
}

}  // namespace

Forwarder::Forwarder(ForwarderOptions options)
    : options_(std::move(options)), hub_(NewHub(options_)) {}

Forwarder::~Forwarder() {
  Drain(absl::ZeroDuration());
}

absl::Status Forwarder::Start() {
  http2::ServerOptions server;
  server.address = options_.address;
  server.tls = options_.tls;
  server.name = "gateway";
  // Somewhat too large is answered with a reason of ours; far too large is not read.
  server.limits.max_message_bytes = 2 * options_.routes->max_request_bytes();
  server.take = [hub = hub_.get(), owners = options_.owners](http2::EventLoop* loop) {
    auto ways = std::make_shared<Ways>(hub, loop, owners);
    return [hub, ways, ticks = loop->EveryTick([raw = ways.get()](absl::Time now) {
      raw->OnTick(now);
    })](http2::CallHead head, std::shared_ptr<http2::Replier> client) {
      return Take(hub, ways.get(), std::move(head), std::move(client));
    };
  };
  ASSIGN_OR_RETURN(server_, http2::Server::Start(std::move(server)));
  hub_->health->SetServing(true);
  return absl::OkStatus();
}

void Forwarder::Drain(absl::Duration limit) {
  if (server_ == nullptr || hub_->draining.exchange(true)) {
    return;
  }
  const absl::Time end = absl::Now() + limit;
  hub_->health->SetServing(false);
  // Open for a moment more: whoever spreads calls over gateways sees it unready before it is
  // closed.
  absl::SleepFor(std::min(limit / 10, kUnreadyPause));
  hub_->abort_at_ns = absl::ToUnixNanos(end - (end - absl::Now()) / 4);
  server_->End(end, rpc::ToAnswer(rpc::ShuttingDown()));
}

}  // namespace nisi::gateway
