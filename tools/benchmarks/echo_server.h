// The least a call costs on gRPC's own server: its callback API, raw bytes in and the same bytes
// out, no identity, no policy, no metrics.
#pragma once

#include <ostream>
#include <string>

#include "absl/status/status.h"

namespace nisi::bench {

inline constexpr char kEchoPath[] = "/nisi.bench.Echo/Echo";
// A method that the gateway has a service for: the same echo behind it.
inline constexpr char kCheckGoodsPath[] = "/nisi.priority_goods.v1.PriorityGoodsService/CheckGoods";

struct EchoSettings {
  std::string address;
  std::string tls_dir;  // empty: plain text
  std::string as;       // whose certificate it shows
};

// Serves until SIGTERM; prints {"port": N} when it does.
absl::Status RunEchoServer(const EchoSettings& settings, std::ostream& out);

}  // namespace nisi::bench
