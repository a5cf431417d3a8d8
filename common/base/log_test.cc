#include "common/base/log.h"

#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "nlohmann/json.hpp"

namespace nisi::base {
namespace {

const absl::Time kTime = absl::FromUnixMicros(1'767'225'600'000'001);

TEST(LogTest, OneLineOfJson) {
  EXPECT_EQ(FormatLogLine(kTime, Severity::kInfo, "serving",
                          {{"port", 8443}, {"name", "priority-goods"}}),
            "{\"time\":\"2026-01-01T00:00:00.000001Z\",\"severity\":\"INFO\",\"event\":\"serving\","
            "\"port\":\"8443\",\"name\":\"priority-goods\"}\n");
}

TEST(LogTest, ValuesCannotBreakOutOfTheirLine) {
  const std::string values[] = {"a\"b",     "a\\",   "a\nb\r{}", std::string("\0x", 2),
                                "\xff\xfe", "\u2028"};
  for (const std::string& value : values) {
    const std::string line = FormatLogLine(kTime, Severity::kError, "e", {{"v", value}});
    EXPECT_EQ(line.find('\n'), line.size() - 1);
    const auto json = nlohmann::json::parse(line, nullptr, false);
    ASSERT_FALSE(json.is_discarded()) << line;
    EXPECT_EQ(json.size(), 4u);
    if (value[0] != '\xff') {
      EXPECT_EQ(json["v"], value);
    }
  }
}

TEST(LogTest, LongValuesAreCut) {
  EXPECT_LT(
      FormatLogLine(kTime, Severity::kError, "e", {{"v", std::string(1'000'000, 'x')}}).size(),
      3000u);
  // Cut in the middle of a character: still JSON.
  std::string text = "x";
  while (text.size() < 4000) text += "ж";
  const auto json = nlohmann::json::parse(
      FormatLogLine(kTime, Severity::kError, "e", {{"v", text}}), nullptr, false);
  EXPECT_FALSE(json.is_discarded());
}

TEST(LogTest, OneEventFillsNoDisk) {
  LineBudget budget;
  for (int i = 0; i < kLinesPerSecond; ++i) EXPECT_TRUE(budget.Take(kTime).write);
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(budget.Take(kTime + absl::Milliseconds(999)).write);
  const LineBudget::Verdict next = budget.Take(kTime + absl::Seconds(1));
  EXPECT_TRUE(next.write);
  EXPECT_EQ(next.left_out, 5);
  EXPECT_EQ(budget.Take(kTime + absl::Seconds(1)).left_out, 0);
  EXPECT_TRUE(budget.Take(kTime).write);  // a clock that was set back
}

TEST(LogTest, DropsWhatIsLessSevereAndWritesWholeLines) {
  testing::internal::CaptureStderr();
  Log(Severity::kDebug, "hidden");
  SetMinSeverity(Severity::kWarning);
  Log(Severity::kInfo, "hidden");
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([] {
      for (int i = 0; i < 50; ++i)
        Log(Severity::kWarning, "seen", {{"text", std::string(500, 'y')}});
    });
  }
  for (auto& thread : threads) thread.join();
  SetMinSeverity(Severity::kInfo);
  std::istringstream out(testing::internal::GetCapturedStderr());
  int lines = 0;
  for (std::string line; std::getline(out, line); ++lines) {
    const auto json = nlohmann::json::parse(line, nullptr, false);
    ASSERT_FALSE(json.is_discarded()) << line;
    EXPECT_EQ(json["event"], "seen");
  }
  EXPECT_EQ(lines, 200);
}

}  // namespace
}  // namespace nisi::base
