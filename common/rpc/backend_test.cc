// A backend of common/http2, over loopback to servers of ours: what a gateway does with its
// services.
#include "common/http2/backend.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "common/base/hash.h"
#include "common/http2/server.h"
#include "common/rpc/certificates.h"
#include "common/rpc/key_files.h"

namespace nisi::rpc {
namespace {

using http2::Answer;
using http2::CallHead;
using http2::ClientCall;
using http2::Replier;
using http2::Taker;

// Answers with what came, once all has come; "fail" with an error.
class Echo final : public Taker {
 public:
  Echo(CallHead head, std::shared_ptr<Replier> replier)
      : head_(std::move(head)), replier_(std::move(replier)) {}
  void OnMessage(std::string message) override {
    text_ += message;
    replier_->Ready();
  }
  void OnEnd() override {
    Answer answer;
    answer.trailers.Add("peer", head_.peer->identity);
    for (const http2::Field& field : head_.fields) answer.trailers.Add(field.name, field.value);
    if (text_ == "fail") {
      answer.code = absl::StatusCode::kAborted;
      answer.text = "50 % \xD2\x9B";
      answer.details = std::string("\0detail", 7);
      return replier_->Finish(std::move(answer));
    }
    replier_->Reply(text_, std::move(answer));
  }
  void OnFault(http2::Fault) override {
    replier_->Finish({absl::StatusCode::kInternal, "", "", {}});
  }
  void OnTick(absl::Time) override {}
  void OnCancel() override {}

 private:
  const CallHead head_;
  const std::shared_ptr<Replier> replier_;
  std::string text_;
};

std::unique_ptr<http2::Server> Serve(const std::string& address,
                                     std::shared_ptr<http2::TlsAcceptor> tls = nullptr) {
  http2::ServerOptions options;
  options.address = address;
  options.tls = std::move(tls);
  options.take = [](http2::EventLoop*) {
    return [](CallHead head, std::shared_ptr<Replier> replier) {
      return std::make_shared<Echo>(std::move(head), std::move(replier));
    };
  };
  auto server = http2::Server::Start(std::move(options));
  EXPECT_TRUE(server.ok()) << server.status();
  return server.ok() ? *std::move(server) : nullptr;
}

struct Outcome {
  std::optional<std::string> message;
  Answer answer;
};

class Waiter final : public Replier {
 public:
  void Send(std::string message) override { message_ = std::move(message); }
  void Finish(Answer answer) override { done_.set_value({message_, std::move(answer)}); }
  void Reply(std::string message, Answer answer) override {
    done_.set_value({std::move(message), std::move(answer)});
  }
  void Ready() override {}
  bool cancelled() const override { return false; }
  std::future<Outcome> done() { return done_.get_future(); }

 private:
  std::optional<std::string> message_;
  std::promise<Outcome> done_;
};

class BackendTest : public ::testing::Test {
 protected:
  void Use(const std::string& address, std::shared_ptr<http2::TlsConnector> tls = nullptr) {
    http2::BackendOptions options;
    options.address = address;
    options.tls = std::move(tls);
    Use(options);
  }
  void Use(const http2::BackendOptions& options) {
    loop_.RunAndWait([&] {
      backend_ = std::make_unique<http2::Backend>(&loop_, options);
      ticks_ = loop_.EveryTick([this](absl::Time now) { backend_->OnTick(now); });
    });
  }
  ~BackendTest() override { End(); }
  void End() {
    loop_.RunAndWait([&] {
      ticks_.reset();
      backend_.reset();
    });
  }

  Outcome Call(const std::string& request, CallHead head = {}) {
    auto waiter = std::make_shared<Waiter>();
    auto done = waiter->done();
    head.path = "/test.Backend/Echo";
    loop_.RunAndWait([&] {
      const auto taker = backend_->Take(std::move(head), ClientCall::Answers::kOne, waiter);
      taker->OnMessage(request);
      taker->OnEnd();
    });
    return done.get();
  }
  absl::StatusCode CodeOf(const std::string& request) { return Call(request).answer.code; }
  // Until the backend is there again.
  void WaitForIt() {
    const absl::Time limit = absl::Now() + absl::Minutes(1);
    while (CodeOf("x") != absl::StatusCode::kOk) {
      ASSERT_LT(absl::Now(), limit);
      absl::SleepFor(absl::Milliseconds(20));
    }
  }

