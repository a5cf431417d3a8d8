// The carrier of our services, common/http2, called by gRPC's own client over loopback.
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/http2/server.h"

namespace nisi::rpc {
namespace {

using http2::Answer;
using http2::CallHead;
using http2::Replier;
using http2::Taker;

constexpr size_t kMaxMessage = 5 << 20;

// Answers each message by itself, from another thread, and ends with the client.
class CarrierEcho final : public Taker, public std::enable_shared_from_this<CarrierEcho> {
 public:
  explicit CarrierEcho(std::shared_ptr<Replier> replier) : replier_(std::move(replier)) {}
  void OnMessage(std::string message) override {
    std::thread([self = shared_from_this(), message = std::move(message)]() mutable {
      self->replier_->Send(std::move(message));
    }).detach();
  }
  void OnSent() override { replier_->Ready(); }
  void OnEnd() override { replier_->Finish({}); }
  void OnFault(http2::Fault fault) override {
    replier_->Finish({fault == http2::Fault::kCompressed ? absl::StatusCode::kUnimplemented
                                                         : absl::StatusCode::kResourceExhausted,
                      "",
                      "",
                      {}});
  }
  void OnTick(absl::Time) override {}
  void OnCancel() override {}

 private:
  const std::shared_ptr<Replier> replier_;
};

// Answers ABORTED, after a while.
class Slow final : public Taker, public std::enable_shared_from_this<Slow> {
 public:
  explicit Slow(std::shared_ptr<Replier> replier) : replier_(std::move(replier)) {}
  void OnMessage(std::string) override { replier_->Ready(); }
  void OnEnd() override {
    std::thread([self = shared_from_this()] {
      absl::SleepFor(absl::Milliseconds(50));
      self->replier_->Finish({absl::StatusCode::kAborted, "slowly", "", {}});
    }).detach();
  }
  void OnFault(http2::Fault) override {}
  void OnTick(absl::Time) override {}
  void OnCancel() override {}

 private:
  const std::shared_ptr<Replier> replier_;
};

// Takes the first message and no other, and never answers; tells when its client has gone.
class Stay final : public Taker {
 public:
  Stay(std::shared_ptr<Replier> replier, std::promise<void>* begun, std::promise<bool>* gone)
      : replier_(std::move(replier)), begun_(begun), gone_(gone) {}
  void OnMessage(std::string) override { begun_->set_value(); }
  void OnEnd() override {}
  void OnFault(http2::Fault) override {}
  void OnTick(absl::Time) override {}
  void OnCancel() override { gone_->set_value(replier_->cancelled()); }

 private:
  const std::shared_ptr<Replier> replier_;
  std::promise<void>* begun_;
  std::promise<bool>* gone_;
};

// Sends numbered messages, the next when one has left.
class Count final : public Taker {
 public:
  Count(std::shared_ptr<Replier> replier, std::atomic<int>* sent)
      : replier_(std::move(replier)), sent_(sent) {}
  void OnMessage(std::string) override { replier_->Ready(); }
  void OnEnd() override { Next(); }
  void OnFault(http2::Fault) override {}
  void OnSent() override { Next(); }
  void OnTick(absl::Time) override {}
  void OnCancel() override {}

