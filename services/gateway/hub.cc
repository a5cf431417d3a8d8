#include "services/gateway/hub.h"

#include <utility>

#include "common/rpc/policy.h"

namespace nisi::gateway {

Ways::Ways(Hub* hub, http2::EventLoop* loop, const std::map<std::string, Destination>& owners)
    : hub_(hub), loop_(loop) {
  for (const auto& [owner, destination] : owners) {
    Way& way = ways_[owner];
    way.here = destination.here;
    if (!way.here) way.backend = std::make_unique<http2::Backend>(loop, destination.backend);
  }
}

std::shared_ptr<http2::Taker> Ways::Take(absl::string_view owner, http2::CallHead head,
                                         http2::ClientCall::Answers answers,
                                         std::shared_ptr<http2::Replier> replier) {
  const Way& way = ways_.find(owner)->second;
  if (way.here) return way.here(std::move(head), std::move(replier));
  return way.backend->Take(std::move(head), answers, std::move(replier));
}

void Ways::OnTick(absl::Time now) {
  for (auto& [owner, way] : ways_) {
    if (way.backend == nullptr) continue;
    way.backend->OnTick(now);
    const bool reachable = way.backend->reachable();
    if (std::exchange(way.reachable, reachable) == reachable) continue;
    hub_->health->SetServing(owner, reachable);
    for (const auto* service : hub_->routes->services()) {
      if (rpc::OwnerOf(*service) == owner) {
        hub_->health->SetServing(service->full_name(), reachable);
      }
    }
  }
}

}  // namespace nisi::gateway
