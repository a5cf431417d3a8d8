#include "services/gateway/forwarder.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/base/steady.h"
#include "common/http1/session.h"
#include "common/rpc/answer.h"
#include "common/rpc/call_errors.h"
#include "common/rpc/reflection.h"
#include "services/gateway/forwarded_call.h"
#include "services/gateway/hub.h"
#include "services/gateway/own.h"
#include "services/gateway/web.h"

namespace nisi::gateway {
namespace {

constexpr absl::Duration kUnreadyPause = absl::Seconds(1);

size_t LeastBound(const Hub& hub) {
  size_t least = hub.limits.calls_at_once;
  for (const auto& [owner, capacity] : hub.capacities) {
    if (owner != kOwn) least = std::min(least, capacity->bound());
  }
  return least;
}

size_t WaitingCalls(const Hub& hub) {
  size_t waiting = 0;
  for (const auto& [owner, capacity] : hub.capacities) waiting += capacity->waiting();
  return waiting;
}

std::vector<store::Figure> Figures(const Hub& hub) {
  std::vector<store::Figure> figures{
      {"nisi_gateway_live_calls", "Calls under way.", static_cast<double>(hub.live)},
      {"nisi_gateway_refused_tokens_total", "Refused unread, after many that did not hold.",
       static_cast<double>(hub.admission->refused_tokens())},
      {"nisi_gateway_streams", "Streams under way.", static_cast<double>(hub.streams->taken())},
      {"nisi_gateway_calls_bound", "Calls at once to the service that has the fewest now.",
       static_cast<double>(LeastBound(hub))},
      {"nisi_gateway_waiting_calls", "In line for a service.",
       static_cast<double>(WaitingCalls(hub))},
      {"nisi_gateway_connections", "Clients that are connected.",
       static_cast<double>(hub.guard->places->taken())},
      {"nisi_gateway_resting_connections", "Not read until others were answered.",
       static_cast<double>(hub.guard->rests.now)},
      {"nisi_gateway_rests_total", "Times that a connection was not read, since it was refused.",
       static_cast<double>(hub.guard->rests.begun)},
      {"nisi_gateway_held_bytes", "Of messages that wait to be whole or to be taken.",
       static_cast<double>(hub.guard->room->held())}};
  for (size_t i = 0; i < kRankNames.size(); ++i) {
    figures.push_back({"nisi_gateway_overloaded_total",
                       "Calls refused for want of room: too many under way, or too little memory.",
                       static_cast<double>(hub.refused[i]),
                       {{"rank", kRankNames[i]}}});
  }
  for (size_t i = 0; i < http2::kRefusedKinds; ++i) {
    const auto what = static_cast<http2::Refused>(i);
    figures.push_back({absl::StrCat("nisi_gateway_refused_", http2::NameOf(what), "_total"),
                       "Refused beneath the calls, see the table of budgets.",
                       static_cast<double>(hub.guard->refusals.Of(what))});
  }
  for (const auto& [owner, threads] : hub.away) {
    figures.push_back({"nisi_gateway_backend_up",
                       "1 when calls get through to a service, 0 while nobody of it is reached.",
                       threads == 0 ? 1.0 : 0.0,
                       {{"peer", owner}}});
  }
  return figures;
}

std::shared_ptr<Hub> NewHub(const ForwarderOptions& options) {
  auto hub = std::make_shared<Hub>(options.limits);
  hub->cors = std::make_unique<Cors>(options.origins);
  hub->routes = options.routes;
  hub->admission = options.admission;
  // Somewhat too large is answered with a reason of ours; far too large is not read.
  hub->limits.clients.max_message_bytes = 2 * options.routes->max_request_bytes();
  hub->guard = std::make_shared<http2::Guard>(hub->limits.clients);
  for (const auto& [owner, destination] : options.owners) {
    Capacity::Options capacity;
    capacity.most = hub->limits.max_calls;
    capacity.of_caller = hub->limits.calls_of_caller;
    capacity.at_once = hub->limits.calls_at_once;
    capacity.start = std::min(capacity.start, capacity.at_once);
    capacity.least = std::min(capacity.least, capacity.at_once);
    capacity.target = hub->limits.delay;
    capacity.line = hub->limits.line;
    hub->capacities[owner] = std::make_unique<Capacity>(capacity, options.routes->all().size());
    hub->away[owner] = 0;
  }
  // Answered at once, whatever the services are at: no more are under way than there are threads.
  Capacity::Options own;
  own.target = absl::InfiniteDuration();
  hub->capacities[kOwn] = std::make_unique<Capacity>(own, options.routes->all().size());
  hub->streams =
      std::make_unique<StreamShares>(hub->limits.max_streams, hub->limits.streams_of_caller);
  for (const Route* route : options.routes->all()) {
    hub->metrics.push_back(options.metrics->ForMethod(*route->policy.descriptor));
  }
  hub->metrics.push_back(options.metrics->ForUnknown());
  std::set<std::string> names;
  hub->listed = {rpc::kHealthService};
  hub->listed.insert(hub->listed.end(), std::begin(rpc::kReflectionServices),
                     std::end(rpc::kReflectionServices));
  for (const auto* service : options.routes->services()) {
    hub->listed.push_back(service->full_name());
    names.insert(service->full_name());
  }
  for (const auto& [owner, destination] : options.owners) {
    names.insert(owner);
  }
  hub->health = std::make_unique<rpc::Health>(std::move(names));
  options.metrics->AddFigures([hub] { return Figures(*hub); });
  return hub;
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
  server.edges = options_.edges;
  server.name = "gateway";
  server.limits = hub_->limits.clients;
  server.guard = hub_->guard;
  server.no_room = rpc::ToAnswer(rpc::RefusalOf(http2::Fault::kNoRoom, 0, 0));
  server.http1 = http1::MakeSession;
  std::map<std::string, Destination> owners = options_.owners;
  owners[kOwn].here = TakeOwn(hub_.get());
  server.take_all = [hub = hub_.get(), owners = std::move(owners)](http2::EventLoop* loop) {
    auto ways = std::make_shared<Ways>(hub, loop, owners);
    http2::Takers takers;
    takers.call = [hub, ways, ticks = loop->EveryTick([raw = ways.get()](absl::Time now) {
      raw->OnTick(now);
    })](http2::CallHead head, std::shared_ptr<http2::Replier> client) {
      Trace trace = TraceOf(head);
      return ForwardedCall::Take(hub, ways.get(), std::move(head), std::move(client),
                                 std::move(trace));
    };
    takers.request = [hub, ways](http2::RequestHead head,
                                 std::shared_ptr<http2::Responder> responder) {
      return TakeRequest(hub, ways.get(), std::move(head), std::move(responder));
    };
    return takers;
  };
  ASSIGN_OR_RETURN(server_, http2::Server::Start(std::move(server)));
  hub_->health->SetServing(true);
  return absl::OkStatus();
}

const rpc::Health& Forwarder::health() const {
  return *hub_->health;
}

void Forwarder::Drain(absl::Duration limit) {
  if (server_ == nullptr || hub_->draining.exchange(true)) {
    return;
  }
  const absl::Time end = base::SteadyNow() + limit;
  hub_->health->SetServing(false);
  // Open for a moment more: whoever spreads calls over gateways sees it unready before it is
  // closed.
  absl::SleepFor(std::min(limit / 10, kUnreadyPause));
  hub_->abort_at_ns = absl::ToUnixNanos(end - (end - base::SteadyNow()) / 4);
  server_->End(end, rpc::ToAnswer(rpc::ShuttingDown()));
}

}  // namespace nisi::gateway
