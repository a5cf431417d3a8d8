// Roles of callers as tables of the law name them: sets of bits, and their written form.
#pragma once

#include <cstdint>
#include <string>

#include "nisi/rpc/v1/options.pb.h"

namespace nisi::base {

static_assert(rpc::v1::Role_MAX < 32, "a set of roles holds one bit a role");

// Bit n is Role number n.
constexpr uint32_t RoleBit(rpc::v1::Role role) {
  return 1U << static_cast<uint32_t>(role);
}

// The lower-case enum name whose first underscore is a dot: "institute.local_content".
std::string RoleName(rpc::v1::Role role);
// Of a set, by number: "authority.industry, akimat".
std::string RoleNames(uint32_t roles);

}  // namespace nisi::base
