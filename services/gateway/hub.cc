#include "services/gateway/hub.h"

#include <utility>

#include "common/rpc/policy.h"

namespace nisi::gateway {

Ways::Ways(Hub* hub, http2::EventLoop* loop, const std::map<std::string, Destination>& owners)
    : hub_(hub), loop_(loop) {
  for (const auto& [owner, destination] : owners) {
    Way& way = ways_[owner];
    way.here = destination.here;
    if (way.here) continue;
    http2::BackendOptions options = destination.backend;
    options.sightings = hub->sightings;
    way.processes = std::make_unique<http2::Replicas>(loop, std::move(options));
  }
}

std::shared_ptr<http2::Taker> Ways::Take(absl::string_view owner, http2::CallHead head,
                                         http2::ClientCall::Answers answers,
                                         http2::ClientCall::Again again,
                                         std::shared_ptr<http2::Replier> replier) {
  const Way& way = ways_.find(owner)->second;
  if (way.here) return way.here(std::move(head), std::move(replier));
  return way.processes->Take(std::move(head), answers, again, std::move(replier));
}

void Ways::OnTick(absl::Time now) {
  hub_->admission->Forget(&recent_callers_);
  hub_->memory.Look();
  for (auto& [owner, way] : ways_) {
    if (way.processes == nullptr) continue;
    way.processes->OnTick(now);
    const bool reachable = way.processes->reachable();
    if (std::exchange(way.reachable, reachable) == reachable) continue;
    hub_->health->SetServing(owner, reachable);
    hub_->away.find(owner)->second += reachable ? -1 : 1;
    for (const auto* service : hub_->routes->services()) {
      if (rpc::OwnerOf(*service) == owner) {
        hub_->health->SetServing(service->full_name(), reachable);
      }
    }
  }
}

}  // namespace nisi::gateway
