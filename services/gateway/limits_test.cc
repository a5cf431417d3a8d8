#include "services/gateway/limits.h"

#include <gtest/gtest.h>

#include <string>

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
int TakeAll(http2::Bucket& bucket, absl::Time now) {
  int taken = 0;
  while (!bucket.Take(now).has_value()) ++taken;
  return taken;
}

TEST(RateLimiterTest, ACallerHasOneBucket) {
  RateLimiter limiter({2, 10});
  EXPECT_EQ(TakeAll(*limiter.Of("a", kMoment), kMoment), 2);
  EXPECT_TRUE(limiter.Look("a", kMoment).has_value());
  EXPECT_EQ(TakeAll(*limiter.Of("a", kMoment), kMoment), 0);
  EXPECT_EQ(TakeAll(*limiter.Of("b", kMoment), kMoment), 2);
  EXPECT_FALSE(limiter.Look("c", kMoment).has_value());
  EXPECT_EQ(limiter.size(), 2U);
  EXPECT_EQ(RateLimiter({}).Of("a", kMoment), nullptr);
}

TEST(RateLimiterTest, OfTooManyThoseThatAreFullAreForgotten) {
  RateLimiter limiter({2, 10});
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
