// Calls of several callers, each with a token, an address and connections of its own, as many as
// are begun: none waits for another. What a server says to each is handed on, refusals too. One
// thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "tools/benchmarks/pipe.h"

namespace nisi::bench {

class OpenClient {
 public:
  struct Settings {
    std::string address;
    std::string authority;  // PEM file; empty: plain text
    std::string network;    // "127.0.200": the callers are at .2, .3 and so on
    std::vector<std::string> tokens;
    std::vector<std::string> paths;
    size_t connections = 4;  // of a caller
    absl::Duration deadline;
  };
  struct Outcome {
    size_t call = 0;
    int code = -1;              // of gRPC; -1: none came
    uint32_t reset = 0;         // of a call that was reset: the error of HTTP/2
    absl::string_view details;  // a google.rpc.Status in base64
  };
  using OnOver = std::function<void(const Outcome&)>;

  static absl::StatusOr<std::unique_ptr<OpenClient>> Open(const Settings& settings, OnOver on_over);
  virtual ~OpenClient() = default;

  // False: the caller has as many calls under way as its connections take.
  virtual bool Start(size_t caller, size_t path, absl::string_view request, size_t call) = 0;
  // Sends what was begun and takes what has come, waiting so long for the first of it.
  virtual absl::Status Turn(absl::Duration wait) = 0;
  virtual size_t lost_connections() const = 0;
};

}  // namespace nisi::bench
