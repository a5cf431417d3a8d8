// What bounds clients that nobody vouches for: budgets, places, room.
#include "common/http2/guard.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "common/http2/bucket.h"
#include "common/http2/conduct.h"

namespace nisi::http2 {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);

nghttp2_frame FrameOf(uint8_t type, uint8_t flags = 0, size_t length = 0) {
  nghttp2_frame frame{};
  frame.hd.type = type;
  frame.hd.flags = flags;
  frame.hd.length = length;
  return frame;
}

// How many it gives at one moment.
int TakeAll(Bucket& bucket, absl::Time now) {
  int taken = 0;
  while (!bucket.Take(now).has_value()) ++taken;
  return taken;
}

TEST(BucketTest, ItGivesItsBurstAndThenWhatComes) {
  Bucket bucket({5, 10});
  EXPECT_TRUE(bucket.Full(kNow));
  EXPECT_EQ(TakeAll(bucket, kNow), 5);
  EXPECT_FALSE(bucket.Full(kNow));
  EXPECT_EQ(bucket.Look(kNow), absl::Milliseconds(100));
  EXPECT_EQ(bucket.Look(kNow + absl::Milliseconds(40)), absl::Milliseconds(60));
  EXPECT_EQ(TakeAll(bucket, kNow + absl::Milliseconds(99)), 0);
  EXPECT_EQ(TakeAll(bucket, kNow + absl::Milliseconds(300)), 3);
  EXPECT_EQ(TakeAll(bucket, kNow + absl::Hours(1)), 5);
}

TEST(BucketTest, AClockSetBackCostsNobodyAnything) {
  Bucket bucket({5, 10});
  EXPECT_EQ(TakeAll(bucket, kNow), 5);
  EXPECT_EQ(TakeAll(bucket, kNow - absl::Milliseconds(50)), 0) << "another thread's clock";
  const absl::Time back = kNow - absl::Hours(24);
  EXPECT_EQ(TakeAll(bucket, back), 5);
  EXPECT_EQ(TakeAll(bucket, back + absl::Milliseconds(200)), 2);
}

