// Callers for tests.
#pragma once

#include <string>
#include <vector>

#include "common/rpc/caller.h"

namespace nisi::rpc {

inline Caller CallerOf(const std::vector<Role>& roles, const std::string& bin = "",
                       const std::vector<std::string>& regions = {}) {
  Caller caller;
  caller.subject = "somebody";
  caller.bin = bin;
  caller.regions = regions;
  for (const Role role : roles) caller.Grant(role);
  return caller;
}

}  // namespace nisi::rpc
