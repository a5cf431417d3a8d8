// gRPC's health protocol, for probes and those who spread calls.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "absl/status/status.h"
#include "common/http2/call.h"

namespace nisi::rpc {

inline constexpr char kHealthService[] = "grpc.health.v1.Health";
inline constexpr char kHealthCheckPath[] = "/grpc.health.v1.Health/Check";
inline constexpr char kHealthWatchPath[] = "/grpc.health.v1.Health/Watch";
// Trailing metadata of a Check, for `nisi doctor`: the version of the program, and its clock in
// milliseconds since 1970. Only who proved to be a process of the suite is told, and this machine.
inline constexpr char kVersionKey[] = "nisi-version";
inline constexpr char kTimeKey[] = "nisi-time";
// Serving as long as it answers, while it is being stopped too: of whatever it is asked by this
// name the answer is only whether the process is to be killed.
inline constexpr char kLivenessName[] = "liveness";
// Of a process with a store: serving while that can write and no damage of it is known. The other
// names serve for all a damaged file, as what does not lie in it is served.
inline constexpr char kStoreName[] = "store";

// Thread-safe.
class Health {
 public:
  // Known are these names, the empty one, which is the server as a whole, and kLivenessName.
  explicit Health(const std::set<std::string>& names);

  // Of all: what is not serving as a whole serves nothing.
  void SetServing(bool serving) { serving_ = serving; }
  // Of one of the names, each serving unless this said otherwise.
  void SetServing(const std::string& name, bool serving);
  // Asked at each Check, and by watches: why the name, or with the empty one all of them, does not
  // serve. It must not wait. The log says when it changes. Known is the name from here on; before
  // any call comes.
  void Ask(const std::string& name, std::function<absl::Status()> why_not);

  // Check and Watch, until the call's own deadline; a Check that asks nothing ends after
  // kMaxDeadline. A watcher learns of a change within a tick of its carrier.
  std::shared_ptr<http2::Taker> TakeCheck(const http2::CallHead& head,
                                          std::shared_ptr<http2::Replier> replier) const;
  std::shared_ptr<http2::Taker> TakeWatch(const http2::CallHead& head,
                                          std::shared_ptr<http2::Replier> replier) const;

 private:
  friend class HealthCall;
  // A HealthCheckResponse.ServingStatus.
  int StatusOf(const std::string& name) const;
  bool Passes(const std::string& name) const;

  struct Asked {
    std::function<absl::Status()> why_not;
    mutable std::atomic<bool> failing{false};  // as the log says
  };
  std::map<std::string, std::atomic<bool>> names_;
  std::map<std::string, Asked> asked_;
  std::atomic<bool> serving_{false};
};

}  // namespace nisi::rpc
