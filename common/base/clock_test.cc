#include "common/base/clock.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <thread>

#include "common/base/steady.h"

namespace nisi::base {
namespace {

const absl::Time kNoon = absl::FromUnixSeconds(1'700'000'000);
bool Never() {
  return false;
}

TEST(ClockTest, FakeStandsStillAndMoves) {
  FakeClock clock(kNoon);
  EXPECT_EQ(clock.Now(), kNoon);
  clock.Advance(absl::Hours(1));
  EXPECT_EQ(clock.Now(), kNoon + absl::Hours(1));
  clock.Set(kNoon);
  EXPECT_EQ(clock.Now(), kNoon);
}

TEST(ClockTest, SteadyTimeBeginsAtThatOfTheSystemAndRises) {
  const absl::Time begin = SteadyNow();
  EXPECT_LT(absl::AbsDuration(begin - SystemNow()), absl::Hours(1));
  const absl::Time later = SteadyNow();
  EXPECT_LE(begin, later);
  EXPECT_LT(later - begin, absl::Hours(1));
}

TEST(ClockTest, PastDeadlineAnswersAtOnceAndStopIsAskedFirst) {
  FakeClock clock(kNoon);
  EXPECT_TRUE(clock.WaitUntil(kNoon, Never));
  EXPECT_TRUE(clock.WaitUntil(absl::InfinitePast(), Never));
  EXPECT_FALSE(clock.WaitUntil(kNoon, [] { return true; }));
}

TEST(ClockTest, MovingTheClockWakesWaiters) {
  FakeClock clock(kNoon);
  std::atomic<int> looks = 0;
  auto woken = std::async(std::launch::async, [&] {
    return clock.WaitUntil(kNoon + absl::Hours(24 * 365), [&] {
      ++looks;
      return false;
    });
  });
  while (looks == 0) std::this_thread::yield();  // it waits
  clock.Advance(absl::Hours(1));                 // not yet
  clock.Advance(absl::Hours(24 * 365));
  EXPECT_TRUE(woken.get());
}

TEST(ClockTest, WakeMakesWaitersLookAtStop) {
  FakeClock fake(kNoon);
  MovableClock running;
  SystemClock system;
  for (Clock* clock :
       {static_cast<Clock*>(&fake), static_cast<Clock*>(&running), static_cast<Clock*>(&system)}) {
    std::atomic<int> looks = 0;
    std::atomic<bool> stopped = false;
    auto result = std::async(std::launch::async, [&] {
      return clock->WaitUntil(absl::InfiniteFuture(), [&] {
        ++looks;
        return stopped.load();
      });
    });
    while (looks == 0) std::this_thread::yield();
    stopped = true;
    clock->Wake();
    EXPECT_FALSE(result.get());
  }
}

TEST(ClockTest, RunningClockMovesByItsOffset) {
  MovableClock clock;
  clock.Advance(absl::Hours(1000));
  EXPECT_GE(clock.Now(), absl::Now() + absl::Hours(999));
  clock.Set(kNoon);
  EXPECT_GE(clock.Now(), kNoon);
  EXPECT_TRUE(clock.WaitUntil(kNoon + absl::Milliseconds(2), Never));  // by itself
}

TEST(ClockTest, SystemClockIsTheSystems) {
  SystemClock clock;
  const absl::Time before = absl::Now();
  const absl::Time now = clock.Now();
  EXPECT_LE(before, now);
  EXPECT_LE(now, absl::Now());
}

}  // namespace
}  // namespace nisi::base
