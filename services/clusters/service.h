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

// What its norms must be for it to start, so that nobody finds out at a meeting:
// COMMISSION_NORMS_INVALID with the first day; NORM_NOT_IN_FORCE.
absl::Status CheckNorms(const norms::Norms& norms, base::Date today);

// The states of its resources; their diagrams stand in README.md.
std::vector<const base::MachineDef*> Machines();

}  // namespace nisi::clusters
