#include "common/base/steady.h"

#include <chrono>

#include "common/base/clock.h"

namespace nisi::base {

absl::Time SteadyNow() {
  struct Begin {
    absl::Time time = SystemNow();
    std::chrono::steady_clock::time_point at = std::chrono::steady_clock::now();
  };
  static const Begin begin;
  return begin.time + absl::FromChrono(std::chrono::steady_clock::now() - begin.at);
}

}  // namespace nisi::base
