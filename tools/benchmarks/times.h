// Times of one thing that is done many times within this process.
#pragma once

#include <algorithm>
#include <cstdint>
#include <ctime>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "common/base/status.h"

namespace nisi::bench {

// What this thread, or this whole process, has spent.
inline double MicrosOf(clockid_t clock) {
  timespec spent{};
  clock_gettime(clock, &spent);
  return static_cast<double>(spent.tv_sec) * 1e6 + static_cast<double>(spent.tv_nsec) / 1e3;
}
inline double CpuMicros() {
  return MicrosOf(CLOCK_THREAD_CPUTIME_ID);
}
inline double ProcessCpuMicros() {
  return MicrosOf(CLOCK_PROCESS_CPUTIME_ID);
}

// Times of one thing, done so many times.
class Times {
 public:
  absl::Status Measure(int64_t rounds, const std::function<absl::Status(int64_t)>& run) {
    const double before = CpuMicros();
    for (int64_t n = 0; n < rounds; ++n) {
      const absl::Time began = absl::Now();
      RETURN_IF_ERROR(run(n));
      micros_.push_back(absl::ToDoubleMicroseconds(absl::Now() - began));
    }
    cpu_ = (CpuMicros() - before) / static_cast<double>(rounds);
    std::sort(micros_.begin(), micros_.end());
    return absl::OkStatus();
  }
  std::string Json(const std::string& what) const {
    const auto at = [&](size_t percent) { return micros_[(micros_.size() - 1) * percent / 100]; };
    return absl::StrFormat(R"("%s p50_us": %.2f, "%s p99_us": %.2f, "%s cpu_us": %.2f)", what,
                           at(50), what, at(99), what, cpu_);
  }

 private:
  std::vector<double> micros_;
  double cpu_ = 0;
};

}  // namespace nisi::bench
