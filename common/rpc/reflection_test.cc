// What a call of reflection costs, and that it ends.
#include "common/rpc/reflection.h"

#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "absl/time/clock.h"
#include "common/rpc/kept_testing.h"
#include "nisi/testing/v1/testing.pb.h"

namespace nisi::rpc {
namespace {

constexpr char kListServices[] = "\x3a\x01*";

TEST(ReflectionTest, MakesTheBytesOfAFileOnce) {
  const auto& file = *testing::v1::Widget::descriptor()->file();
  const std::string* const bytes = &BytesOf(file);
  EXPECT_TRUE(absl::StrContains(*bytes, "WidgetService"));
  const std::string symbol = "nisi.testing.v1.Widget";
  const auto answer =
      AnswerReflection(std::string("\x22") + static_cast<char>(symbol.size()) + symbol, {});
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_TRUE(absl::StrContains(*answer, *bytes));
  EXPECT_EQ(&BytesOf(file), bytes);
}

// A client that takes no answer never lets it ask for the next message.
TEST(ReflectionTest, EndsWithItsTime) {
  const std::vector<std::string> services{"a.B"};
  const absl::Time now = absl::Now();
  for (const bool own : {true, false}) {
    const auto kept = std::make_shared<Kept>();
    http2::CallHead head;
    if (own) head.deadline = now + absl::Seconds(1);
    head.fields.Add("traceparent", kTraceparent);
    const auto call = TakeReflection(services, head, kept);
    call->OnMessage(kListServices);
    EXPECT_EQ(kept->sent(), 1);
    call->OnTick(now);
    EXPECT_FALSE(kept->ended());
    call->OnTick(now + (own ? absl::Seconds(1) : absl::Seconds(31)));
    EXPECT_EQ(kept->answer().code, absl::StatusCode::kDeadlineExceeded);
    EXPECT_TRUE(absl::StrContains(kept->answer().details, kTraceId));
    call->OnMessage(kListServices);
    EXPECT_EQ(kept->sent(), 1);
  }
}

}  // namespace
}  // namespace nisi::rpc
