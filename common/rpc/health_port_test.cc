// What a kubelet's gRPC probe gets, by gRPC's own client.
#include "common/rpc/health_port.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <gtest/gtest.h>

#include <future>

#include "absl/strings/str_cat.h"
#include "grpc/health/v1/health.pb.h"

namespace nisi::rpc {
namespace {

using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;

class HealthPortTest : public ::testing::Test {
 protected:
  HealthPortTest() {
    auto port = HealthPort::Start("127.0.0.1:0", health_);
    EXPECT_TRUE(port.ok()) << port.status();
    port_ = *std::move(port);
    stub_ = std::make_unique<grpc::GenericStub>(grpc::CreateChannel(
        absl::StrCat("127.0.0.1:", port_->port()), grpc::InsecureChannelCredentials()));
  }

  grpc::Status Call(const std::string& path, const std::string& request, std::string* reply) {
    const grpc::Slice slice(request);
    const grpc::ByteBuffer sent(&slice, 1);
    grpc::ByteBuffer got;
    grpc::ClientContext context;
    std::promise<grpc::Status> done;
    stub_->UnaryCall(&context, path, grpc::StubOptions(), &sent, &got,
                     [&done](grpc::Status status) { done.set_value(std::move(status)); });
    grpc::Status status = done.get_future().get();
    trailers_ = context.GetServerTrailingMetadata().size();
    std::vector<grpc::Slice> slices;
    if (status.ok() && got.Dump(&slices).ok()) {
      for (const grpc::Slice& part : slices) {
        reply->append(reinterpret_cast<const char*>(part.begin()), part.size());
      }
    }
    return status;
  }
  int Check(const std::string& service) {
    HealthCheckRequest request;
    request.set_service(service);
    std::string reply;
    const grpc::Status status = Call(kHealthCheckPath, request.SerializeAsString(), &reply);
    EXPECT_TRUE(status.ok()) << status.error_message();
    HealthCheckResponse response;
    EXPECT_TRUE(response.ParseFromString(reply));
    return response.status();
  }

  Health health_{{"nisi.testing.v1.WidgetService"}};
  std::unique_ptr<HealthPort> port_;
  std::unique_ptr<grpc::GenericStub> stub_;
  size_t trailers_ = 0;  // of the last answer
};

TEST_F(HealthPortTest, SaysWhatTheServerSays) {
  EXPECT_EQ(Check(""), HealthCheckResponse::NOT_SERVING);
  health_.SetServing(true);
  EXPECT_EQ(Check(""), HealthCheckResponse::SERVING);
  EXPECT_EQ(Check("nisi.testing.v1.WidgetService"), HealthCheckResponse::SERVING);
  health_.SetServing("nisi.testing.v1.WidgetService", false);
  EXPECT_EQ(Check("nisi.testing.v1.WidgetService"), HealthCheckResponse::NOT_SERVING);
  EXPECT_EQ(Check(""), HealthCheckResponse::SERVING);
  EXPECT_EQ(trailers_, 0U) << "neither its version nor its clock";
}

TEST_F(HealthPortTest, IsAliveWhileItIsUnready) {
  EXPECT_EQ(Check(kLivenessName), HealthCheckResponse::SERVING);
  health_.SetServing(true);
  health_.SetServing(false);
  EXPECT_EQ(Check(kLivenessName), HealthCheckResponse::SERVING);
}

TEST_F(HealthPortTest, ServesNothingElse) {
  std::string reply;
  for (const char* path : {"/nisi.testing.v1.WidgetService/GetWidget",
                           "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
                           "/grpc.health.v1.Health/List"}) {
    EXPECT_EQ(Call(path, "", &reply).error_code(), grpc::StatusCode::UNIMPLEMENTED) << path;
  }
  EXPECT_EQ(Call(kHealthCheckPath, std::string(5000, 'x'), &reply).error_code(),
            grpc::StatusCode::RESOURCE_EXHAUSTED);
}

TEST_F(HealthPortTest, SaysWhyItCannotListen) {
  const auto again = HealthPort::Start(absl::StrCat("127.0.0.1:", port_->port()), health_);
  EXPECT_EQ(again.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_NE(std::string(again.status().message()).find("--health-address"), std::string::npos);
}

}  // namespace
}  // namespace nisi::rpc
