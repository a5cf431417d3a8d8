#include "common/rpc/caller.h"

#include "absl/strings/ascii.h"

namespace nisi::rpc {
namespace {

static_assert(v1::Role_MAX < 32, "Caller::roles holds one bit a role");

constexpr uint32_t Bit(Role role) {
  return 1U << static_cast<uint32_t>(role);
}

}  // namespace

bool Caller::Has(Role role) const {
  if (role == v1::PUBLIC) {
    return true;
  }
  return v1::Role_IsValid(role) && role != v1::ROLE_UNSPECIFIED && (roles & Bit(role)) != 0;
}

void Caller::Grant(Role role) {
  if (v1::Role_IsValid(role) && role != v1::ROLE_UNSPECIFIED) {
    roles |= Bit(role);
  }
}

std::string RoleName(Role role) {
  std::string name = absl::AsciiStrToLower(v1::Role_Name(role));
  if (const size_t underscore = name.find('_'); underscore != std::string::npos) {
    name[underscore] = '.';
  }
  return name;
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
