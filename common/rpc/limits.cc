#include "common/rpc/limits.h"

#include <algorithm>

namespace nisi::rpc {
namespace {

absl::Time TimeOf(const gpr_timespec& given) {
  const gpr_timespec real = gpr_convert_clock_type(given, GPR_CLOCK_REALTIME);
  if (gpr_time_cmp(real, gpr_inf_future(GPR_CLOCK_REALTIME)) == 0) return absl::InfiniteFuture();
  return absl::FromUnixSeconds(real.tv_sec) + absl::Nanoseconds(real.tv_nsec);
}

}  // namespace

absl::Time DeadlineFor(const MethodPolicy& policy, absl::Time asked, absl::Time now) {
  if (asked == absl::InfiniteFuture()) return now + policy.deadline;
  return std::min(asked, now + std::max(policy.deadline, kMaxDeadline));
}

absl::Time DeadlineFor(const MethodPolicy& policy, const gpr_timespec& asked, absl::Time now) {
  return DeadlineFor(policy, TimeOf(asked), now);
}

}  // namespace nisi::rpc
