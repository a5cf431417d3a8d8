// A store of priority goods with a long journal, to measure how fast a service starts on it.
#pragma once

#include <cstdint>
#include <ostream>
#include <string>

#include "absl/status/status.h"

namespace nisi::bench {

struct FillSettings {
  std::string data;
  int64_t entries = 1'000'000;
};

// Small commands until the journal has `entries` entries. Prints {"position"}.
absl::Status RunFill(const FillSettings& settings, std::ostream& out);

}  // namespace nisi::bench
