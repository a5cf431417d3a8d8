#include "common/base/clock.h"

#include <algorithm>
#include <chrono>

namespace nisi::base {
namespace {

// The longest sleep without looking at the time again, should the system's clock be set meanwhile.
constexpr absl::Duration kLongestSleep = absl::Seconds(10);

}  // namespace

absl::Time MovableClock::NowLocked() const {
  return frozen_ ? at_ : SystemNow() + offset_;
}

absl::Time MovableClock::Now() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return NowLocked();
}

bool MovableClock::WaitUntil(absl::Time t, const std::function<bool()>& stop) {
  std::unique_lock<std::mutex> lock(mutex_);
  while (true) {
    if (stop()) return false;
    const absl::Time now = NowLocked();
    if (now >= t) return true;
    if (frozen_) {
      moved_.wait(lock);
    } else {
      // Rounded up, so that the wait does not end a moment early and spin.
      const absl::Duration sleep = std::min(t - now, kLongestSleep) + absl::Microseconds(1);
      moved_.wait_for(lock, absl::ToChronoMicroseconds(sleep));
    }
  }
}

void MovableClock::Wake() {
  // Taking the lock makes sure that no waiter is between its look at stop() and its sleep.
  { const std::lock_guard<std::mutex> lock(mutex_); }
  moved_.notify_all();
}

void MovableClock::Set(absl::Time t) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (frozen_) {
      at_ = t;
    } else {
      offset_ = t - SystemNow();
    }
  }
  moved_.notify_all();
}

void MovableClock::Advance(absl::Duration by) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (frozen_) {
      at_ += by;
    } else {
      offset_ += by;
    }
  }
  moved_.notify_all();
}

}  // namespace nisi::base
