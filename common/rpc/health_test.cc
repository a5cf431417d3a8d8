// Who is told by a Check which program answers.
#include "common/rpc/health.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "common/rpc/certificates.h"
#include "common/rpc/version.h"

namespace nisi::rpc {
namespace {

class Kept final : public http2::Replier {
 public:
  void Send(std::string) override {}
  void Finish(http2::Answer answer) override { answer_ = std::move(answer); }
  void Reply(std::string, http2::Answer answer) override { answer_ = std::move(answer); }
  void Ready() override {}
  bool cancelled() const override { return false; }
  const http2::Answer& answer() const { return answer_; }

 private:
  http2::Answer answer_;
};

TEST(HealthTest, StrangersLearnNeitherVersionNorClock) {
  Health health({});
  health.SetServing(true);
  const auto told = [&](const http2::Peer& peer) {
    const auto kept = std::make_shared<Kept>();
    const auto call = health.TakeCheck(peer, kept);
    call->OnMessage("");
    call->OnEnd();
    EXPECT_EQ(kept->answer().code, absl::StatusCode::kOk);
    const http2::Fields& trailers = kept->answer().trailers;
    EXPECT_EQ(trailers.Find(kVersionKey) == nullptr, trailers.Find(kTimeKey) == nullptr);
    const std::string* const version = trailers.Find(kVersionKey);
    return version != nullptr && *version == Version();
  };
  EXPECT_TRUE(told({ServiceIdentity("gateway"), "10.0.0.7"}));
  EXPECT_TRUE(told({"", "127.0.0.1"}));
  EXPECT_TRUE(told({"", "::1"}));
  EXPECT_FALSE(told({"", "10.0.0.7"}));
  EXPECT_FALSE(told({"", ""}));
  EXPECT_FALSE(told({ClientIdentity("agency"), "10.0.0.7"}));
}

}  // namespace
}  // namespace nisi::rpc
