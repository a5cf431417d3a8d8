// The raw limits under a durable write: the disk's sync, and RocksDB without a store around it.
#pragma once

#include <cstdint>
#include <ostream>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace nisi::bench {

struct RawSettings {
  std::string dir;
  int64_t threads = 64;
  int64_t keys = 9;
  int64_t bytes = 2000;
  absl::Duration time;
};

// RocksDB with the settings of our engine: every thread writes batches of `keys` keys and `bytes`
// bytes, each synced. Prints {"writes", "per_second", "cpu_us"}.
absl::Status RunRocks(const RawSettings& settings, std::ostream& out);
// Prints {"syncs", "p50_us", "p99_us"} of append and fdatasync.
absl::Status RunFdatasync(const RawSettings& settings, std::ostream& out);

}  // namespace nisi::bench