TEST(BucketTest, TheSlowestAndTheFastest) {
  Bucket never({100, 1e-6});
  EXPECT_EQ(TakeAll(never, kNow), 100);
  EXPECT_EQ(TakeAll(never, kNow + absl::Hours(24)), 0);
  Bucket large({100'000, 1e-6});
  EXPECT_EQ(TakeAll(large, kNow), 100'000);
  Bucket always({10, 1e12});
  EXPECT_EQ(TakeAll(always, kNow), 10);
  EXPECT_EQ(TakeAll(always, kNow + absl::Microseconds(1)), 10);
}

TEST(BucketTest, WhatManyTakeAtOnceIsTheBurst) {
  Bucket bucket({10'000, 1});
  std::atomic<int> taken{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) threads.emplace_back([&] { taken += TakeAll(bucket, kNow); });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(taken, 10'000);
}

TEST(BucketTest, WhatIsGivenIsThereAtOnceAndNoMoreThanItHolds) {
  Bucket bucket({5, 0});
  EXPECT_EQ(TakeAll(bucket, kNow), 5);
  bucket.Give(2);
  EXPECT_EQ(TakeAll(bucket, kNow), 2);
  for (int i = 0; i < 100'000; ++i) bucket.Give(4);
  EXPECT_EQ(TakeAll(bucket, kNow), 5);
  EXPECT_EQ(TakeAll(bucket, kNow + absl::Hours(24)), 0);
}

TEST(BucketTest, WithoutBoundsItIsNeverEmpty) {
  Bucket bucket({});
  for (int i = 0; i < 1000; ++i) EXPECT_FALSE(bucket.Take(kNow).has_value());
}

class ConductTest : public ::testing::Test {
 protected:
  static Limits Small() {
    Limits limits;
    limits.handshake = absl::Seconds(5);
    limits.resets = {2, 0};
    limits.chatter = {10, 0};
    limits.settings = {2, 0};
    return limits;
  }
  void Greet() {
    conduct_.OnFrame(FrameOf(NGHTTP2_SETTINGS), kNow);
    conduct_.OnFrame(FrameOf(NGHTTP2_SETTINGS, NGHTTP2_FLAG_ACK), kNow);
  }

  const Limits limits_ = Small();
  Conduct conduct_{limits_, kNow};
};

TEST_F(ConductTest, ResetsOfBothSidesCount) {
  conduct_.OnFrame(FrameOf(NGHTTP2_RST_STREAM), kNow);
  nghttp2_frame sent = FrameOf(NGHTTP2_RST_STREAM);
  conduct_.OnSent(sent, kNow);  // NO_ERROR: the call was answered
  sent.rst_stream.error_code = NGHTTP2_FLOW_CONTROL_ERROR;
  conduct_.OnSent(sent, kNow);
  EXPECT_FALSE(conduct_.broken().has_value());
  conduct_.OnSent(sent, kNow);
  EXPECT_EQ(conduct_.broken(), Refused::kResets);
}

TEST_F(ConductTest, AnswersPayForChatter) {
  for (int i = 0; i < 100; ++i) {
    conduct_.OnSent(FrameOf(NGHTTP2_DATA), kNow);
    for (const uint8_t type : {NGHTTP2_WINDOW_UPDATE, NGHTTP2_WINDOW_UPDATE, NGHTTP2_PING}) {
      conduct_.OnFrame(FrameOf(type), kNow);
    }
  }
  EXPECT_FALSE(conduct_.broken().has_value());
  for (int i = 0; i < 10; ++i) conduct_.OnFrame(FrameOf(NGHTTP2_DATA, 0, 1), kNow);
  // The last answer filled the budget, and three were spent of it.
  for (int i = 0; i < 7; ++i) conduct_.OnFrame(FrameOf(NGHTTP2_DATA), kNow);
  EXPECT_FALSE(conduct_.broken().has_value());
  conduct_.OnFrame(FrameOf(NGHTTP2_DATA), kNow);
  EXPECT_EQ(conduct_.broken(), Refused::kChatter);
}

TEST_F(ConductTest, SettingsAreFewAndAcknowledged) {
  Greet();
  conduct_.OnTick(kNow + absl::Seconds(60));
  EXPECT_FALSE(conduct_.broken().has_value());
  conduct_.OnFrame(FrameOf(NGHTTP2_SETTINGS), kNow);
  conduct_.OnFrame(FrameOf(NGHTTP2_SETTINGS), kNow);
  EXPECT_EQ(conduct_.broken(), Refused::kSettings);
  Conduct deaf(limits_, kNow);
  deaf.OnFrame(FrameOf(NGHTTP2_SETTINGS), kNow);
  deaf.OnTick(kNow + absl::Seconds(10));
  EXPECT_FALSE(deaf.broken().has_value());
  deaf.OnTick(kNow + absl::Seconds(11));
  EXPECT_EQ(deaf.broken(), Refused::kSettings);
}

TEST_F(ConductTest, GreetingsAndHeadsComeInTime) {
  conduct_.OnTick(kNow + absl::Seconds(5));
  EXPECT_FALSE(conduct_.broken().has_value());
  Conduct silent(limits_, kNow);
  silent.OnTick(kNow + absl::Seconds(6));
  EXPECT_EQ(silent.broken(), Refused::kSilence);
  Greet();
  const absl::Time later = kNow + absl::Minutes(1);
  conduct_.OnBegun(FrameOf(NGHTTP2_HEADERS).hd, later);
  conduct_.OnFrame(FrameOf(NGHTTP2_HEADERS), later);
  conduct_.OnTick(later + absl::Minutes(1));
  EXPECT_FALSE(conduct_.broken().has_value());
  conduct_.OnBegun(FrameOf(NGHTTP2_HEADERS).hd, later);
  conduct_.OnInvalid(FrameOf(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS));
  conduct_.OnTick(later + absl::Minutes(1));
  EXPECT_FALSE(conduct_.broken().has_value());
  conduct_.OnBegun(FrameOf(NGHTTP2_HEADERS).hd, later);
  conduct_.OnInvalid(FrameOf(NGHTTP2_HEADERS));  // more of it comes
  conduct_.OnBegun(FrameOf(NGHTTP2_CONTINUATION).hd, later + absl::Seconds(4));
  conduct_.OnTick(later + absl::Seconds(6));
  EXPECT_EQ(conduct_.broken(), Refused::kSilence);
}

class PlacesTest : public ::testing::Test {
 protected:
  std::shared_ptr<Place> Take(const std::string& address) {
    return places_->Take(address, kNow + absl::Seconds(++at_),
                         [this](const Place* place) { left_.push_back(place); });
  }
  static Limits Few() {
    Limits limits;
    limits.max_connections = 4;
    limits.max_connections_of_source = 3;
    return limits;
  }

  int at_ = 0;
  Refusals refusals_;
  std::shared_ptr<Places> places_ = std::make_shared<Places>(Few(), &refusals_);
  std::vector<const Place*> left_;
};

TEST_F(PlacesTest, OneSourceHasItsShareAndMakesPlaceForItself) {
  const auto first = Take("a");
  const auto second = Take("a");
  const auto third = Take("a");
  first->SetBusy(true, kNow);
  const auto fourth = Take("a");
  ASSERT_NE(fourth, nullptr);
  EXPECT_EQ(left_, std::vector<const Place*>{second.get()});  // the longest without calls
  EXPECT_EQ(places_->taken(), 3U);
  third->SetBusy(true, kNow);
  fourth->SetBusy(true, kNow);
  EXPECT_EQ(Take("a"), nullptr);
  EXPECT_EQ(refusals_.Of(Refused::kConnections), 2U);
}

TEST_F(PlacesTest, WhoHasMostMakesPlaceBusyOrNot) {
  const auto good = Take("good");
  std::vector<std::shared_ptr<Place>> many;
  for (int i = 0; i < 3; ++i) {
    many.push_back(Take("bad"));
    many.back()->SetBusy(true, kNow + absl::Seconds(at_));
  }
  const auto other = Take("other");
  ASSERT_NE(other, nullptr);
  EXPECT_EQ(left_, std::vector<const Place*>{many[0].get()});
  EXPECT_EQ(places_->taken(), 4U);
}

TEST_F(PlacesTest, WhereAllHaveOneTheIdleMakesPlace) {
  const auto a = Take("a");
  const auto b = Take("b");
  const auto c = Take("c");
  const auto d = Take("d");
  a->SetBusy(true, kNow);
  const auto e = Take("e");
  ASSERT_NE(e, nullptr);
  EXPECT_EQ(left_, std::vector<const Place*>{b.get()});
  for (const auto& place : {c, d, e}) place->SetBusy(true, kNow);
  EXPECT_EQ(Take("f"), nullptr);
  EXPECT_NE(Take(""), nullptr);  // of this machine, by a file
}

TEST_F(PlacesTest, PlacesAreGivenBack) {
  for (int i = 0; i < 100; ++i) EXPECT_NE(Take("a"), nullptr);
  EXPECT_EQ(places_->taken(), 0U);
  EXPECT_TRUE(left_.empty());
}

TEST(Places, ArrivalsAreBounded) {
  Limits limits;
  limits.arrivals_of_source = {2, 1};
  Refusals refusals;
  const auto places = std::make_shared<Places>(limits, &refusals);
  const auto take = [&](const char* address, absl::Time now) {
    return places->Take(address, now, [](const Place*) {}) != nullptr;
  };
  EXPECT_TRUE(take("a", kNow));
  EXPECT_TRUE(take("a", kNow));
  EXPECT_FALSE(take("a", kNow));
  EXPECT_TRUE(take("b", kNow));
  EXPECT_TRUE(take("a", kNow + absl::Seconds(1)));
  EXPECT_EQ(refusals.Of(Refused::kArrivals), 1U);
}

TEST(Room, ASourceHoldsNoMoreThanWhatIsFree) {
  constexpr size_t kKib = 1 << 10;
  const auto room = std::make_shared<Room>(1000 * kKib);
  const auto source = [] { return std::make_shared<Source>(Rate()); };
  const auto hog = source();
  Room::Held first(room, hog);
  EXPECT_TRUE(first.Set(400 * kKib));
  Room::Held second(room, hog);
  EXPECT_TRUE(second.Set(100 * kKib));
  EXPECT_FALSE(second.Set(101 * kKib));
  EXPECT_EQ(room->held(), 500 * kKib);
  {
    Room::Held other(room, source());
    EXPECT_TRUE(other.Set(250 * kKib));
    EXPECT_FALSE(other.Set(251 * kKib));
    EXPECT_TRUE(first.Set(200 * kKib));
    EXPECT_TRUE(other.Set(300 * kKib));
  }
  EXPECT_EQ(room->held(), 300 * kKib);
  EXPECT_TRUE(first.Set(0));
  EXPECT_TRUE(second.Set(0));
  EXPECT_EQ(room->held(), 0U);
  // However many there are, each may have a little.
  std::vector<std::unique_ptr<Room::Held>> many;
  for (int i = 0; i < 20; ++i) {
    many.push_back(std::make_unique<Room::Held>(room, source()));
    EXPECT_TRUE(many.back()->Set(100 * kKib)) << i;
  }
  EXPECT_FALSE(many.back()->Set(200 * kKib));
  Room::Held unbounded(std::make_shared<Room>(0), hog);
  EXPECT_TRUE(unbounded.Set(1 << 30));
}

}  // namespace
}  // namespace nisi::http2
