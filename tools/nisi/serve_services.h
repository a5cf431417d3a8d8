#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "common/base/date.h"
#include "common/base/machine.h"
#include "common/norms/norms.h"
#include "common/rpc/host.h"
#include "common/store/table.h"

namespace nisi::cli {

struct ServiceParts {
  rpc::OpenService open;
  const store::Schema& (*schema)();
  std::vector<const base::MachineDef*> (*machines)();
  // Whether it would start by these norms; null: by any that can be read.
  absl::Status (*check_norms)(const norms::Norms& norms, base::Date today) = nullptr;
};

// Every service of the suite, by the name that its protos give as owner.
const std::map<std::string, ServiceParts>& ServedServices();

}  // namespace nisi::cli
