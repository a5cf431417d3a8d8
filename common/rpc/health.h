// gRPC's health protocol, for probes and those who spread calls.
#pragma once

#include <atomic>
#include <memory>
#include <set>
#include <string>

#include "common/http2/call.h"

namespace nisi::rpc {

inline constexpr char kHealthService[] = "grpc.health.v1.Health";
inline constexpr char kHealthCheckPath[] = "/grpc.health.v1.Health/Check";
inline constexpr char kHealthWatchPath[] = "/grpc.health.v1.Health/Watch";

// Thread-safe.
class Health {
 public:
  // Known are these services and the empty name, the server as a whole.
  explicit Health(std::set<std::string> services);

  void SetServing(bool serving) { serving_ = serving; }

  // Check and Watch. A watcher learns of a change within a tick of its carrier.
  std::shared_ptr<http2::Taker> TakeCheck(std::shared_ptr<http2::Replier> replier) const;
  std::shared_ptr<http2::Taker> TakeWatch(std::shared_ptr<http2::Replier> replier) const;

 private:
  friend class HealthCall;
  // A HealthCheckResponse.ServingStatus.
  int StatusOf(const std::string& service) const;

  std::set<std::string> services_;
  std::atomic<bool> serving_{false};
};

}  // namespace nisi::rpc
