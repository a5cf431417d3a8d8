// What tests/doctor_test.py cannot seed on one machine: processes of another clock, and one that is
// there and does not serve.
#include "tools/nisi/doctor.h"

#include <gtest/gtest.h>

#include <memory>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/http2/server.h"
#include "common/rpc/health.h"
#include "common/rpc/version.h"
#include "grpc/health/v1/health.pb.h"

namespace nisi::cli {
namespace {

using grpc::health::v1::HealthCheckResponse;

// Says of its health what a process would whose clock is so far ahead.
class OtherMachine {
 public:
  OtherMachine(absl::Duration ahead, HealthCheckResponse::ServingStatus status) {
    http2::ServerOptions options;
    options.address = "127.0.0.1:0";
    options.take = [=](http2::EventLoop*) {
      return [=](const http2::CallHead&,
                 const std::shared_ptr<http2::Replier>& replier) -> std::shared_ptr<http2::Taker> {
        http2::Answer answer;
        answer.trailers.Add(rpc::kVersionKey, std::string(rpc::Version()));
        answer.trailers.Add(rpc::kTimeKey, absl::StrCat(absl::ToUnixMillis(absl::Now() + ahead)));
        HealthCheckResponse response;
        response.set_status(status);
        replier->Reply(response.SerializeAsString(), std::move(answer));
        return nullptr;
      };
    };
    auto server = http2::Server::Start(std::move(options));
    EXPECT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }
  std::string address() const { return absl::StrCat("127.0.0.1:", server_->port()); }

 private:
  std::unique_ptr<http2::Server> server_;
};

std::set<std::string> FoundOf(const Installation& at) {
  Findings findings;
  ExamineProcesses(at, &findings);
  std::set<std::string> found;
  for (const Finding& finding : findings) {
    found.insert(absl::StrCat(finding.what, " ", finding.where));
    EXPECT_FALSE(finding.why.empty() || finding.mend.empty()) << finding.what;
  }
  return found;
}

TEST(DoctorTest, ClocksThatDifferAndWhoDoesNotServeAreFound) {
  const OtherMachine sound(absl::ZeroDuration(), HealthCheckResponse::SERVING);
  const OtherMachine ahead(absl::Hours(1), HealthCheckResponse::SERVING);
  const OtherMachine behind(-absl::Hours(1), HealthCheckResponse::SERVING);
  const OtherMachine failed(absl::ZeroDuration(), HealthCheckResponse::NOT_SERVING);
  Installation at;
  at.process = "gateway";
  at.address = sound.address();
  EXPECT_EQ(FoundOf(at), std::set<std::string>());
  at.neighbours = {{"a", sound.address()},
                   {"b", ahead.address()},
                   {"c", behind.address()},
                   {"d", failed.address()}};
  EXPECT_EQ(FoundOf(at),
            (std::set<std::string>{absl::StrCat("CLOCK_SKEW b at ", ahead.address()),
                                   absl::StrCat("CLOCK_SKEW c at ", behind.address()),
                                   absl::StrCat("NOT_SERVING d at ", failed.address())}));
}

}  // namespace
}  // namespace nisi::cli
