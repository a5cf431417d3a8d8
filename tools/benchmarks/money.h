// What a posting of money costs beside a plain durable write of the same store.
#pragma once

#include <cstdint>
#include <ostream>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace nisi::bench {

struct MoneySettings {
  std::string dir;
  std::string what;  // post, or put: one record with its index and journal entry
  int64_t threads = 64;
  absl::Duration time;
};

// Callers who each wait for their commits on one store that syncs. Prints {"writes", "per_second",
// "cpu_us"}.
absl::Status RunMoney(const MoneySettings& settings, std::ostream& out);

}  // namespace nisi::bench
