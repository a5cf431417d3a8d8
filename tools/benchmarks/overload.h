// An open load of several callers: calls begin when their time has come, whatever became of those
// before, as those of many people do. In phases, each at its own rate; what came of each is told.
#pragma once

#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "tools/benchmarks/load.h"

namespace nisi::bench {

struct OverloadSettings {
  LoadSettings load;                   // address, authority, codes, parent, salt, pids
  std::vector<std::string> workloads;  // "get-entry=70": so many of all
  std::vector<std::string> tokens;     // a caller each
  std::vector<std::string> phases;     // "5000,3s": calls a second of all callers, for how long
  std::string network;                 // "127.0.200": their addresses are .2, .3 and so on
  int64_t connections = 2;             // of a caller
  int64_t greedy = 1;                  // as many calls does the first caller bring as another
  absl::Duration deadline;             // of a call
  absl::Duration wait;  // of a call for room on its caller's connections, as gRPC's clients let it
  absl::Duration settle;  // of each phase, not counted
};

// Prints {"phases": [...], "lost_connections"}. Of a phase: calls a second that began and that were
// answered with OK, by the moment when they were due; p50 and p99 of these, from that moment; how
// many were refused, by code and reason; of those that were read, how many said when to come again;
// "unsent": due, but all connections of the caller were full for `wait`; CPU of the servers and of
// this client; and the same by caller, and by quarters of a second.
absl::Status RunOverload(const OverloadSettings& settings, std::ostream& out);

}  // namespace nisi::bench
