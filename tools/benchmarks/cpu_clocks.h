// How much CPU time processes have spent.
#pragma once

#include <time.h>

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace nisi::bench {

inline int64_t NanosOf(clockid_t clock) {
  timespec spent{};
  clock_gettime(clock, &spent);
  return int64_t{spent.tv_sec} * 1'000'000'000 + spent.tv_nsec;
}

// Of this one.
inline int64_t OwnCpu() {
  return NanosOf(CLOCK_PROCESS_CPUTIME_ID);
}

// CPU time of other processes so far, nanoseconds.
class CpuClocks {
 public:
  static absl::StatusOr<CpuClocks> Of(const std::vector<std::string>& pids) {
    CpuClocks clocks;
    for (const std::string& text : pids) {
      pid_t pid = 0;
      clockid_t clock{};
      if (!absl::SimpleAtoi(text, &pid) || clock_getcpuclockid(pid, &clock) != 0) {
        return absl::InvalidArgumentError(absl::StrCat("no process ", text));
      }
      clocks.ids_.push_back(clock);
    }
    return clocks;
  }
  int64_t Now() const {
    int64_t total = 0;
    for (const clockid_t id : ids_) total += NanosOf(id);
    return total;
  }

 private:
  std::vector<clockid_t> ids_;
};

}  // namespace nisi::bench
