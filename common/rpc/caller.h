// Who is calling, once identity is established: by token, by client certificate or by a signed call
// context.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "absl/strings/string_view.h"
#include "common/base/roles.h"
#include "nisi/rpc/v1/options.pb.h"

namespace nisi::rpc {

using Role = v1::Role;

struct Caller {
  std::string subject;  // Stable id of the person or system; empty: nobody signed in.
  std::string bin;      // BIN or IIN it acts for; empty where it acts for a state body.
  uint32_t roles = 0;   // Bit n is set for Role number n.
  std::vector<std::string> regions;  // KATO prefixes of an AKIMAT; empty: no region.
  std::string purpose;
  std::vector<std::string> actors;  // The services the call came through, first the gateway.
  // The signed call context that says all this, which goes on with what is asked for the caller.
  // How it was proved, and not who it is: it makes no other caller.
  std::string received;

  // Everybody has PUBLIC; nobody has ROLE_UNSPECIFIED.
  bool Has(Role role) const;
  void Grant(Role role);
  bool anonymous() const { return subject.empty(); }

  friend bool operator==(const Caller& a, const Caller& b) {
    const auto who = [](const Caller& one) {
      return std::tie(one.subject, one.bin, one.roles, one.regions, one.purpose, one.actors);
    };
    return who(a) == who(b);
  }
};

// Whether a place of KATO, or the beginning of places, lies in one of the caller's regions.
bool InRegions(const Caller& caller, absl::string_view kato);

// The written form: the lower-case enum name whose first underscore is a dot,
// "institute.local_content".
std::string RoleName(Role role);
// std::nullopt for what is not the exact written form of a role.
std::optional<Role> RoleFromName(absl::string_view name);
// Every role but ROLE_UNSPECIFIED, by number.
std::vector<Role> AllRoles();

}  // namespace nisi::rpc
