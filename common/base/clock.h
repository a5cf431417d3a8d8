// Time as a parameter: the one place that asks what time it is, and that waits.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>

#include "absl/time/time.h"

namespace nisi::base {

// What the clock of the machine says. absl::Now() follows the cycles of the processor instead, and
// believes a clock that was set only up to two seconds later, in each process at another time.
inline absl::Time SystemNow() {
  return absl::FromChrono(std::chrono::system_clock::now());
}

// Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;

  virtual absl::Time Now() const = 0;
  // Blocks until Now() >= t (returns true) or stop() holds (returns false; asked first). stop() is
  // asked at the beginning and after every Wake() and move of the clock, under the clock's lock: it
  // must not call the clock. Whoever makes stop() true calls Wake() afterwards.
  virtual bool WaitUntil(absl::Time t, const std::function<bool()>& stop) = 0;
  // Wakes all waiters to look again.
  virtual void Wake() = 0;
};

// A clock that runs with the system's plus an offset, or stands still (tests, trying out a whole
// year).
class MovableClock : public Clock {
 public:
  // Runs with the system clock.
  MovableClock() = default;
  // Stands still at `frozen_at`.
  explicit MovableClock(absl::Time frozen_at) : frozen_(true), at_(frozen_at) {}

  absl::Time Now() const override;
  bool WaitUntil(absl::Time t, const std::function<bool()>& stop) override;
  void Wake() override;

  // From here on Now() starts at t and goes on as before: running or standing still.
  void Set(absl::Time t);
  void Advance(absl::Duration by);

 private:
  absl::Time NowLocked() const;

  mutable std::mutex mutex_;
  std::condition_variable moved_;
  const bool frozen_ = false;
  absl::Time at_;          // where it is frozen
  absl::Duration offset_;  // where it runs
};

// The system's clock.
class SystemClock final : public Clock {
 public:
  absl::Time Now() const override { return SystemNow(); }
  bool WaitUntil(absl::Time t, const std::function<bool()>& stop) override {
    return waiter_.WaitUntil(t, stop);
  }
  void Wake() override { waiter_.Wake(); }

 private:
  MovableClock waiter_;  // never moved
};

// For tests: stands still until it is moved.
class FakeClock final : public MovableClock {
 public:
  explicit FakeClock(absl::Time now) : MovableClock(now) {}
};

}  // namespace nisi::base
