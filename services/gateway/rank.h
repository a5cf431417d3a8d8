// Who is refused first when there is not room for all: each may use so much of it.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>

namespace nisi::gateway {

enum class Rank { kPublic, kReading, kChanging };

// Of a metric.
inline constexpr std::array<const char*, 3> kRankNames{"public", "reading", "changing"};

// Of so many places, those that it may use.
inline size_t PartOf(size_t most, Rank rank) {
  const double share = rank == Rank::kPublic ? 0.75 : rank == Rank::kReading ? 0.9 : 1;
  return std::max<size_t>(1, static_cast<size_t>(static_cast<double>(most) * share));
}

}  // namespace nisi::gateway