  http2::EventLoop loop_{"backend-test"};
  std::unique_ptr<http2::Backend> backend_;
  std::shared_ptr<void> ticks_;
};

std::string At(const http2::Server& server) {
  return absl::StrCat("localhost:", server.port());
}

TEST_F(BackendTest, MessagesAndMetadataOfAllKindsComeBack) {
  const auto server = Serve("localhost:0");
  Use(At(*server));
  for (const size_t size : {0UL, 1UL, 65'536UL, 1UL << 20, 4UL << 20}) {
    const std::string request(size, 'q');
    const Outcome outcome = Call(request);
    ASSERT_EQ(outcome.answer.code, absl::StatusCode::kOk) << outcome.answer.text;
    EXPECT_TRUE(outcome.message == request) << size;
  }
  CallHead head;
  head.fields.Add("plain", "value");
  head.fields.Add("some-bin", std::string("\0\xFF", 2));
  head.deadline = absl::Now() + absl::Minutes(5);
  const Outcome outcome = Call("fail", head);
  EXPECT_EQ(outcome.answer.code, absl::StatusCode::kAborted);
  EXPECT_EQ(outcome.answer.text, "50 % \xD2\x9B");
  EXPECT_EQ(outcome.answer.details, std::string("\0detail", 7));
  ASSERT_NE(outcome.answer.trailers.Find("some-bin"), nullptr);
  EXPECT_EQ(*outcome.answer.trailers.Find("some-bin"), std::string("\0\xFF", 2));
  EXPECT_EQ(*outcome.answer.trailers.Find("plain"), "value");
}

TEST_F(BackendTest, OneThatIsAwayIsUnavailableAtOnceAndComesBack) {
  auto server = Serve("127.0.0.1:0");
  const std::string address = absl::StrCat("127.0.0.1:", server->port());
  Use(address);
  EXPECT_EQ(CodeOf("x"), absl::StatusCode::kOk);
  server.reset();
  EXPECT_EQ(CodeOf("x"), absl::StatusCode::kUnavailable);
  server = Serve(address);
  WaitForIt();
}

TEST_F(BackendTest, ANameThatLeadsNowhereIsUnavailable) {
  Use("no-such-host.invalid:1");
  EXPECT_EQ(CodeOf("x"), absl::StatusCode::kUnavailable);
}

// A server that ends tells its clients first, and serves what they sent meanwhile.
TEST_F(BackendTest, AServerThatEndsLosesNoCall) {
  auto server = Serve("127.0.0.1:0");
  Use(absl::StrCat("127.0.0.1:", server->port()));
  std::atomic<bool> over{false};
  std::atomic<int> served{0};
  std::atomic<int> lost{0};
  std::thread caller([&] {
    while (!over) {
      const absl::StatusCode code = CodeOf("x");
      served += code == absl::StatusCode::kOk ? 1 : 0;
      lost += code != absl::StatusCode::kOk && code != absl::StatusCode::kUnavailable ? 1 : 0;
    }
  });
  while (served < 500) std::this_thread::yield();
  server->End(absl::Now() + absl::Minutes(1), {absl::StatusCode::kInternal, "late", "", {}});
  over = true;
  caller.join();
  EXPECT_EQ(lost, 0);
}

TEST_F(BackendTest, AConnectionWhoseNumbersAreUsedUpIsFollowedByAnother) {
  auto server = Serve("127.0.0.1:0");
  http2::BackendOptions options;
  options.address = absl::StrCat("127.0.0.1:", server->port());
  options.first_stream = INT32_MAX - 2;  // and one more
  Use(options);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(CodeOf("x"), absl::StatusCode::kOk);
  End();
}

// A socket that listens on loopback, at a port of the system's choice.
int Listen(int backlog, int* port) {
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  const int on = 1;  // another may follow at once
  EXPECT_EQ(setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), 0);
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof name;
  EXPECT_EQ(bind(listener, reinterpret_cast<sockaddr*>(&name), size), 0);
  EXPECT_EQ(listen(listener, backlog), 0);
  EXPECT_EQ(getsockname(listener, reinterpret_cast<sockaddr*>(&name), &size), 0);
  *port = ntohs(name.sin_port);
  return listener;
}

// A server by hand, for one connection: it says of the first `refused` streams that it did not look
// at them, of `at_once` of them each time, and answers the next with an empty message.
class Refusing {
 public:
  explicit Refusing(int refused, size_t at_once = 1) : listener_(Listen(1, &port_)) {
    thread_ = std::thread([this, refused, at_once] { Serve(refused, at_once); });
  }
  ~Refusing() {
    thread_.join();
    close(listener_);
  }
  int port() const { return port_; }
  // Calls that have come.
  int came() const { return came_; }