 private:
  static constexpr int kMessages = 300;
  static constexpr size_t kBytes = 64 << 10;
  void Next() {
    if (*sent_ == kMessages) return replier_->Finish({});
    std::string message = absl::StrCat((*sent_)++, " ");
    message.resize(kBytes, 'x');
    replier_->Send(std::move(message));
  }
  const std::shared_ptr<Replier> replier_;
  std::atomic<int>* sent_;
};

grpc::ByteBuffer Bytes(const std::string& text) {
  const grpc::Slice slice(text);
  return {&slice, 1};
}
std::string Text(const grpc::ByteBuffer& bytes) {
  std::vector<grpc::Slice> slices;
  if (!bytes.Dump(&slices).ok()) return "";
  std::string text;
  for (const grpc::Slice& slice : slices) {
    text.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  }
  return text;
}

class Client {
 public:
  explicit Client(int port) {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    arguments.SetMaxReceiveMessageSize(-1);
    arguments.SetInt(GRPC_ARG_MAX_METADATA_SIZE, 1 << 20);
    stub_ = std::make_unique<grpc::GenericStub>(grpc::CreateCustomChannel(
        absl::StrCat("127.0.0.1:", port), grpc::InsecureChannelCredentials(), arguments));
  }
  // `method` is a word.
  grpc::Status Call(const std::string& method, const std::string& request, std::string* reply,
                    grpc::ClientContext& context) {
    const grpc::ByteBuffer sent = Bytes(request);
    grpc::ByteBuffer got;
    std::promise<grpc::Status> done;
    stub_->UnaryCall(&context, "/test.Carrier/" + method, grpc::StubOptions(), &sent, &got,
                     [&done](grpc::Status status) { done.set_value(std::move(status)); });
    grpc::Status status = done.get_future().get();
    if (status.ok()) *reply = Text(got);
    return status;
  }
  grpc::StatusCode Call(const std::string& method, const std::string& request = "x") {
    grpc::ClientContext context;
    std::string reply;
    const grpc::Status status = Call(method, request, &reply, context);
    if (status.ok()) {
      EXPECT_EQ(reply == request, method == "CarrierEcho");
    }
    return status.error_code();
  }
  grpc::GenericStub& stub() { return *stub_; }

 private:
  std::unique_ptr<grpc::GenericStub> stub_;
};

class CarrierTest : public ::testing::Test {
 protected:
  CarrierTest() {
    http2::ServerOptions options;
    options.address = "127.0.0.1:0";
    options.limits.max_message_bytes = kMaxMessage;
    options.take = [this](http2::EventLoop*) {
      return [this](CallHead head, std::shared_ptr<Replier> replier) {
        return Take(std::move(head), std::move(replier));
      };
    };
    auto server = http2::Server::Start(std::move(options));
    EXPECT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }

  std::shared_ptr<Taker> Take(CallHead head, std::shared_ptr<Replier> replier) {
    if (head.fault != http2::Fault::kNone) {
      replier->Finish({absl::StatusCode::kUnimplemented, "", "", {}});
      return nullptr;
    }
    if (absl::EndsWith(head.path, "/CarrierEcho"))
      return std::make_shared<CarrierEcho>(std::move(replier));
    if (absl::EndsWith(head.path, "/Slow")) return std::make_shared<Slow>(std::move(replier));
    if (absl::EndsWith(head.path, "/Stay")) {
      return std::make_shared<Stay>(std::move(replier), &begun_, &gone_);
    }
    if (absl::EndsWith(head.path, "/Count")) {
      return std::make_shared<Count>(std::move(replier), &sent_);
    }
    Answer answer{
        absl::StatusCode::kAborted, "sorry: 100 % \xD2\x9B\xD0\xB0\n", "\x01\x00 detail", {}};
    for (const http2::Field& field : head.fields)
      answer.trailers.Add("got-" + field.name, field.value);
    answer.trailers.Add("left",
                        head.deadline == absl::InfiniteFuture()
                            ? "unlimited"
                            : absl::StrCat(absl::ToInt64Minutes(head.deadline - absl::Now())));
    replier->Finish(std::move(answer));
    return nullptr;
  }

