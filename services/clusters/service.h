// The service: what it depends on, and which function answers which method.
#pragma once

#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "common/base/machine.h"
#include "common/rpc/host.h"

namespace nisi::clusters {

// Opens the service over its own store in `<data>/clusters`.
absl::StatusOr<std::unique_ptr<rpc::HostedService>> Open(const rpc::HostOptions& options);

// The states of its resources; their diagrams stand in README.md.
std::vector<const base::MachineDef*> Machines();

}  // namespace nisi::clusters
