#include "common/rpc/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "nisi/testing/v1/testing.pb.h"

namespace nisi::rpc {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::vector<std::string> LinesThatBegin(const std::string& text, const std::string& with) {
  std::vector<std::string> lines;
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    if (absl::StartsWith(line, with)) lines.emplace_back(line);
  }
  return lines;
}

Metrics::Figures Saying(const std::string& name, double value) {
  return [name, value] { return std::vector<store::Figure>{{name, "Of the test.", value}}; };
}

TEST(Metrics, FiguresAreReadAtTheScrape) {
  Metrics metrics("testing");
  double value = 1;
  metrics.AddFigures([&value] {
    return std::vector<store::Figure>{
        {"nisi_testing_tenge", "Money.", value, {{"bucket", "paid"}}},
        {"nisi_testing_tenge", "Money.", 7, {{"bucket", "available"}}},
        {"nisi_testing_acts_total", "Acts.", 3}};
  });
  EXPECT_THAT(metrics.Text(),
              HasSubstr("nisi_testing_tenge{process=\"testing\",bucket=\"paid\"} 1"));
  value = 2;
  const std::string text = metrics.Text();
  EXPECT_THAT(text, HasSubstr("nisi_testing_tenge{process=\"testing\",bucket=\"paid\"} 2"));
  EXPECT_THAT(text, HasSubstr("nisi_testing_tenge{process=\"testing\",bucket=\"available\"} 7"));
  EXPECT_THAT(text, HasSubstr("# HELP nisi_testing_tenge Money."));
  EXPECT_THAT(text, HasSubstr("# TYPE nisi_testing_tenge gauge"));
  EXPECT_THAT(text, HasSubstr("# TYPE nisi_testing_acts_total counter"));
  EXPECT_EQ(LinesThatBegin(text, "# TYPE nisi_testing_tenge ").size(), 1u);
}

// As in `nisi serve`: each service under its own name, and no family twice.
TEST(Metrics, SeveralServicesOfOneProcess) {
  Metrics whole("nisi");
  Metrics one("grants", whole), other("clusters", whole);
  for (Metrics* part : {&one, &other}) {
    part->ForStore();
    part->ObserveCommit(1, 0.001);
    part->ForMethod(*testing::v1::GetWidgetRequest::descriptor()->file()->service(0)->method(0))
        .Started();
  }
  one.AddFigures(Saying("nisi_testing_depth", 1));
  other.AddFigures(Saying("nisi_testing_depth", 2));
  const std::string text = whole.Text();
  EXPECT_THAT(text, HasSubstr("nisi_testing_depth{process=\"grants\"} 1"));
  EXPECT_THAT(text, HasSubstr("nisi_testing_depth{process=\"clusters\"} 2"));
  EXPECT_THAT(text, HasSubstr("nisi_store_commit_seconds_count{process=\"grants\"} 1"));
  for (const std::string& type : LinesThatBegin(text, "# TYPE ")) {
    EXPECT_EQ(LinesThatBegin(text, type).size(), 1u) << type;
  }
  EXPECT_EQ(LinesThatBegin(text, "grpc_server_started_total").size(), 2u);
  // What a process is, it is once.
  EXPECT_EQ(LinesThatBegin(text, "process_start_time_seconds{process=\"nisi\"}").size(), 1u);
  EXPECT_EQ(LinesThatBegin(text, "process_start_time_seconds{").size(), 1u);
}

TEST(Metrics, AProcessSaysWhatItTakes) {
  const std::string text = Metrics("testing").Text();
  for (const char* name :
       {"process_start_time_seconds", "process_cpu_seconds_total", "process_resident_memory_bytes",
        "process_open_fds", "process_max_fds"}) {
    EXPECT_THAT(text, HasSubstr(std::string(name) + "{process=\"testing\"} "));
    EXPECT_THAT(text, Not(HasSubstr(std::string(name) + "{process=\"testing\"} 0\n")));
  }
  // It has no store.
  EXPECT_THAT(text, Not(HasSubstr("nisi_store_commit_seconds")));
}

}  // namespace
}  // namespace nisi::rpc