  std::promise<void> begun_;
  std::promise<bool> gone_;
  std::atomic<int> sent_{0};
  std::unique_ptr<http2::Server> server_;
};

TEST_F(CarrierTest, MessagesOfAllSizesComeBack) {
  Client client(server_->port());
  for (const size_t size : {0UL, 1UL, 16'384UL, 65'535UL, 262'144UL, 1UL << 20, kMaxMessage}) {
    std::string request(size, '\0');
    for (size_t i = 0; i < size; ++i) request[i] = static_cast<char>(i * 31 >> 3);
    grpc::ClientContext context;
    std::string reply;
    const grpc::Status status = client.Call("CarrierEcho", request, &reply, context);
    ASSERT_TRUE(status.ok()) << size << ": " << status.error_message();
    EXPECT_TRUE(reply == request) << size;
  }
}

TEST_F(CarrierTest, ManyAtOnceAllGetTheirOwn) {
  std::vector<std::thread> callers;
  std::atomic<int> right{0};
  for (int i = 0; i < 8; ++i) {
    callers.emplace_back([&, i] {
      Client client(server_->port());
      for (int n = 0; n < 100; ++n) {
        grpc::ClientContext context;
        std::string reply;
        const std::string request =
            absl::StrCat(i, ".", n, std::string(static_cast<size_t>(n), 'y'));
        if (client.Call("CarrierEcho", request, &reply, context).ok() && reply == request) ++right;
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(right, 800);
}

TEST_F(CarrierTest, AnErrorArrivesWhole) {
  Client client(server_->port());
  grpc::ClientContext context;
  context.AddMetadata("plain", "value");
  context.AddMetadata("some-bin", std::string("\x00\xFF\x01", 3));
  context.AddMetadata("large", std::string(60'000, 'v'));
  std::string reply;
  const grpc::Status status = client.Call("Refuse", "x", &reply, context);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::ABORTED);
  EXPECT_EQ(status.error_message(), "sorry: 100 % \xD2\x9B\xD0\xB0\n");
  EXPECT_EQ(status.error_details(), "\x01\x00 detail");
  std::map<std::string, std::string> trailers;
  for (const auto& [name, value] : context.GetServerTrailingMetadata()) {
    trailers[std::string(name.data(), name.size())] = std::string(value.data(), value.size());
  }
  EXPECT_EQ(trailers["got-plain"], "value");
  EXPECT_EQ(trailers["got-some-bin"], std::string("\x00\xFF\x01", 3));
  EXPECT_EQ(trailers["got-large"].size(), 60'000U);
  EXPECT_EQ(trailers["left"], "unlimited");
}

TEST_F(CarrierTest, TheDeadlineComesAlong) {
  Client client(server_->port());
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::hours(5));
  std::string reply;
  EXPECT_EQ(client.Call("Refuse", "x", &reply, context).error_code(), grpc::StatusCode::ABORTED);
  const auto& trailers = context.GetServerTrailingMetadata();
  const auto left = trailers.find("left");
  ASSERT_NE(left, trailers.end());
  // gRPC's client rounds up, by another clock than this one.
  const std::string minutes(left->second.data(), left->second.size());
  EXPECT_TRUE(minutes == "299" || minutes == "300" || minutes == "301") << minutes;
}

TEST_F(CarrierTest, WhatIsTooMuchIsRefusedAndTheConnectionGoesOn) {
  Client client(server_->port());
  EXPECT_EQ(client.Call("CarrierEcho", std::string(kMaxMessage + 1, 'x')),
            grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(client.Call("CarrierEcho"), grpc::StatusCode::OK);
  for (const auto algorithm : {GRPC_COMPRESS_GZIP, GRPC_COMPRESS_DEFLATE}) {
    grpc::ClientContext context;
    context.set_compression_algorithm(algorithm);
    std::string reply;
    EXPECT_EQ(client.Call("CarrierEcho", std::string(10'000, 'x'), &reply, context).error_code(),
              grpc::StatusCode::UNIMPLEMENTED);
  }
  EXPECT_EQ(client.Call("CarrierEcho"), grpc::StatusCode::OK);
}

TEST_F(CarrierTest, AClientThatGivesUpIsNoticed) {
  Client client(server_->port());
  grpc::ClientContext context;
  auto code = std::async(std::launch::async, [&] {
    std::string reply;
    return client.Call("Stay", "x", &reply, context).error_code();
  });
  begun_.get_future().wait();
  context.TryCancel();
  EXPECT_EQ(code.get(), grpc::StatusCode::CANCELLED);
  EXPECT_TRUE(gone_.get_future().get());
}

TEST_F(CarrierTest, AClientThatBreaksOffIsNoticed) {
  auto client = std::make_unique<Client>(server_->port());
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::milliseconds(300));
  std::string reply;
  EXPECT_EQ(client->Call("Stay", "x", &reply, context).error_code(),
            grpc::StatusCode::DEADLINE_EXCEEDED);
  EXPECT_TRUE(gone_.get_future().get());
}

// The client of a taker that takes nothing comes to a stop.
TEST_F(CarrierTest, WhoIsNotReadyLetsItsClientWait) {
  Client client(server_->port());
  grpc::ClientContext context;
  grpc::CompletionQueue queue;
  const auto call = client.stub().PrepareCall(&context, "/test.Carrier/Stay", &queue);
  const auto next = [&](std::chrono::milliseconds limit) {
    void* tag = nullptr;
    bool ok = false;
    return queue.AsyncNext(&tag, &ok, std::chrono::system_clock::now() + limit) ==
               grpc::CompletionQueue::GOT_EVENT &&
           ok;
  };
  call->StartCall(nullptr);
  ASSERT_TRUE(next(std::chrono::seconds(30)));
  size_t written = 0;
  constexpr size_t kPiece = 64 << 10;
  const grpc::ByteBuffer piece = Bytes(std::string(kPiece, 'x'));
  while (written < 64 * kPiece) {
    call->Write(piece, nullptr);
    if (!next(std::chrono::milliseconds(500))) break;
    written += kPiece;
  }
  EXPECT_GE(written, kPiece);
  EXPECT_LT(written, 16 * kPiece);
  context.TryCancel();
  EXPECT_TRUE(gone_.get_future().get());
  queue.Shutdown();
  void* tag = nullptr;
  for (bool ok = false; queue.Next(&tag, &ok);) {
  }
}

// A reader that waits holds the writer; in the end all came, in order.
TEST_F(CarrierTest, AServerStreamGoesAtTheReadersPace) {
  Client client(server_->port());
  grpc::ClientContext context;
  grpc::CompletionQueue queue;
  const auto call = client.stub().PrepareCall(&context, "/test.Carrier/Count", &queue);
  const auto next = [&] {
    void* tag = nullptr;
    bool ok = false;
    return queue.Next(&tag, &ok) && ok;
  };
  call->StartCall(nullptr);
  ASSERT_TRUE(next());
  call->WriteLast(Bytes("go"), grpc::WriteOptions(), nullptr);
  ASSERT_TRUE(next());
  absl::SleepFor(absl::Milliseconds(500));
  EXPECT_LT(sent_, 300);
  int got = 0;
  while (true) {
    grpc::ByteBuffer message;
    call->Read(&message, nullptr);
    if (!next()) break;
    const std::string text = Text(message);
    EXPECT_TRUE(absl::StartsWith(text, absl::StrCat(got, " ")));
    ++got;
  }
  EXPECT_EQ(got, 300);
  grpc::Status status;
  call->Finish(&status, nullptr);
  ASSERT_TRUE(next());
  EXPECT_TRUE(status.ok()) << status.error_message();
  queue.Shutdown();
}

TEST_F(CarrierTest, ATakenPortIsNotShared) {
  http2::ServerOptions options;
  options.address = absl::StrCat("127.0.0.1:", server_->port());
  options.take = [](http2::EventLoop*) {
    return [](CallHead, const std::shared_ptr<Replier>&) { return nullptr; };
  };
  EXPECT_EQ(http2::Server::Start(options).status().code(), absl::StatusCode::kUnavailable);
  for (const char* address : {"nowhere", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "a b:1"}) {
    options.address = address;
    EXPECT_EQ(http2::Server::Start(options).status().code(), absl::StatusCode::kInvalidArgument)
        << address;
  }
}

// What a call gets that the end did not wait for; no client makes this code itself.
const Answer kLate{absl::StatusCode::kDataLoss, "late", "", {}};

TEST_F(CarrierTest, AtTheEndWhoCallsWithoutPauseLosesNoCall) {
  std::atomic<bool> over{false};
  std::atomic<int> served{0};
  std::atomic<int> lost{0};
  std::vector<std::thread> callers;
  for (int i = 0; i < 4; ++i) {
    callers.emplace_back([&, i] {
      Client client(server_->port());
      while (!over) {
        const grpc::StatusCode code = client.Call(i % 2 == 0 ? "Refuse" : "Slow");
        served += code == grpc::StatusCode::ABORTED ? 1 : 0;
        lost += code != grpc::StatusCode::ABORTED && code != grpc::StatusCode::UNAVAILABLE ? 1 : 0;
      }
    });
  }
  while (served < 1000) std::this_thread::yield();
  server_->End(absl::Now() + absl::Minutes(1), kLate);
  over = true;
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(lost, 0);
}

TEST_F(CarrierTest, AtTheEndTheLimitHolds) {
  Client client(server_->port());
  auto code = std::async(std::launch::async, [&] { return client.Call("Stay"); });
  begun_.get_future().wait();
  server_->End(absl::Now(), kLate);
  EXPECT_EQ(code.get(), grpc::StatusCode::DATA_LOSS);
  EXPECT_TRUE(gone_.get_future().get());
}

}  // namespace
}  // namespace nisi::rpc
