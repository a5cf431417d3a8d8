#include "common/rpc/limits.h"

#include <algorithm>

namespace nisi::rpc {

absl::Time DeadlineFor(const MethodPolicy& policy, absl::Time asked, absl::Time now) {
  if (asked == absl::InfiniteFuture()) return now + policy.deadline;
  return std::min(asked, now + std::max(policy.deadline, kMaxDeadline));
}

}  // namespace nisi::rpc
