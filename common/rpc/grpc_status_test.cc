#include "common/rpc/grpc_status.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "common/base/status.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace nisi::rpc {
namespace {

constexpr char kTrace[] = "0af7651916cd43dd8448eb211c80319c";
constexpr char kOtherTrace[] = "b7ad6b7169203331b7ad6b7169203331";

// Trace ids of all RequestInfos on the wire.
std::vector<std::string> TracesOf(const grpc::Status& status) {
  google::rpc::Status wire;
  EXPECT_TRUE(wire.ParseFromString(status.error_details()));
  std::vector<std::string> traces;
  for (const auto& detail : wire.details()) {
    google::rpc::RequestInfo request;
    if (detail.UnpackTo(&request)) {
      traces.push_back(request.request_id());
    }
  }
  return traces;
}

TEST(GrpcStatus, AnErrorCarriesItsTraceOnce) {
  using Traces = std::vector<std::string>;
  const absl::Status refused = base::EtagMismatch("7");
  EXPECT_EQ(TracesOf(ToGrpc(refused)), Traces());
  const grpc::Status traced = ToGrpc(refused, kTrace);
  EXPECT_EQ(TracesOf(traced), Traces{kTrace});
  EXPECT_EQ(base::ReasonOf(FromGrpc(traced)), base::ReasonOf(refused));
  // A refusal of another service that is passed on has the trace of the call it answers.
  EXPECT_EQ(TracesOf(ToGrpc(FromGrpc(traced), kOtherTrace)), Traces{kOtherTrace});
  EXPECT_EQ(TracesOf(ToGrpc(absl::InternalError("secret"), kTrace)), Traces{kTrace});
  EXPECT_TRUE(ToGrpc(absl::OkStatus(), kTrace).error_details().empty());
}

TEST(GrpcStatus, TheTraceStaysWhereDetailsAreTooLong) {
  const absl::Status refused = base::InvalidField("entry.note", std::string(5'000, 'x'));
  const grpc::Status status = ToGrpc(refused, kTrace);
  EXPECT_EQ(TracesOf(status), std::vector<std::string>{kTrace});
  EXPECT_EQ(base::ReasonOf(FromGrpc(status)), "INVALID_FIELD");
  EXPECT_LE(status.error_details().size(), 4096U);
}

TEST(GrpcStatus, ALongMessageIsCutBetweenLetters) {
  std::string text = "x";
  for (int i = 0; i < 1'000; ++i) text += "\xd0\xb6";
  const grpc::Status long_one =
      ToGrpc(base::Refusal(absl::StatusCode::kNotFound, "NOT_FOUND", text));
  EXPECT_EQ(long_one.error_message(), text.substr(0, 1'023));
  google::rpc::Status details;  // no message whose text is no UTF-8 is read
  ASSERT_TRUE(details.ParseFromString(long_one.error_details()));
  EXPECT_EQ(details.message(), long_one.error_message());
}

}  // namespace
}  // namespace nisi::rpc
