#include "common/store/failing_timers.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "common/store/tx.h"

namespace nisi::store {
namespace {

const absl::Time kStart = absl::FromUnixSeconds(1'800'000'000);

TimerRow RowOf(const std::string& key, const std::string& payload) {
  return {key, absl::ToUnixMicros(kStart), "note", payload};
}

// All that are to be tried by `now`, each of which fails again.
std::vector<std::string> TriedBy(absl::Time now, FailingTimers* timers) {
  std::vector<std::string> keys;
  while (const auto row = timers->Next(now)) {
    keys.push_back(row->key);
    timers->Fail(*row, now);
  }
  return keys;
}

TEST(FailingTimersTest, WaitLongerEachTimeAndNotForever) {
  FailingTimers timers;
  EXPECT_EQ(timers.NextAttempt(kStart), absl::InfiniteFuture());
  EXPECT_FALSE(timers.Next(kStart).has_value());
  EXPECT_EQ(timers.Fail(RowOf("a", "x"), kStart), 1);
  EXPECT_EQ(timers.NextAttempt(kStart), kStart + absl::Seconds(1));
  EXPECT_FALSE(timers.Next(kStart).has_value());
  absl::Time now = kStart;
  for (int times = 2; times < 100; ++times) {
    now = timers.NextAttempt(now);
    ASSERT_TRUE(timers.Next(now).has_value());
    EXPECT_EQ(timers.Fail(RowOf("a", "x"), now), times);
    EXPECT_LE(timers.NextAttempt(now) - now, absl::Minutes(10));
  }
  EXPECT_EQ(timers.NextAttempt(now), now + absl::Minutes(10));
  EXPECT_EQ(timers.counts().failing, 1);
  timers.Forget("a");
  EXPECT_EQ(timers.counts().failing, 0);
  EXPECT_FALSE(timers.Has("a"));
  EXPECT_EQ(timers.Fail(RowOf("a", "x"), now), 1);
}

TEST(FailingTimersTest, ThoseOfOneRecordKeepTheirOrderAndOthersDoNotWait) {
  FailingTimers timers;
  EXPECT_FALSE(timers.HoldBack(RowOf("b", "x")));
  timers.Fail(RowOf("b", "x"), kStart);
  EXPECT_TRUE(timers.HoldBack(RowOf("c", "x")));
  EXPECT_TRUE(timers.HoldBack(RowOf("d", "x")));
  EXPECT_FALSE(timers.HoldBack(RowOf("e", "y")));
  EXPECT_FALSE(timers.HoldBack(RowOf("a", "x")));  // it is the earlier
  timers.Fail(RowOf("e", "y"), kStart);
  EXPECT_EQ(timers.counts().failing, 4);
  absl::Time now = kStart;
  for (int i = 0; i < 5; ++i) {
    now = timers.NextAttempt(now);
    EXPECT_EQ(TriedBy(now, &timers), (std::vector<std::string>{"b", "e"}));
  }
  now = timers.NextAttempt(now);
  timers.Forget("b");
  EXPECT_EQ(TriedBy(now, &timers), (std::vector<std::string>{"c", "e"}));
}

TEST(FailingTimersTest, AClockThatIsSetBackKeepsThemWaitingNoLonger) {
  FailingTimers timers;
  timers.Fail(RowOf("a", "x"), kStart);
  ASSERT_EQ(TriedBy(kStart + absl::Seconds(1), &timers).size(), 1U);
  const absl::Time before = kStart - absl::Hours(24 * 365);
  EXPECT_EQ(timers.NextAttempt(before), before);
  EXPECT_EQ(TriedBy(before, &timers).size(), 1U);
  EXPECT_LE(timers.NextAttempt(before) - before, absl::Minutes(10));
}

TEST(FailingTimersTest, WhatIsSoonOverIsTriedEachSecondAndAllAtOnceWhenItIs) {
  FailingTimers timers;
  absl::Time now = kStart;
  for (int times = 0; times < 20; ++times) {
    timers.Fail(RowOf("a", "x"), now, /*passing=*/true);
    EXPECT_EQ(timers.NextAttempt(now), now + absl::Seconds(1));
    now += absl::Seconds(1);
  }
  EXPECT_EQ(timers.Fail(RowOf("a", "x"), now), 21);
  EXPECT_EQ(timers.NextAttempt(now), now + absl::Seconds(1));
  for (int times = 0; times < 20; ++times) {
    timers.Fail(RowOf("a", "x"), now);
    timers.Fail(RowOf("b", "y"), now);
  }
  EXPECT_TRUE(timers.HoldBack(RowOf("c", "y")));
  EXPECT_TRUE(TriedBy(now + absl::Minutes(9), &timers).empty());
  timers.TryAll();
  EXPECT_LE(timers.NextAttempt(now), now);
  EXPECT_EQ(TriedBy(now, &timers), (std::vector<std::string>{"a", "b"}));
}

// Whoever reads by what is current must not, until the commit that makes it so.
TEST(FailingTimersTest, AVersionThatIsToTakeEffectCountsUntilItsTurnIsCommitted) {
  FailingTimers timers;
  TimerRow row = RowOf("a", "x");
  EXPECT_FALSE(timers.OnCommit());
  timers.Fail(row, kStart);
  EXPECT_TRUE(timers.OnCommit());
  EXPECT_EQ(timers.earliest_effective_us(), INT64_MAX);  // of another kind
  timers.Forget("a");
  row.kind = kEffectiveTimer;
  timers.Fail(row, kStart);
  EXPECT_EQ(timers.earliest_effective_us(), row.due_us);
  timers.Forget("a");
  EXPECT_EQ(timers.earliest_effective_us(), row.due_us);
  EXPECT_TRUE(timers.changed());
  EXPECT_TRUE(timers.OnCommit());  // of the batch before
  EXPECT_FALSE(timers.changed());
  EXPECT_EQ(timers.earliest_effective_us(), row.due_us);
  EXPECT_TRUE(timers.OnCommit({"a"}));
  EXPECT_EQ(timers.earliest_effective_us(), INT64_MAX);
  EXPECT_FALSE(timers.OnCommit());
  // Its batch may be the next that is committed as well.
  timers.Fail(row, kStart);
  timers.Forget("a");
  EXPECT_TRUE(timers.OnCommit({"a"}));
  EXPECT_EQ(timers.earliest_effective_us(), INT64_MAX);
}

}  // namespace
}  // namespace nisi::store
