// Parts of a whole, exact: sums of shares that are rounded once, and whole points that add up.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/numeric/int128.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "common/base/money.h"

namespace nisi::base {

// A whole in hundredths of a percent.
inline constexpr int32_t kWholeShare = 10'000;

// Sums, each with the share of it that counts. Nothing is rounded before it is asked for, so
// neither the order nor the number of sums changes the answer. Holds 2^40 of the largest sums.
class WeightedSum {
 public:
  // `share`: 0 to 10000 hundredths of a percent.
  void Add(Money sum, int32_t share);

  // All sums together. INVALID_ARGUMENT when that is more than Money holds.
  absl::StatusOr<Money> Whole() const;
  // What counts of them, to the tiyn, rounded half up. The same error.
  absl::StatusOr<Money> Part() const;
  // Part of whole in hundredths of a percent, rounded half up from the exact sums; 0 of nothing.
  int32_t Share() const;

 private:
  absl::int128 whole_ = 0;     // tiyn
  absl::int128 weighted_ = 0;  // tiyn x hundredths of a percent
};

// The parts as whole points of `points` for `whole`: each rounded down, and what that leaves of the
// parts' sum, rounded down, goes one by one to those that lost most, of equal ones to the first. So
// the points sum to floor(sum(parts) * points / whole), and to `points` only where the parts are
// the whole. Parts are not negative and together at most `whole`, which is above 0.
std::vector<int32_t> LargestRemainder(absl::Span<const int64_t> parts, int64_t whole,
                                      int32_t points = kWholeShare);

}  // namespace nisi::base
