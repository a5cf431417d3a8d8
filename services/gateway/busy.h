// What a call is told that there is no room for. Made beforehand: most of what comes at ten times
// the capacity gets this answer, and what it costs is taken from those that are served.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>

#include "absl/strings/string_view.h"
#include "common/http2/call.h"

namespace nisi::gateway {

// Thread-safe.
class Busy {
 public:
  Busy();

  // RESOURCE_EXHAUSTED, OVERLOADED. Those that are refused together are not to come back together:
  // each is told another time.
  http2::Answer Answer(absl::string_view trace_id);

 private:
  std::array<http2::Answer, 64> answers_;
  std::atomic<size_t> next_{0};
};

}  // namespace nisi::gateway
