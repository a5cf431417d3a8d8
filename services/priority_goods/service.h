// The service: what it depends on, and which function answers which method.
#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "common/rpc/host.h"

namespace nisi::priority_goods {

// Opens the service over its own store in `<data>/priority-goods`.
absl::StatusOr<std::unique_ptr<rpc::HostedService>> Open(const rpc::HostOptions& options);

}  // namespace nisi::priority_goods