 private:
  enum Kind : uint8_t { kData = 0, kHeaders = 1, kReset = 3, kSettings = 4 };
  static std::string Number(size_t value, int bytes) {
    std::string text;
    while (bytes-- > 0) text += static_cast<char>(value >> (8 * bytes));
    return text;
  }
  static std::string Frame(Kind kind, uint8_t flags, size_t stream, const std::string& payload) {
    return Number(payload.size(), 3) + Number(kind, 1) + Number(flags, 1) + Number(stream, 4) +
           payload;
  }
  static std::string Literal(const std::string& name, const std::string& value) {
    return std::string(1, '\0') + Number(name.size(), 1) + name + Number(value.size(), 1) + value;
  }
  void Say(const std::string& bytes) const {
    EXPECT_EQ(send(client_, bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }
  bool Hear(size_t size, std::string* bytes) const {
    bytes->assign(size, '\0');
    return size == 0 ||
           recv(client_, bytes->data(), size, MSG_WAITALL) == static_cast<ssize_t>(size);
  }
  void Serve(int refused, size_t at_once) {
    std::vector<std::string> resets;
    client_ = accept(listener_, nullptr, nullptr);
    Say(Frame(kSettings, 0, 0, ""));
    constexpr size_t kPreface = 24, kHead = 9;
    std::string head, payload;
    Hear(kPreface, &head);
    while (Hear(kHead, &head)) {
      const auto byte = [&head](size_t at) { return static_cast<unsigned char>(head[at]); };
      if (!Hear(byte(0) << 16 | byte(1) << 8 | byte(2), &payload)) break;
      const unsigned char stream = byte(8);
      if (byte(3) != kHeaders) continue;
      ++came_;
      if (refused-- > 0) {
        resets.push_back(Frame(kReset, 0, stream, Number(7, 4)));
        if (resets.size() == at_once) Say(absl::StrJoin(std::exchange(resets, {}), ""));
        continue;
      }
      Say(Frame(kHeaders, 4, stream,
                Literal(":status", "200") + Literal("content-type", "application/grpc")) +
          Frame(kData, 0, stream, std::string(5, '\0')) +
          Frame(kHeaders, 5, stream, Literal("grpc-status", "0")));
    }
    close(client_);
  }

  int port_ = 0;  // before what fills it
  const int listener_;
  int client_ = -1;
  std::atomic<int> came_{0};
  std::thread thread_;
};

// Its connection goes on meanwhile: it does not wait for that to end.
TEST_F(BackendTest, ACallThatNobodyLookedAtIsSentOnceMore) {
  const Refusing server(1);
  Use(absl::StrCat("127.0.0.1:", server.port()));
  EXPECT_EQ(CodeOf("x"), absl::StatusCode::kOk);
  End();
}

TEST_F(BackendTest, ACallThatIsRefusedAgainIsUnavailable) {
  const Refusing server(2);
  Use(absl::StrCat("127.0.0.1:", server.port()));
  EXPECT_EQ(CodeOf("x"), absl::StatusCode::kUnavailable);
  EXPECT_EQ(CodeOf("x"), absl::StatusCode::kOk);
  End();
}

// Both are to be sent again, the one first; when its turn comes, the client of the other gives up.
TEST_F(BackendTest, WhatIsGivenUpIsNotSentAgain) {
  const Refusing server(2, 2);
  std::shared_ptr<Taker> other;
  http2::BackendOptions options;
  options.address = absl::StrCat("127.0.0.1:", server.port());
  options.elsewhere = [&other](const auto&) {
    if (other != nullptr) std::exchange(other, nullptr)->OnCancel();
    return false;
  };
  Use(options);
  const auto first = std::make_shared<Waiter>(), second = std::make_shared<Waiter>();
  const auto begin = [&](const std::shared_ptr<Waiter>& waiter) {
    CallHead head;
    head.path = "/test.Backend/Echo";
    auto taker = backend_->Take(std::move(head), ClientCall::Answers::kOne, waiter);
    taker->OnMessage("x");
    taker->OnEnd();
    return taker;
  };
  loop_.RunAndWait([&] {
    begin(first);
    other = begin(second);
  });
  EXPECT_EQ(first->done().get().answer.code, absl::StatusCode::kOk);
  EXPECT_EQ(CodeOf("x"), absl::StatusCode::kOk);
  EXPECT_EQ(server.came(), 4);
  End();
}

// Tells that what was sent has left.
class Leaving final : public Replier {
 public:
  void Send(std::string) override {}
  void Finish(Answer answer) override { done_.set_value(answer.code); }
  void Reply(std::string, Answer answer) override { done_.set_value(answer.code); }
  void Ready() override { left_.set_value(); }
  bool cancelled() const override { return false; }
  std::future<void> left() { return left_.get_future(); }
  std::future<absl::StatusCode> done() { return done_.get_future(); }

 private:
  std::promise<void> left_;
  std::promise<absl::StatusCode> done_;
};

// A stream that went on for a while is not there any more: the rest of it is another one.
TEST_F(BackendTest, AStreamWhoseBeginningIsGoneIsNotSentAgain) {
  const Refusing server(2, 2);
  Use(absl::StrCat("127.0.0.1:", server.port()));
  const auto stream = std::make_shared<Leaving>();
  std::shared_ptr<Taker> taker;
  loop_.RunAndWait([&] {
    CallHead head;
    head.path = "/test.Backend/Collect";
    taker = backend_->Take(std::move(head), ClientCall::Answers::kOne, stream);
    taker->OnMessage("the first of two");
  });
  stream->left().wait();
  loop_.RunAndWait([&] {
    taker->OnMessage("the last");
    taker->OnEnd();
  });
  EXPECT_EQ(CodeOf("x"), absl::StatusCode::kOk);  // refused with the stream, and sent again
  EXPECT_EQ(stream->done().get(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(server.came(), 3);
  End();
}

// How many messages have left one side, and how many were taken on the other.
struct Flow {
  static constexpr int kWindow = 16 << 10;
  static constexpr int kBytes = 100;
  // So many more can have left as fit into the window, and some that are on their way.
  static constexpr int kAhead = 2 * kWindow / kBytes;

  void Take() {
    ++taken;
    most_ahead = std::max<int>(most_ahead, left - taken);
  }
  void WaitFor(int messages) const {
    while (came < messages) std::this_thread::yield();
  }

  std::atomic<int> left{0};
  std::atomic<int> came{0};
  int taken = 0;
  int most_ahead = 0;
};
constexpr int kSlowly = 200;  // messages

// Sends messages, the next when one has left.
class Pouring final : public Taker {
 public:
  Pouring(Flow* flow, std::shared_ptr<Replier> replier)
      : flow_(flow), replier_(std::move(replier)) {}
  void OnMessage(std::string) override { replier_->Ready(); }
  void OnEnd() override { OnSent(); }
  void OnFault(http2::Fault) override {}
  void OnSent() override {
    ++flow_->left;
    replier_->Send(std::string(Flow::kBytes, 'x'));
  }
  void OnTick(absl::Time) override {}
  void OnCancel() override {}

 private:
  Flow* const flow_;
  const std::shared_ptr<Replier> replier_;
};

class Trickling final : public Replier {
 public:
  explicit Trickling(Flow* flow) : flow_(flow) {}
  void Send(std::string) override { ++flow_->came; }
  void Finish(Answer) override {}
  void Reply(std::string, Answer) override {}
  void Ready() override {}
  bool cancelled() const override { return false; }

 private:
  Flow* const flow_;
};

// Of small messages it is no further ahead than of large ones, however many were taken.
TEST_F(BackendTest, AStreamOfSmallMessagesGoesAtTheReadersPace) {
  Flow flow;
  http2::ServerOptions options;
  options.address = "127.0.0.1:0";
  options.take = [&flow](http2::EventLoop*) {
    return [&flow](const CallHead&, std::shared_ptr<Replier> replier) {
      return std::make_shared<Pouring>(&flow, std::move(replier));
    };
  };
  const auto server = http2::Server::Start(std::move(options));
  ASSERT_TRUE(server.ok()) << server.status();
  http2::BackendOptions to;
  to.address = absl::StrCat("127.0.0.1:", (*server)->port());
  to.limits.call_window_bytes = Flow::kWindow;
  Use(to);
  std::shared_ptr<Taker> taker;
  loop_.RunAndWait([&] {
    CallHead head;
    head.path = "/test.Backend/Pour";
    taker = backend_->Take(std::move(head), ClientCall::Answers::kMany,
                           std::make_shared<Trickling>(&flow));
    taker->OnMessage("");
    taker->OnEnd();
  });
  for (int i = 1; i <= kSlowly; ++i) {
    flow.WaitFor(i);
    flow.Take();
    loop_.RunAndWait([&] { taker->OnSent(); });
  }
  EXPECT_LT(flow.most_ahead, Flow::kAhead);
  loop_.RunAndWait([&] { taker->OnCancel(); });
  End();
}

// Gives its messages to whoever asks for the next.
class Collecting final : public Taker {
 public:
  Collecting(Flow* flow, std::promise<std::shared_ptr<Replier>>* begun,
             std::shared_ptr<Replier> replier)
      : flow_(flow) {
    begun->set_value(std::move(replier));
  }
  void OnMessage(std::string) override { ++flow_->came; }
  void OnEnd() override {}
  void OnFault(http2::Fault) override {}
  void OnTick(absl::Time) override {}
  void OnCancel() override {}

 private:
  Flow* const flow_;
};

// Asks for the next message when one has left.
class Feeding final : public Replier {
 public:
  Feeding(Flow* flow, std::shared_ptr<Taker>* taker) : flow_(flow), taker_(taker) {}
  void Send(std::string) override {}
  void Finish(Answer) override {}
  void Reply(std::string, Answer) override {}
  void Ready() override {
    ++flow_->left;
    (*taker_)->OnMessage(std::string(Flow::kBytes, 'x'));
  }
  bool cancelled() const override { return false; }

 private:
  Flow* const flow_;
  std::shared_ptr<Taker>* const taker_;
};

TEST_F(BackendTest, AnUploadOfSmallMessagesGoesAtTheReadersPace) {
  Flow flow;
  std::promise<std::shared_ptr<Replier>> begun;
  http2::ServerOptions options;
  options.address = "127.0.0.1:0";
  options.limits.call_window_bytes = Flow::kWindow;
  options.take = [&](http2::EventLoop*) {
    return [&](const CallHead&, std::shared_ptr<Replier> replier) {
      return std::make_shared<Collecting>(&flow, &begun, std::move(replier));
    };
  };
  const auto server = http2::Server::Start(std::move(options));
  ASSERT_TRUE(server.ok()) << server.status();
  Use(absl::StrCat("127.0.0.1:", (*server)->port()));
  std::shared_ptr<Taker> taker;
  loop_.RunAndWait([&] {
    CallHead head;
    head.path = "/test.Backend/Collect";
    taker = backend_->Take(std::move(head), ClientCall::Answers::kMany,
                           std::make_shared<Feeding>(&flow, &taker));
    taker->OnMessage(std::string(Flow::kBytes, 'x'));
  });
  const std::shared_ptr<Replier> replier = begun.get_future().get();
  for (int i = 1; i <= kSlowly; ++i) {
    flow.WaitFor(i);
    flow.Take();
    replier->Ready();
  }
  // Before it is told how far ahead it may be, it may be as far as HTTP/2 has it.
  constexpr int kUntold = 64 << 10;
  EXPECT_LT(flow.most_ahead, (kUntold + Flow::kWindow) / Flow::kBytes);
  loop_.RunAndWait([&] {
    taker->OnCancel();
    taker.reset();
  });
  End();
}

TEST_F(BackendTest, ItKnowsItsServerAndShowsItself) {
  const std::string dir = absl::StrCat(::testing::TempDir(), "/backend_", base::RandomUuid());
  const std::string other = absl::StrCat(::testing::TempDir(), "/backend_", base::RandomUuid());
  for (const std::string& at : {dir, other}) {
    ASSERT_TRUE(MakeCertificates(at, {"registry", "gateway"}, absl::Now()).ok());
  }
  auto tls = http2::TlsAcceptor::Load(http2::TlsFiles::In(dir, "registry"), true);
  ASSERT_TRUE(tls.ok()) << tls.status();
  const auto server = Serve("127.0.0.1:0", *tls);
  const std::string address = absl::StrCat("127.0.0.1:", server->port());
  const auto trusting = [](const http2::TlsFiles& files, const std::string& expected) {
    auto connector = http2::TlsConnector::Load(files, expected);
    EXPECT_TRUE(connector.ok()) << connector.status();
    return connector.ok() ? *std::move(connector) : nullptr;
  };
  const http2::TlsFiles ours = http2::TlsFiles::In(dir, "gateway");
  for (const char* name : {"spiffe://nisi/svc/registry", "127.0.0.1", "localhost", "registry"}) {
    Use(address, trusting(ours, name));
    const Outcome outcome = Call("x");
    ASSERT_EQ(outcome.answer.code, absl::StatusCode::kOk) << name << outcome.answer.text;
    EXPECT_EQ(*outcome.answer.trailers.Find("peer"), "spiffe://nisi/svc/gateway");
  }
  for (const char* name : {"spiffe://nisi/svc/gateway", "spiffe://nisi/svc/regist", "gateway",
                           "127.0.0.2", "", "nisi", "spiffe://nisi/svc/"}) {
    Use(address, trusting(ours, name));
    EXPECT_EQ(CodeOf("x"), absl::StatusCode::kUnavailable) << name;
  }
  // A server of another authority; a certificate of another; none; no TLS.
  const std::string registry = ServiceIdentity("registry");
  Use(address, trusting(http2::TlsFiles::In(other, "gateway"), registry));
  EXPECT_EQ(CodeOf("x"), absl::StatusCode::kUnavailable);
  http2::TlsFiles foreign = http2::TlsFiles::In(other, "gateway");
  foreign.authority = ours.authority;
  Use(address, trusting(foreign, registry));
  EXPECT_EQ(CodeOf("x"), absl::StatusCode::kUnavailable);
  Use(address, trusting({ours.authority, "", ""}, registry));
  EXPECT_EQ(CodeOf("x"), absl::StatusCode::kUnavailable);
  Use(address);
  EXPECT_EQ(CodeOf("x"), absl::StatusCode::kUnavailable);
  std::filesystem::remove_all(dir);
  std::filesystem::remove_all(other);
}

// It was on its way to a process that has died meanwhile, without a word.
TEST_F(BackendTest, ATryThatHangsIsGivenUpWhereTheServerWasSeen) {
  const std::string dir = absl::StrCat(::testing::TempDir(), "/backend_", base::RandomUuid());
  ASSERT_TRUE(MakeCertificates(dir, {"registry", "gateway"}, absl::Now()).ok());
  auto tls = http2::TlsAcceptor::Load(http2::TlsFiles::In(dir, "registry"), true);
  ASSERT_TRUE(tls.ok()) << tls.status();
  auto connector = http2::TlsConnector::Load(http2::TlsFiles::In(dir, "gateway"), "registry");
  ASSERT_TRUE(connector.ok()) << connector.status();

  int port = 0;
  const int silent = Listen(10, &port);
  http2::BackendOptions options;
  options.address = absl::StrCat("127.0.0.1:", port);
  options.tls = *connector;
  options.last_wait = absl::ZeroDuration();
  options.connect_limit = absl::Seconds(30);
  Use(options);
  const int hanging = accept(silent, nullptr, nullptr);
  close(silent);
  const auto server = Serve(options.address, *tls);
  loop_.RunAndWait([&] { backend_->OnSeen(); });
  EXPECT_EQ(CodeOf("x"), absl::StatusCode::kOk);
  close(hanging);
  std::filesystem::remove_all(dir);
}

// The kernel takes connections for a process that stands still. No call waits until it is known
// that nobody speaks on them.
TEST_F(BackendTest, OneThatTakesConnectionsAndSaysNothingIsAway) {
  int port = 0;
  const int silent = Listen(10, &port);
  http2::BackendOptions options;
  options.address = absl::StrCat("127.0.0.1:", port);
  options.connect_limit = absl::Hours(1);
  options.limits.ping_after = absl::Hours(1);
  Use(options);
  close(accept(silent, nullptr, nullptr));  // it was there, and is lost
  EXPECT_EQ(CodeOf("x"), absl::StatusCode::kUnavailable);
  const int hanging = accept(silent, nullptr, nullptr);
  for (int i = 0; i < 2; ++i) EXPECT_EQ(CodeOf("x"), absl::StatusCode::kUnavailable);
  loop_.RunAndWait([&] { EXPECT_FALSE(backend_->reachable()); });
  close(hanging);
  close(silent);
}

// A server whose key was stolen: its connection ends with the next look, and it gets no other.
TEST_F(BackendTest, AServerThatIsDeniedIsLeft) {
  const std::string dir = absl::StrCat(::testing::TempDir(), "/backend_", base::RandomUuid());
  ASSERT_TRUE(MakeCertificates(dir, {"registry", "gateway"}, absl::Now()).ok());
  // The server's own files are elsewhere: it does not know.
  const std::string own = absl::StrCat(::testing::TempDir(), "/backend_", base::RandomUuid());
  std::filesystem::copy(dir, own);
  auto tls = http2::TlsAcceptor::Load(http2::TlsFiles::In(own, "registry"), true);
  ASSERT_TRUE(tls.ok()) << tls.status();
  const auto server = Serve("127.0.0.1:0", *tls);
  const http2::TlsFiles ours = http2::TlsFiles::In(dir, "gateway");
  auto connector = http2::TlsConnector::Load(ours, ServiceIdentity("registry"));
  ASSERT_TRUE(connector.ok()) << connector.status();
  Use(absl::StrCat("127.0.0.1:", server->port()), *connector);
  ASSERT_EQ(CodeOf("x"), absl::StatusCode::kOk);
  ASSERT_TRUE(ReplaceFile(ours.denied, ServiceIdentity("registry"), 0644).ok());
  const absl::Time limit = absl::Now() + absl::Minutes(1);
  while (CodeOf("x") != absl::StatusCode::kUnavailable) {
    ASSERT_LT(absl::Now(), limit);
    std::this_thread::yield();
  }
  // It is taken back by taking the line away.
  ASSERT_TRUE(ReplaceFile(ours.denied, "", 0644).ok());
  while (CodeOf("x") != absl::StatusCode::kOk) {
    ASSERT_LT(absl::Now(), limit);
    std::this_thread::yield();
  }
  std::filesystem::remove_all(dir);
  std::filesystem::remove_all(own);
}

}  // namespace
}  // namespace nisi::rpc
