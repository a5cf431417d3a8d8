#include "common/base/neighbours.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "common/base/codes.h"

namespace nisi::base {
namespace {

TEST(NeighboursTest, ArePairsOfKnownRegionsInOrder) {
  std::set<int> prefixes;
  for (const KatoRegion& region : KatoRegions()) prefixes.insert(region.prefix);
  std::set<int> placed;
  for (const auto& [first, second] : Neighbours()) {
    EXPECT_LT(first, second);
    EXPECT_TRUE(prefixes.contains(first) && prefixes.contains(second)) << first << " " << second;
    placed.insert({first, second});
  }
  EXPECT_TRUE(std::is_sorted(Neighbours().begin(), Neighbours().end()));
  EXPECT_EQ(placed, prefixes) << "every region borders on another";
}

TEST(NeighboursTest, AreAskedEitherWayRound) {
  for (const KatoRegion& a : KatoRegions()) {
    EXPECT_FALSE(AreNeighbours(a.prefix, a.prefix));
    for (const KatoRegion& b : KatoRegions()) {
      EXPECT_EQ(AreNeighbours(a.prefix, b.prefix), AreNeighbours(b.prefix, a.prefix));
    }
  }
  EXPECT_TRUE(AreNeighbours(71, 11));   // Astana lies in Akmola
  EXPECT_TRUE(AreNeighbours(15, 43));   // Aktobe and Kyzylorda
  EXPECT_FALSE(AreNeighbours(71, 35));  // no chains
  EXPECT_FALSE(AreNeighbours(27, 79));
}

}  // namespace
}  // namespace nisi::base
