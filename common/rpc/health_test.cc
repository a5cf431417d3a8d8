// Who is told by a Check which program answers, and that each ends.
#include "common/rpc/health.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "absl/strings/match.h"
#include "absl/time/clock.h"
#include "common/rpc/certificates.h"
#include "common/rpc/kept_testing.h"
#include "common/rpc/version.h"
#include "grpc/health/v1/health.pb.h"

namespace nisi::rpc {
namespace {

TEST(HealthTest, StrangersLearnNeitherVersionNorClock) {
  Health health({});
  health.SetServing(true);
  const auto told = [&](const http2::Peer& peer) {
    const auto kept = std::make_shared<Kept>();
    http2::CallHead head;
    head.peer = std::make_shared<http2::Peer>(peer);
    const auto call = health.TakeCheck(head, kept);
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

TEST(HealthTest, WhoAsksNothingIsNotWaitedForLong) {
  const Health health({});
  const absl::Time now = absl::Now();
  http2::CallHead head;
  head.peer = std::make_shared<http2::Peer>();
  head.fields.Add("traceparent", kTraceparent);
  const auto check = std::make_shared<Kept>();
  const auto watch = std::make_shared<Kept>();
  const auto checks = health.TakeCheck(head, check);
  const auto watches = health.TakeWatch(head, watch);
  for (const auto& call : {checks, watches}) call->OnTick(now + absl::Seconds(1));
  EXPECT_FALSE(check->ended());
  for (const auto& call : {checks, watches}) call->OnTick(now + absl::Seconds(31));
  EXPECT_EQ(check->answer().code, absl::StatusCode::kDeadlineExceeded);
  EXPECT_TRUE(absl::StrContains(check->answer().details, kTraceId));
  EXPECT_FALSE(watch->ended()) << "it has the time that its client gives it";
  head.deadline = now + absl::Seconds(1);
  const auto timed = std::make_shared<Kept>();
  const auto times = health.TakeWatch(head, timed);
  times->OnTick(now + absl::Seconds(1));
  EXPECT_EQ(timed->answer().code, absl::StatusCode::kDeadlineExceeded);
}

TEST(HealthTest, WhatIsAskedDecidesOfItsNameAndTheEmptyOneOfAll) {
  Health health({"a", "b"});
  absl::Status whole, part;
  health.Ask("", [&] { return whole; });
  health.Ask("b", [&] { return part; });
  health.Ask("c", [] { return absl::OkStatus(); });
  // Of "", a, b, c and liveness, in this order.
  const auto serving = [&] {
    std::string all;
    for (const char* name : {"", "a", "b", "c", kLivenessName}) {
      const auto kept = std::make_shared<Kept>();
      http2::CallHead head;
      head.peer = std::make_shared<http2::Peer>();
      const auto call = health.TakeCheck(head, kept);
      grpc::health::v1::HealthCheckRequest request;
      request.set_service(name);
      call->OnMessage(request.SerializeAsString());
      call->OnEnd();
      grpc::health::v1::HealthCheckResponse answer;
      EXPECT_TRUE(answer.ParseFromString(kept->message()));
      all += answer.status() == grpc::health::v1::HealthCheckResponse::SERVING ? '+' : '-';
    }
    return all;
  };
  EXPECT_EQ(serving(), "----+");
  health.SetServing(true);
  EXPECT_EQ(serving(), "+++++");
  part = absl::DataLossError("a file");
  EXPECT_EQ(serving(), "++-++");
  whole = absl::UnavailableError("the disk");
  EXPECT_EQ(serving(), "----+");
  part = whole = absl::OkStatus();
  EXPECT_EQ(serving(), "+++++");
}

}  // namespace
}  // namespace nisi::rpc
