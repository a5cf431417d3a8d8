// Health, and nothing else, on a port of its own in plain text: for probes that have no
// certificate, as those of a kubelet. Whoever reaches it learns what a closed connection tells too.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "common/http2/server.h"
#include "common/rpc/health.h"

namespace nisi::rpc {

inline constexpr char kHealthAddressHelp[] =
    "where to serve health checks, in plain text, for probes without a certificate; empty: nowhere";

class HealthPort {
 public:
  // `health` outlives it. FAILED_PRECONDITION where the port is taken or the address is none.
  static absl::StatusOr<std::unique_ptr<HealthPort>> Start(const std::string& address,
                                                           const Health& health);
  int port() const { return carrier_->port(); }

 private:
  explicit HealthPort(std::unique_ptr<http2::Server> carrier) : carrier_(std::move(carrier)) {}
  const std::unique_ptr<http2::Server> carrier_;
};

}  // namespace nisi::rpc
