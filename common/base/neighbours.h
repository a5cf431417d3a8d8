// Which regions of KATO border on each other. Geography, not law: it changes with borders alone.
#pragma once

#include <utility>

#include "absl/types/span.h"

namespace nisi::base {

// Pairs of two-digit prefixes, the smaller first, in order. A city of republican significance
// borders on the region around it.
absl::Span<const std::pair<int, int>> Neighbours();

// Whether two different regions border on each other.
bool AreNeighbours(int prefix, int other);

}  // namespace nisi::base
