#pragma once

#include <map>
#include <string>
#include <vector>

#include "common/base/machine.h"
#include "common/rpc/host.h"
#include "common/store/table.h"

namespace nisi::cli {

struct ServiceParts {
  rpc::OpenService open;
  const store::Schema& (*schema)();
  std::vector<const base::MachineDef*> (*machines)();
};

// Every service of the suite, by the name that its protos give as owner.
const std::map<std::string, ServiceParts>& ServedServices();

}  // namespace nisi::cli
