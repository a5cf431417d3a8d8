#include "common/rpc/caller.h"

#include <algorithm>

#include "absl/strings/match.h"

namespace nisi::rpc {

bool Caller::Has(Role role) const {
  if (role == v1::PUBLIC) {
    return true;
  }
  return v1::Role_IsValid(role) && role != v1::ROLE_UNSPECIFIED &&
         (roles & base::RoleBit(role)) != 0;
}

void Caller::Grant(Role role) {
  if (v1::Role_IsValid(role) && role != v1::ROLE_UNSPECIFIED) {
    roles |= base::RoleBit(role);
  }
}

bool InRegions(const Caller& caller, absl::string_view kato) {
  return std::any_of(caller.regions.begin(), caller.regions.end(), [&](const std::string& region) {
    return !region.empty() && absl::StartsWith(kato, region);
  });
}

std::string RoleName(Role role) {
  return base::RoleName(role);
}

std::optional<Role> RoleFromName(absl::string_view name) {
  for (const Role role : AllRoles()) {
    if (RoleName(role) == name) {
      return role;
    }
  }
  return std::nullopt;
}

std::vector<Role> AllRoles() {
  std::vector<Role> roles;
  for (int number = 1; number <= v1::Role_MAX; ++number) {
    if (v1::Role_IsValid(number)) {
      roles.push_back(static_cast<Role>(number));
    }
  }
  return roles;
}

}  // namespace nisi::rpc
