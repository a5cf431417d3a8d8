// What contract planning takes: the service within this process, over a store of its own that
// syncs.
#pragma once

#include <cstdint>
#include <ostream>
#include <string>

#include "absl/status/status.h"

namespace nisi::bench {

struct ContractsSettings {
  std::string data;  // an empty folder
  int64_t needs = 5'000;
  int64_t deliveries = 10'000;
  int64_t rounds = 100;
};

// Forms a List from that many needs, each of a good of its own, and again when nothing changed;
// and computes the balance of a contract with so many deliveries, of today and of a day before.
// The database of suppliers answers at once. Prints {"<what> p50_us", "<what> p99_us", "<what>
// cpu_us"}.
absl::Status RunContracts(const ContractsSettings& settings, std::ostream& out);

}  // namespace nisi::bench
