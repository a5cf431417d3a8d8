// Servers over loopback, and what they were built with.
#include "common/rpc/listen_options.h"

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/impl/server_builder_option.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/support/byte_buffer.h>
#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "google/protobuf/descriptor.h"

namespace nisi::rpc {
namespace {

// Answers every call with ABORTED: it came as far as this.
class Reached final : public grpc::CallbackGenericService {
  class Answer final : public grpc::ServerGenericBidiReactor {
   public:
    Answer() { Finish(grpc::Status(grpc::StatusCode::ABORTED, "reached")); }
    void OnDone() override { delete this; }
  };
  grpc::ServerGenericBidiReactor* CreateReactor(grpc::GenericCallbackServerContext*) override {
    return new Answer();
  }
};

// Notes the numbers among the arguments that a server is built with.
class Note final : public grpc::ServerBuilderOption {
 public:
  explicit Note(std::map<std::string, int>* numbers) : numbers_(numbers) {}
  void UpdateArguments(grpc::ChannelArguments* arguments) override {
    const grpc_channel_args all = arguments->c_channel_args();
    for (size_t i = 0; i < all.num_args; ++i) {
      if (all.args[i].type == GRPC_ARG_INTEGER) {
        (*numbers_)[all.args[i].key] = all.args[i].value.integer;
      }
    }
  }
  void UpdatePlugins(std::vector<std::unique_ptr<grpc::ServerBuilderPlugin>>*) override {}

 private:
  std::map<std::string, int>* numbers_;
};

class ListenOptionsTest : public ::testing::Test {
 protected:
  ListenOptionsTest() {
    grpc::ServerBuilder builder;
    SetListenOptions(builder);
    builder.SetOption(std::make_unique<Note>(&numbers_));
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
    builder.RegisterCallbackGenericService(&service_);
    server_ = builder.BuildAndStart();
  }
  ~ListenOptionsTest() override { server_->Shutdown(std::chrono::system_clock::now()); }

  grpc::Status Call(grpc::ClientContext& context) const {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    grpc::GenericStub stub(grpc::CreateCustomChannel(
        absl::StrCat("127.0.0.1:", port_), grpc::InsecureChannelCredentials(), arguments));
    const grpc::Slice text(std::string(10'000, 'x'));
    grpc::ByteBuffer request(&text, 1);
    grpc::ByteBuffer response;
    std::promise<grpc::Status> done;
    stub.UnaryCall(&context, "/test.Reached/Call", grpc::StubOptions(), &request, &response,
                   [&done](grpc::Status status) { done.set_value(std::move(status)); });
    return done.get_future().get();
  }

  std::map<std::string, int> numbers_;
  Reached service_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

TEST_F(ListenOptionsTest, CompressedRequestsAreRefusedAndNeverInflated) {
  grpc::ClientContext plain;
  EXPECT_EQ(Call(plain).error_code(), grpc::StatusCode::ABORTED);
  for (const auto algorithm : {GRPC_COMPRESS_GZIP, GRPC_COMPRESS_DEFLATE}) {
    grpc::ClientContext compressed;
    compressed.set_compression_algorithm(algorithm);
    EXPECT_EQ(Call(compressed).error_code(), grpc::StatusCode::UNIMPLEMENTED);
  }
  ASSERT_EQ(numbers_.count(GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION), 1U);
  EXPECT_EQ(numbers_[GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION], 0);
}

TEST_F(ListenOptionsTest, MetadataOverTheGatewaysBoundReachTheServer) {
  grpc::ClientContext context;
  context.AddMetadata("large", std::string(60'000, 'v'));
  EXPECT_EQ(Call(context).error_code(), grpc::StatusCode::ABORTED);
}

// Real pings would take half a minute to be too many.
TEST_F(ListenOptionsTest, ClientsMayPingEveryTenSecondsAndArePinged) {
  ASSERT_EQ(numbers_.count(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS), 1U);
  EXPECT_LT(numbers_[GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS], 10'000);
  EXPECT_EQ(numbers_[GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS], 1);
  EXPECT_EQ(numbers_[GRPC_ARG_KEEPALIVE_TIME_MS], 60'000);
  EXPECT_EQ(numbers_[GRPC_ARG_KEEPALIVE_TIMEOUT_MS], 20'000);
}

TEST_F(ListenOptionsTest, ATakenPortIsNotShared) {
  ASSERT_EQ(numbers_.count(GRPC_ARG_ALLOW_REUSEPORT), 1U);
  EXPECT_EQ(numbers_[GRPC_ARG_ALLOW_REUSEPORT], 0);
}

TEST_F(ListenOptionsTest, TheHealthServiceIsDescribed) {
  const auto* pool = google::protobuf::DescriptorPool::generated_pool();
  const auto* health = pool->FindServiceByName("grpc.health.v1.Health");
  ASSERT_NE(health, nullptr);
  EXPECT_NE(health->FindMethodByName("Check"), nullptr);
  EXPECT_NE(health->FindMethodByName("Watch"), nullptr);
}

}  // namespace
}  // namespace nisi::rpc
