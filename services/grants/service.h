// The service: what it depends on, and which function answers which method.
#pragma once

#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "common/base/machine.h"
#include "common/rpc/host.h"
#include "services/grants/env.h"

namespace nisi::grants {

// Opens the service over its own store in `<data>/grants`.
absl::StatusOr<std::unique_ptr<rpc::HostedService>> Open(const rpc::HostOptions& options);

// The same with others to ask, which outlive it: for tests. Null: the usual ones.
struct Neighbours {
  Sources* sources = nullptr;
  cases::Gate* gate = nullptr;
  bool own_gate = false;  // `gate` is this register's own all the same, with something after it
};
absl::StatusOr<std::unique_ptr<rpc::HostedService>> OpenWith(const rpc::HostOptions& options,
                                                             const Neighbours& neighbours);

// What its norms must be for it to start, so that nobody finds out at a meeting or a payment:
// COMMISSION_NORMS_INVALID, TRANCHE_SHARES_INVALID, each with the first day; NORM_NOT_IN_FORCE.
absl::Status CheckNorms(const norms::Norms& norms, base::Date today);

// The states of its resources; their diagrams stand in README.md.
std::vector<const base::MachineDef*> Machines();

}  // namespace nisi::grants
