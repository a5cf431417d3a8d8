#include "common/rpc/limits.h"

#include <gtest/gtest.h>

#include "absl/time/clock.h"

namespace nisi::rpc {
namespace {

constexpr int64_t kNow = 1'781'500'000;

MethodPolicy PolicyOf(absl::Duration deadline) {
  MethodPolicy policy;
  policy.deadline = deadline;
  return policy;
}

// How long after kNow a call ends whose client asks for so many seconds.
absl::Duration Granted(int64_t asked, const MethodPolicy& policy) {
  const absl::Time now = absl::FromUnixSeconds(kNow);
  return DeadlineFor(policy, gpr_timespec{kNow + asked, 0, GPR_CLOCK_REALTIME}, now) - now;
}

TEST(DeadlineFor, TheClientsOwnWithinBounds) {
  const MethodPolicy policy = PolicyOf(absl::Seconds(5));
  EXPECT_EQ(Granted(2, policy), absl::Seconds(2));
  EXPECT_EQ(Granted(30, policy), absl::Seconds(30));
  EXPECT_EQ(Granted(31, policy), absl::Seconds(30));
  EXPECT_EQ(Granted(-3, policy), absl::Seconds(-3));
  EXPECT_EQ(Granted(31, PolicyOf(absl::Seconds(60))), absl::Seconds(31));
}

TEST(DeadlineFor, TheMethodsOwnWhereNoneCame) {
  const absl::Time now = absl::FromUnixSeconds(kNow);
  for (const gpr_clock_type clock : {GPR_CLOCK_REALTIME, GPR_CLOCK_MONOTONIC}) {
    EXPECT_EQ(DeadlineFor(PolicyOf(absl::Seconds(5)), gpr_inf_future(clock), now),
              now + absl::Seconds(5));
  }
}

// 2,562,047 hours and a little are the most that fit into 64 bits of nanoseconds; 99,999,999 hours
// are the most that fit into grpc-timeout.
TEST(DeadlineFor, WhatIsTooLongIsCutAndNeverOverflows) {
  for (const int64_t hours : {1, 24 * 365, 2'000'000, 2'562'047, 2'562'048, 99'999'999}) {
    SCOPED_TRACE(hours);
    EXPECT_EQ(Granted(hours * 3600, PolicyOf(absl::Seconds(5))), kMaxDeadline);
    EXPECT_EQ(Granted(hours * 3600, PolicyOf(absl::Seconds(60))), absl::Seconds(60));
    // As gRPC gives it: by the clock that only goes forward.
    const gpr_timespec forward = gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                                              gpr_time_from_seconds(hours * 3600, GPR_TIMESPAN));
    const absl::Time now = absl::Now();
    EXPECT_EQ(DeadlineFor(PolicyOf(absl::Seconds(5)), forward, now), now + kMaxDeadline);
  }
}

}  // namespace
}  // namespace nisi::rpc
