#include "common/base/roles.h"

#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_join.h"

namespace nisi::base {

std::string RoleName(rpc::v1::Role role) {
  std::string name = absl::AsciiStrToLower(rpc::v1::Role_Name(role));
  if (const size_t underscore = name.find('_'); underscore != std::string::npos) {
    name[underscore] = '.';
  }
  return name;
}

std::string RoleNames(uint32_t roles) {
  std::vector<std::string> names;
  for (int number = 1; number <= rpc::v1::Role_MAX; ++number) {
    if (!rpc::v1::Role_IsValid(number)) continue;
    const auto role = static_cast<rpc::v1::Role>(number);
    if ((roles & RoleBit(role)) != 0) names.push_back(RoleName(role));
  }
  return absl::StrJoin(names, ", ");
}

}  // namespace nisi::base
