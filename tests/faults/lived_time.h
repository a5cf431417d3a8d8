// How long something takes, on a machine that may stop for a while or have no time for anybody:
// what a process cannot live through is not counted, so that no other process is blamed for it.
#pragma once

#include <atomic>
#include <cstdint>
#include <thread>

#include "absl/time/time.h"

namespace nisi::faults {

// Counts from its making: one tick for every time that a thread which sleeps a tick has woken up.
class LivedTime {
 public:
  LivedTime();
  ~LivedTime();
  LivedTime(const LivedTime&) = delete;
  LivedTime& operator=(const LivedTime&) = delete;

  absl::Duration passed() const { return ticks_.load() * absl::Milliseconds(kTickMs); }

 private:
  static constexpr int64_t kTickMs = 10;
  std::atomic<int64_t> ticks_{0};
  std::atomic<bool> over_{false};
  std::thread thread_;  // last: it uses the others
};

}  // namespace nisi::faults
