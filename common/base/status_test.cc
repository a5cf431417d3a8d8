#include "common/base/status.h"

#include <gtest/gtest.h>

#include <string>

namespace nisi::base {
namespace {

absl::StatusOr<int> Half(int n) {
  if (n % 2 != 0) return InvalidField("n", "is odd");
  return n / 2;
}

absl::StatusOr<int> Quarter(int n) {
  ASSIGN_OR_RETURN(const int half, Half(n));
  RETURN_IF_ERROR(Half(half).status());
  return half / 2;
}

TEST(StatusTest, MacrosPassFailuresOn) {
  EXPECT_EQ(Quarter(8).value(), 2);
  EXPECT_EQ(BadRequestOf(Quarter(7).status()).field_violations(0).field(),
            "n");                                             // ASSIGN_OR_RETURN
  EXPECT_EQ(ReasonOf(Quarter(6).status()), "INVALID_FIELD");  // RETURN_IF_ERROR
}

TEST(StatusTest, RefusalCarriesItsDetails) {
  const absl::Status status =
      Refusal(absl::StatusCode::kFailedPrecondition, "EDITION_FROZEN", "It is frozen.")
          .With("state", "APPROVED")
          .Precondition("STATE", "editions/7", "is a draft")
          .Cite(Law("Art. 26(1)", "Only medium and high levels enter the list."));
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(std::string(status.message()), "It is frozen.");
  EXPECT_EQ(InfoOf(status).domain(), "nisi");
  EXPECT_EQ(InfoOf(status).metadata().at("state"), "APPROVED");
  EXPECT_EQ(LegalBasisOf(status).article(), "Art. 26(1)");
  EXPECT_EQ(BadRequestOf(status).field_violations_size(), 0);
  google::rpc::PreconditionFailure precondition;
  const auto payload = status.GetPayload(TypeUrl(precondition));
  ASSERT_TRUE(payload);
  ASSERT_TRUE(precondition.ParseFromString(std::string(*payload)));
  EXPECT_EQ(precondition.violations(0).subject(), "editions/7");
}

TEST(StatusTest, AtMostTwentyFieldViolations) {
  Refusal refusal(absl::StatusCode::kInvalidArgument, "INVALID_FIELD", "Bad.");
  EXPECT_FALSE(refusal.has_fields());
  for (int i = 0; i < 30; ++i) refusal.Field("f", "is bad");
  EXPECT_TRUE(refusal.has_fields());
  EXPECT_EQ(BadRequestOf(refusal).field_violations_size(), 20);
}

TEST(StatusTest, OkAndForeignStatusesHaveNoReason) {
  EXPECT_EQ(ReasonOf(absl::OkStatus()), "");
  EXPECT_EQ(ReasonOf(absl::InternalError("x")), "");
}

TEST(StatusTest, RetryDelay) {
  const absl::Status status = Unavailable("BACKEND_DOWN", "Try again.", absl::Milliseconds(1250));
  google::rpc::RetryInfo retry;
  ASSERT_TRUE(retry.ParseFromString(std::string(*status.GetPayload(TypeUrl(retry)))));
  EXPECT_EQ(retry.retry_delay().seconds(), 1);
  EXPECT_EQ(retry.retry_delay().nanos(), 250'000'000);
}

}  // namespace
}  // namespace nisi::base
