// A closed loop of calls on one method: as many under way as asked for, each followed by the next
// as soon as it is answered. One thread, so that the client takes as little of the machine as it
// can.
#pragma once

#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace nisi::bench {

struct LoadSettings {
  std::string address;
  std::string workload;
  std::string client;    // grpc or http2
  std::string protocol;  // of http2: grpc, connect-proto or connect-json
  std::string token;
  std::string authority;  // PEM file; empty: plain text
  std::string parent;
  std::string codes_file;
  int64_t outstanding = 64;
  int64_t connections = 4;
  int64_t calls = 0;  // 0: measure for `time`
  int64_t salt = 0;
  absl::Duration warm_up;
  absl::Duration time;
  std::vector<std::string> pids;
};

// Prints {"calls", "seconds", "per_second", "p50_us", "p99_us", "server_cpu_us", "client_cpu_us"}:
// CPU time of the given processes, and of this one, a call. An answer other than OK ends it with
// that error.
absl::Status RunLoad(const LoadSettings& settings, std::ostream& out);

// Of the workloads, for help.
std::string WorkloadNames();

}  // namespace nisi::bench
