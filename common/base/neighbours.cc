#include "common/base/neighbours.h"

#include <algorithm>
#include <iterator>

namespace nisi::base {
namespace {

// From the shapes of the regions after the reform of 2022; 15-43 and 15-47 were lost in their
// simplification and are added. To be held against an official map when one is at hand.
constexpr std::pair<int, int> kNeighbours[] = {
    {10, 33}, {10, 35}, {10, 55}, {10, 63}, {11, 35}, {11, 39}, {11, 55}, {11, 59}, {11, 71},
    {15, 23}, {15, 27}, {15, 39}, {15, 43}, {15, 47}, {15, 62}, {19, 31}, {19, 33}, {19, 35},
    {19, 75}, {23, 27}, {23, 47}, {31, 35}, {31, 61}, {31, 62}, {33, 35}, {35, 39}, {35, 55},
    {35, 62}, {39, 59}, {39, 62}, {43, 61}, {43, 62}, {55, 59}, {61, 62}, {61, 79},
};

}  // namespace

absl::Span<const std::pair<int, int>> Neighbours() {
  return kNeighbours;
}

bool AreNeighbours(int prefix, int other) {
  return std::binary_search(std::begin(kNeighbours), std::end(kNeighbours),
                            std::pair<int, int>(std::minmax(prefix, other)));
}

}  // namespace nisi::base
