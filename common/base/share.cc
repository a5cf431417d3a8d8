#include "common/base/share.h"

#include <algorithm>
#include <numeric>

#include "common/base/sums.h"

namespace nisi::base {
namespace {

using absl::int128;

// Of numbers that are not negative.
int128 DivideHalfUp(int128 number, int128 by) {
  return (2 * number + by) / (2 * by);
}

absl::StatusOr<Money> ToMoney(int128 tiyn) {
  if (tiyn > int128(Money::kMaxTiyn)) return SumsTooLarge();
  return Money::FromTiyn(static_cast<int64_t>(tiyn));
}

}  // namespace

void WeightedSum::Add(Money sum, int32_t share) {
  whole_ += sum.tiyn();
  weighted_ += int128(sum.tiyn()) * share;
}

absl::StatusOr<Money> WeightedSum::Whole() const {
  return ToMoney(whole_);
}

absl::StatusOr<Money> WeightedSum::Part() const {
  return ToMoney(DivideHalfUp(weighted_, kWholeShare));
}

int32_t WeightedSum::Share() const {
  return whole_ == 0 ? 0 : static_cast<int32_t>(DivideHalfUp(weighted_, whole_));
}

std::vector<int32_t> LargestRemainder(absl::Span<const int64_t> parts, int64_t whole,
                                      int32_t points) {
  std::vector<int32_t> shares(parts.size());
  std::vector<int128> lost(parts.size());
  int128 sum = 0;
  int64_t given = 0;
  for (size_t i = 0; i < parts.size(); ++i) {
    const int128 exact = int128(parts[i]) * points;
    shares[i] = static_cast<int32_t>(exact / whole);
    lost[i] = exact % whole;
    sum += exact;
    given += shares[i];
  }
  std::vector<size_t> order(parts.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return lost[a] > lost[b]; });
  const auto rest = static_cast<size_t>(static_cast<int64_t>(sum / whole) - given);
  for (size_t i = 0; i < rest; ++i) ++shares[order[i]];
  return shares;
}

}  // namespace nisi::base
