// Callers for tests.
#pragma once

#include <string>
#include <vector>

#include "common/rpc/caller.h"

namespace nisi::rpc {

inline Caller CallerOf(const std::string& subject, const std::vector<Role>& roles,
                       const std::string& bin = "", const std::vector<std::string>& regions = {}) {
  Caller caller;
  caller.subject = subject;
  caller.bin = bin;
  caller.regions = regions;
  for (const Role role : roles) caller.Grant(role);
  return caller;
}
inline Caller CallerOf(const std::vector<Role>& roles, const std::string& bin = "",
                       const std::vector<std::string>& regions = {}) {
  return CallerOf("somebody", roles, bin, regions);
}

}  // namespace nisi::rpc
