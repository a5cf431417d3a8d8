#include "common/rpc/drain.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/server_builder.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace nisi::rpc {
namespace {

// Answers every call with ABORTED, "/test.Service/Stay" not before the call is cancelled.
class Service final : public grpc::CallbackGenericService {
 public:
  std::future<void> stays() { return stays_.get_future(); }  // one call has come to stay

 private:
  class Answer final : public grpc::ServerGenericBidiReactor {
   public:
    explicit Answer(bool stay) {
      if (!stay) {
        End();
      }
    }
    void OnCancel() override { End(); }
    void OnDone() override { delete this; }

   private:
    void End() {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (!std::exchange(ended_, true)) {
        Finish(grpc::Status(grpc::StatusCode::ABORTED, "served"));
      }
    }
    std::mutex mutex_;
    bool ended_ = false;
  };

  grpc::ServerGenericBidiReactor* CreateReactor(
      grpc::GenericCallbackServerContext* context) override {
    const bool stay = absl::EndsWith(context->method(), "/Stay");
    if (stay) {
      stays_.set_value();
    }
    return new Answer(stay);
  }

  std::promise<void> stays_;
};

class Caller {
 public:
  explicit Caller(int port) {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    stub_ = std::make_unique<grpc::GenericStub>(grpc::CreateCustomChannel(
        absl::StrCat("127.0.0.1:", port), grpc::InsecureChannelCredentials(), arguments));
  }
  // `method` is a word.
  grpc::StatusCode Call(const std::string& method) {
    grpc::ClientContext context;
    const grpc::Slice text("x");
    grpc::ByteBuffer request(&text, 1);
    grpc::ByteBuffer response;
    std::promise<grpc::StatusCode> done;
    stub_->UnaryCall(&context, absl::StrCat("/test.Service/", method), grpc::StubOptions(),
                     &request, &response,
                     [&done](const grpc::Status& status) { done.set_value(status.error_code()); });
    return done.get_future().get();
  }

 private:
  std::unique_ptr<grpc::GenericStub> stub_;
};

class DrainTest : public ::testing::Test {
 protected:
  DrainTest() {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
    builder.RegisterCallbackGenericService(&service_);
    server_ = builder.BuildAndStart();
  }

  Service service_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

TEST_F(DrainTest, WhoCallsWithoutPauseLosesNoCall) {
  std::atomic<bool> over{false};
  std::atomic<int> served{0};
  std::atomic<int> lost{0};
  std::vector<std::thread> callers;
  for (int i = 0; i < 4; ++i) {
    callers.emplace_back([&] {
      Caller caller(port_);
      while (!over) {
        const grpc::StatusCode code = caller.Call("Call");
        served += code == grpc::StatusCode::ABORTED ? 1 : 0;
        lost += code != grpc::StatusCode::ABORTED && code != grpc::StatusCode::UNAVAILABLE ? 1 : 0;
      }
    });
  }
  while (served < 1000) {
    std::this_thread::yield();
  }
  EndServer(*server_, absl::Now() + absl::Minutes(1));
  over = true;
  for (std::thread& caller : callers) {
    caller.join();
  }
  EXPECT_EQ(lost, 0);
}

TEST_F(DrainTest, WhatIsNotWaitedForEndsUnavailable) {
  Caller caller(port_);
  std::future<grpc::StatusCode> code =
      std::async(std::launch::async, [&] { return caller.Call("Stay"); });
  service_.stays().wait();
  EndServer(*server_, absl::Now() + absl::Minutes(10), [] { return false; });
  EXPECT_EQ(code.get(), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(DrainTest, TheLimitHolds) {
  Caller caller(port_);
  std::future<grpc::StatusCode> code =
      std::async(std::launch::async, [&] { return caller.Call("Stay"); });
  service_.stays().wait();
  EndServer(*server_, absl::Now());
  EXPECT_EQ(code.get(), grpc::StatusCode::UNAVAILABLE);
}

}  // namespace
}  // namespace nisi::rpc
