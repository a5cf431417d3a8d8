// What makes the calls of a load: gRPC's own client, or a lean one over libnghttp2. All calls are
// unary and on one method.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tools/benchmarks/load.h"

namespace nisi::bench {

class Client {
 public:
  virtual ~Client() = default;
  // Begins a call; its bytes leave at the latest in the next Next(). `request` stays where it is
  // until the call is answered. `tag` is below `outstanding` of the settings, under way once.
  virtual void Start(absl::string_view request, size_t tag) = 0;
  // Waits for the answer to any call under way: its tag, or the first error of any.
  virtual absl::StatusOr<size_t> Next() = 0;
};

absl::StatusOr<std::unique_ptr<Client>> NewGrpcClient(const LoadSettings& settings,
                                                      const std::string& path);
// A fifth of the CPU time of gRPC's own.
absl::StatusOr<std::unique_ptr<Client>> NewHttp2Client(const LoadSettings& settings,
                                                       const std::string& path);

// A server that is silent for so long has failed.
inline constexpr int kCallSeconds = 60;

}  // namespace nisi::bench
