#include "common/base/share.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>
#include <random>

namespace nisi::base {
namespace {

using ::testing::ElementsAre;

Money Tenge(int64_t tenge) {
  return *Money::FromTenge(tenge);
}

TEST(WeightedSumTest, RoundsHalfUpOnce) {
  struct {
    const char* what;
    std::vector<std::pair<int64_t, int32_t>> lines;  // tiyn, share
    int64_t part;
    int32_t share;
  } const cases[] = {
      {"nothing", {}, 0, 0},
      {"all of it", {{100'00, 10'000}}, 100'00, 10'000},
      {"none of it", {{100'00, 0}}, 0, 0},
      {"half a tiyn goes up", {{1, 5'000}}, 1, 5'000},
      {"less than half goes down", {{1, 4'999}}, 0, 4'999},
      // Rounded line by line these would be 2, or none.
      {"two halves are one", {{1, 5'000}, {1, 5'000}}, 1, 5'000},
      {"two less than halves are one", {{1, 4'999}, {1, 4'999}}, 1, 4'999},
      {"a third", {{2, 0}, {1, 10'000}}, 1, 3'333},
      {"two thirds", {{1, 0}, {2, 10'000}}, 2, 6'667},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.what);
    WeightedSum sum;
    for (const auto& [tiyn, share] : c.lines) sum.Add(*Money::FromTiyn(tiyn), share);
    EXPECT_EQ(sum.Part()->tiyn(), c.part);
    EXPECT_EQ(sum.Share(), c.share);
  }
}

TEST(WeightedSumTest, HoldsMoreThan64BitsAndSaysSo) {
  WeightedSum sum;
  sum.Add(Tenge(Money::kMaxTenge), 9'999);  // 10^21 in tiyn x share
  EXPECT_EQ(sum.Whole()->units(), Money::kMaxTenge);
  EXPECT_EQ(sum.Part()->units(), Money::kMaxTenge / 10'000 * 9'999);
  for (int i = 0; i < 100'000; ++i) sum.Add(Tenge(Money::kMaxTenge), 9'999);
  EXPECT_FALSE(sum.Whole().ok());
  EXPECT_FALSE(sum.Part().ok());
  EXPECT_EQ(sum.Share(), 9'999);
}

TEST(LargestRemainderTest, PointsAddUp) {
  EXPECT_THAT(LargestRemainder({1, 1, 1}, 3), ElementsAre(3'334, 3'333, 3'333));
  EXPECT_THAT(LargestRemainder({1, 1}, 3), ElementsAre(3'333, 3'333));  // two thirds, down
  EXPECT_THAT(LargestRemainder({2, 1}, 3), ElementsAre(6'667, 3'333));
  EXPECT_THAT(LargestRemainder({5}, 5), ElementsAre(10'000));
  EXPECT_THAT(LargestRemainder({}, 5), ElementsAre());
  EXPECT_THAT(LargestRemainder({0, 7}, 7), ElementsAre(0, 10'000));
  // Past 64 bits when multiplied.
  EXPECT_THAT(LargestRemainder({333'333'333'333'333, 666'666'666'666'666}, 999'999'999'999'999),
              ElementsAre(3'333, 6'667));
}

TEST(LargestRemainderTest, NoPartIsOffByAPoint) {
  std::mt19937_64 random(7);
  for (int round = 0; round < 2'000; ++round) {
    std::vector<int64_t> parts(random() % 12);
    for (int64_t& part : parts) part = static_cast<int64_t>(random() % 1'000'000);
    const int64_t sum = std::accumulate(parts.begin(), parts.end(), int64_t{0});
    const int64_t whole = sum + 1 + static_cast<int64_t>(random() % 1'000);
    const std::vector<int32_t> shares = LargestRemainder(parts, whole);
    EXPECT_EQ(std::accumulate(shares.begin(), shares.end(), int64_t{0}), sum * 10'000 / whole);
    for (size_t i = 0; i < parts.size(); ++i) {
      const int64_t down = parts[i] * 10'000 / whole;
      EXPECT_TRUE(shares[i] == down || shares[i] == down + 1);
    }
  }
}

}  // namespace
}  // namespace nisi::base
