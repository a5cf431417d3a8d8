// The service: what it depends on, and which function answers which method.
#pragma once

#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "common/base/machine.h"
#include "common/cases/gate.h"
#include "common/rpc/host.h"

namespace nisi::export_refunds {

class Sources;

// Opens the service over its own store in `<data>/export-refunds`.
absl::StatusOr<std::unique_ptr<rpc::HostedService>> Open(const rpc::HostOptions& options);
// The same with somebody else to tell what other services know, and another gate of recipients;
// null: that of recorded notices.
absl::StatusOr<std::unique_ptr<rpc::HostedService>> OpenWith(
    const rpc::HostOptions& options, std::unique_ptr<Sources> sources,
    std::unique_ptr<cases::Gate> gate = nullptr);

// The states of its resources; their diagrams stand in README.md.
std::vector<const base::MachineDef*> Machines();

}  // namespace nisi::export_refunds
