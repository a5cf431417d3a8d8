#include "services/gateway/limits.h"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "services/gateway/memory.h"

namespace nisi::gateway {
namespace {

// How many streams one more caller gets.
size_t TakeAll(StreamShares& streams, const std::string& caller, Rank rank) {
  size_t taken = 0;
  while (streams.Take(caller, rank)) ++taken;
  return taken;
}

TEST(StreamsTest, WhoeverComesNextHasOneToo) {
  for (const Rank rank : {Rank::kPublic, Rank::kReading, Rank::kChanging}) {
    StreamShares streams(512, 64);
    EXPECT_EQ(TakeAll(streams, "first", rank), 64U);
    for (int i = 0; i < 8; ++i) EXPECT_GT(TakeAll(streams, absl::StrCat(i), rank), 0U) << i;
    EXPECT_TRUE(streams.Take("last", rank));
  }
}

TEST(StreamsTest, WhoIsNobodyLeavesSomeForOthers) {
  StreamShares streams(100, 1);
  for (int i = 0; i < 200; ++i) streams.Take(absl::StrCat(i), Rank::kPublic);
  EXPECT_EQ(streams.taken(), 75U);
  for (int i = 200; i < 400; ++i) streams.Take(absl::StrCat(i), Rank::kReading);
  EXPECT_EQ(streams.taken(), 90U);
  for (int i = 400; i < 600; ++i) streams.Take(absl::StrCat(i), Rank::kChanging);
  EXPECT_EQ(streams.taken(), 100U);
}

TEST(StreamsTest, WhatIsGivenBackIsFree) {
  StreamShares streams(4, 4);
  EXPECT_EQ(TakeAll(streams, "a", Rank::kChanging), 2U);
  streams.Give("a");
  streams.Give("a");
  EXPECT_EQ(streams.taken(), 0U);
  EXPECT_EQ(TakeAll(streams, "b", Rank::kChanging), 2U);
}

constexpr absl::Time kMoment = absl::FromUnixSeconds(1'800'000'000);

// How many calls it gives at one moment.
int TakeAll(Bucket& bucket, absl::Time now) {
  int taken = 0;
  while (!bucket.Take(now).has_value()) ++taken;
  return taken;
}

TEST(BucketTest, ItGivesItsBurstAndThenWhatComes) {
  Bucket bucket(10, 5);
  EXPECT_TRUE(bucket.Full(kMoment));
  EXPECT_EQ(TakeAll(bucket, kMoment), 5);
  EXPECT_FALSE(bucket.Full(kMoment));
  EXPECT_EQ(bucket.Look(kMoment), absl::Milliseconds(100));
  EXPECT_EQ(bucket.Look(kMoment + absl::Milliseconds(40)), absl::Milliseconds(60));
  EXPECT_EQ(TakeAll(bucket, kMoment + absl::Milliseconds(99)), 0);
  EXPECT_EQ(TakeAll(bucket, kMoment + absl::Milliseconds(300)), 3);
  EXPECT_EQ(TakeAll(bucket, kMoment + absl::Hours(1)), 5);
}

TEST(BucketTest, AClockSetBackFillsItNeitherFasterNorSlower) {
  Bucket bucket(10, 5);
  EXPECT_EQ(TakeAll(bucket, kMoment), 5);
  const absl::Time back = kMoment - absl::Hours(24);
  EXPECT_EQ(TakeAll(bucket, back), 0);
  EXPECT_EQ(TakeAll(bucket, back + absl::Milliseconds(200)), 2);
}

TEST(BucketTest, TheSlowestAndTheFastest) {
  Bucket never(1e-6, 100);
  EXPECT_EQ(TakeAll(never, kMoment), 100);
  EXPECT_EQ(TakeAll(never, kMoment + absl::Hours(24)), 0);
  Bucket large(1e-6, 100'000);
  EXPECT_EQ(TakeAll(large, kMoment), 100'000);
  Bucket always(1e12, 10);
  EXPECT_EQ(TakeAll(always, kMoment), 10);
  EXPECT_EQ(TakeAll(always, kMoment + absl::Microseconds(1)), 10);
}

TEST(BucketTest, WhatManyTakeAtOnceIsTheBurst) {
  Bucket bucket(1, 10'000);
  std::atomic<int> taken{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) threads.emplace_back([&] { taken += TakeAll(bucket, kMoment); });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(taken, 10'000);
}

TEST(RateLimiterTest, ACallerHasOneBucket) {
  RateLimiter limiter(10, 2);
  EXPECT_EQ(TakeAll(*limiter.Of("a", kMoment), kMoment), 2);
  EXPECT_TRUE(limiter.Look("a", kMoment).has_value());
  EXPECT_EQ(TakeAll(*limiter.Of("a", kMoment), kMoment), 0);
  EXPECT_EQ(TakeAll(*limiter.Of("b", kMoment), kMoment), 2);
  EXPECT_FALSE(limiter.Look("c", kMoment).has_value());
  EXPECT_EQ(limiter.size(), 2U);
  EXPECT_EQ(RateLimiter(0, 2).Of("a", kMoment), nullptr);
}

TEST(RateLimiterTest, OfTooManyThoseThatAreFullAreForgotten) {
  RateLimiter limiter(10, 2);
  TakeAll(*limiter.Of("greedy", kMoment), kMoment);
  for (size_t i = 0; i < RateLimiter::kMaxCallers; ++i) limiter.Of(absl::StrCat(i), kMoment);
  EXPECT_LE(limiter.size(), 2U);
  EXPECT_TRUE(limiter.Look("greedy", kMoment).has_value());
}

TEST(MemoryTest, WhoIsRefusedFirstIsSoFirst) {
  Memory memory(1000);
  memory.Set(799);
  EXPECT_TRUE(memory.HasRoomFor(Rank::kPublic));
  memory.Set(800);
  EXPECT_FALSE(memory.HasRoomFor(Rank::kPublic));
  EXPECT_TRUE(memory.HasRoomFor(Rank::kReading));
  memory.Set(900);
  EXPECT_FALSE(memory.HasRoomFor(Rank::kReading));
  EXPECT_TRUE(memory.HasRoomFor(Rank::kChanging));
  memory.Set(950);
  EXPECT_FALSE(memory.HasRoomFor(Rank::kChanging));
}

TEST(MemoryTest, ItKnowsWhatThisProcessTakes) {
  Memory memory(1);
  EXPECT_GT(memory.taken(), size_t{1} << 20);
  EXPECT_FALSE(memory.HasRoomFor(Rank::kChanging));
  Memory unbounded(0);
  EXPECT_TRUE(unbounded.HasRoomFor(Rank::kPublic));
}

}  // namespace
}  // namespace nisi::gateway
