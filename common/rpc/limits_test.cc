#include "common/rpc/limits.h"

#include <gtest/gtest.h>

namespace nisi::rpc {
namespace {

constexpr int64_t kStartSeconds = 1'781'500'000;

MethodPolicy PolicyOf(absl::Duration deadline) {
  MethodPolicy policy;
  policy.deadline = deadline;
  return policy;
}

// How long after kStartSeconds a call ends whose client asks for so much.
absl::Duration Granted(absl::Duration asked, const MethodPolicy& policy) {
  const absl::Time now = absl::FromUnixSeconds(kStartSeconds);
  return DeadlineFor(policy, now + asked, now) - now;
}

TEST(DeadlineFor, TheClientsOwnWithinBounds) {
  const MethodPolicy policy = PolicyOf(absl::Seconds(5));
  EXPECT_EQ(Granted(absl::Seconds(2), policy), absl::Seconds(2));
  EXPECT_EQ(Granted(absl::Seconds(30), policy), absl::Seconds(30));
  EXPECT_EQ(Granted(absl::Seconds(31), policy), absl::Seconds(30));
  EXPECT_EQ(Granted(absl::Seconds(-3), policy), absl::Seconds(-3));
  EXPECT_EQ(Granted(absl::Seconds(31), PolicyOf(absl::Seconds(60))), absl::Seconds(31));
}

TEST(DeadlineFor, TheMethodsOwnWhereNoneCame) {
  EXPECT_EQ(Granted(absl::InfiniteDuration(), PolicyOf(absl::Seconds(5))), absl::Seconds(5));
}

// 99,999,999 hours are the most that fit into grpc-timeout.
TEST(DeadlineFor, WhatIsTooLongIsCutAndNeverOverflows) {
  for (const int64_t hours : {1, 24 * 365, 2'562'048, 99'999'999}) {
    SCOPED_TRACE(hours);
    EXPECT_EQ(Granted(absl::Hours(hours), PolicyOf(absl::Seconds(5))), kMaxDeadline);
    EXPECT_EQ(Granted(absl::Hours(hours), PolicyOf(absl::Seconds(60))), absl::Seconds(60));
  }
}

}  // namespace
}  // namespace nisi::rpc
