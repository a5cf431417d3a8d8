// The service: what it depends on, and which function answers which method.
#pragma once

#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "common/base/machine.h"
#include "common/rpc/host.h"
#include "services/contracts/env.h"

namespace nisi::contracts {

// Opens the service over its own store in `<data>/contracts`.
absl::StatusOr<std::unique_ptr<rpc::HostedService>> Open(const rpc::HostOptions& options);

// The same with others to ask: for tests.
absl::StatusOr<std::unique_ptr<rpc::HostedService>> OpenWith(const rpc::HostOptions& options,
                                                             std::unique_ptr<Sources> sources);

// What its norms must be for it to start: each statutory day of this year. NORM_NOT_IN_FORCE.
absl::Status CheckNorms(const norms::Norms& norms, base::Date today);

// The states of its resources; their diagrams stand in README.md.
std::vector<const base::MachineDef*> Machines();

}  // namespace nisi::contracts
