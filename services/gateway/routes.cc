#include "services/gateway/routes.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/rpc/call_errors.h"
#include "services/gateway/errors.h"
#include "services/gateway/own.h"

namespace nisi::gateway {

absl::StatusOr<Routes> Routes::Make(
    const std::vector<const google::protobuf::ServiceDescriptor*>& services,
    const std::vector<std::string>& owners) {
  Routes routes;
  routes.owners_.insert(owners.begin(), owners.end());
  for (const google::protobuf::ServiceDescriptor* service : services) {
    ASSIGN_OR_RETURN(std::vector<rpc::MethodPolicy> policies, rpc::PoliciesOf(*service));
    const std::string owner = rpc::OwnerOf(*service);
    if (!owner.empty() && !routes.owners_.contains(owner)) {
      continue;
    }
    routes.services_.push_back(service);
    for (rpc::MethodPolicy& policy : policies) {
      const std::string path = policy.path;
      if (!routes.Add(std::move(policy), owner)) {
        return BadSetup(absl::StrCat(path, " is given twice"));
      }
    }
  }
  for (rpc::MethodPolicy& policy : OwnPolicies()) {
    routes.Add(std::move(policy), kOwn);
  }
  return routes;
}

bool Routes::Add(rpc::MethodPolicy policy, const std::string& owner) {
  Route route;
  route.owner = owner;
  route.kind.client_streaming = policy.descriptor->client_streaming();
  route.kind.server_streaming = policy.descriptor->server_streaming();
  route.index = routes_.size();
  max_request_bytes_ = std::max(max_request_bytes_, policy.max_request_bytes);
  const std::string path = policy.path;
  route.policy = std::move(policy);
  return routes_.try_emplace(path, std::move(route)).second;
}

absl::StatusOr<const Route*> Routes::Find(absl::string_view path) const {
  const auto found = routes_.find(path);
  if (found == routes_.end()) {
    return rpc::MethodUnknown();
  }
  return &found->second;
}

absl::StatusOr<absl::string_view> Routes::OwnerFor(const Route& route,
                                                   absl::string_view named) const {
  if (!route.owner.empty()) {
    return absl::string_view(route.owner);
  }
  if (named.empty()) {
    return ServiceNotNamed();
  }
  const auto found = owners_.find(named);
  if (found == owners_.end()) {
    return ProcessUnknown();
  }
  return absl::string_view(*found);
}

std::vector<const Route*> Routes::all() const {
  std::vector<const Route*> all(routes_.size());
  for (const auto& [path, route] : routes_) {
    all[route.index] = &route;
  }
  return all;
}

}  // namespace nisi::gateway
