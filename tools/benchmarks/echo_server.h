// The least a call costs on gRPC's own server: its callback API, raw bytes in and the same bytes
// out, no identity, no policy, no metrics.
#pragma once

#include <ostream>
#include <string>

#include "absl/status/status.h"

namespace nisi::bench {

inline constexpr char kEchoPath[] = "/nisi.bench.Echo/Echo";

struct EchoSettings {
  std::string address;
  std::string tls_dir;  // empty: plain text
};

// Serves until SIGTERM; prints {"port": N} when it does.
absl::Status RunEchoServer(const EchoSettings& settings, std::ostream& out);

}  // namespace nisi::bench
