// Several processes of one service, over loopback to servers of ours.
#include "common/http2/replicas.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/http2/server.h"

namespace nisi::http2 {
namespace {

// Answers with its name; "wait" when it is let go.
class Named final : public Taker {
 public:
  struct Shared {
    std::string name;
    std::atomic<int> waiting{0};
    std::mutex mutex;
    std::vector<std::shared_ptr<Replier>> held;
  };
  Named(Shared* shared, std::shared_ptr<Replier> replier)
      : shared_(shared), replier_(std::move(replier)) {}
  void OnMessage(std::string message) override {
    text_ = std::move(message);
    replier_->Ready();
  }
  void OnEnd() override {
    if (text_ != "wait") return replier_->Reply(shared_->name, {});
    const std::lock_guard<std::mutex> lock(shared_->mutex);
    shared_->held.push_back(replier_);
    ++shared_->waiting;
  }
  void OnFault(Fault) override {}
  void OnTick(absl::Time) override {}
  void OnCancel() override {}

 private:
  Shared* const shared_;
  const std::shared_ptr<Replier> replier_;
  std::string text_;
};

class Process {
 public:
  explicit Process(std::string name, int port = 0, Limits limits = {}) {
    shared_.name = std::move(name);
    ServerOptions options;
    options.limits = limits;
    options.address = absl::StrCat("127.0.0.1:", port);
    options.loops = 1;
    options.take = [this](EventLoop*) {
      return [this](const CallHead&, std::shared_ptr<Replier> replier) {
        return std::make_shared<Named>(&shared_, std::move(replier));
      };
    };
    auto server = Server::Start(std::move(options));
    EXPECT_TRUE(server.ok()) << server.status();
    if (server.ok()) server_ = *std::move(server);
  }
  int port() const { return server_->port(); }
  std::string address() const { return absl::StrCat("127.0.0.1:", port()); }
  int waiting() const { return shared_.waiting; }
  void LetGo() {
    const std::lock_guard<std::mutex> lock(shared_.mutex);
    for (const auto& replier : std::exchange(shared_.held, {})) replier->Reply(shared_.name, {});
  }
  void Drain() { server_->End(absl::Now() + absl::Minutes(1), {}); }

 private:
  Named::Shared shared_;
  std::unique_ptr<Server> server_;
};

// A process that dies of each call: takes it, and its connection is gone. A greeting has some
// bytes, and then more, which is a call.
class Dying {
 public:
  explicit Dying(size_t greeting = 100)
      : greeting_(greeting), listener_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof name;
    bind(listener_, reinterpret_cast<sockaddr*>(&name), size);
    listen(listener_, 10);
    getsockname(listener_, reinterpret_cast<sockaddr*>(&name), &size);
    port_ = ntohs(name.sin_port);
    thread_ = std::thread([this] { Run(); });
  }
  ~Dying() {
    shutdown(listener_, SHUT_RDWR);
    thread_.join();
    close(listener_);
  }
  std::string address() const { return absl::StrCat("127.0.0.1:", port_); }
  int died() const { return died_; }

 private:
  void Run() {
    for (int fd = 0; (fd = accept(listener_, nullptr, nullptr)) >= 0; close(fd)) {
      const std::array<char, 9> settings{0, 0, 0, 4};  // empty ones
      std::array<char, 4096> room{};
      size_t heard = 0;
      if (send(fd, settings.data(), settings.size(), MSG_NOSIGNAL) < 0) continue;
      while (heard < greeting_) {
        const ssize_t got = recv(fd, room.data(), room.size(), 0);
        if (got <= 0) break;
        heard += static_cast<size_t>(got);
      }
      if (heard >= greeting_) ++died_;
    }
  }

  const size_t greeting_;
  const int listener_;
  int port_ = 0;
  std::atomic<int> died_{0};
  std::thread thread_;
};

class Waiter final : public Replier {
 public:
  void Send(std::string) override {}
  void Finish(Answer answer) override { done_.set_value(absl::StrCat("code ", answer.code)); }
  void Reply(std::string message, Answer) override { done_.set_value(std::move(message)); }
  void Ready() override {}
  bool cancelled() const override { return false; }
  std::future<std::string> done() { return done_.get_future(); }

 private:
  std::promise<std::string> done_;
};

const std::string kAway = absl::StrCat("code ", absl::StatusCode::kUnavailable);

// A loop that calls replicas.
class Caller {
 public:
  void Use(const std::string& addresses) {
    BackendOptions options;
    options.address = addresses;
    Use(std::move(options));
  }
  void Use(BackendOptions options) {
    loop_.RunAndWait([&] {
      replicas_ = std::make_unique<Replicas>(&loop_, std::move(options));
      ticks_ = loop_.EveryTick([this](absl::Time now) { replicas_->OnTick(now); });
    });
  }
  ~Caller() {
    loop_.RunAndWait([&] {
      ticks_.reset();
      replicas_.reset();
    });
  }
  std::future<std::string> Begin(const std::string& request,
                                 ClientCall::Again again = ClientCall::Again::kIfUnseen) {
    auto waiter = std::make_shared<Waiter>();
    auto done = waiter->done();
    CallHead head;
    head.path = "/test.Replicas/Name";
    loop_.RunAndWait([&] {
      const auto taker = replicas_->Take(std::move(head), ClientCall::Answers::kOne, again, waiter);
      taker->OnMessage(request);
      taker->OnEnd();
    });
    return done;
  }
  std::string Call() { return Begin("x").get(); }
  // Until each of so many has answered.
  void WaitForAll(size_t count) {
    const absl::Time limit = absl::Now() + absl::Minutes(1);
    std::map<std::string, int> answers;
    while (answers.size() < count) {
      ASSERT_LT(absl::Now(), limit);
      if (const std::string answer = Call(); answer != kAway) ++answers[answer];
    }
  }

 private:
  EventLoop loop_{"replicas-test"};
  std::unique_ptr<Replicas> replicas_;
  std::shared_ptr<void> ticks_;
};

class ReplicasTest : public ::testing::Test, protected Caller {};

TEST_F(ReplicasTest, CallsAreSpread) {
  const Process a("a");
  const Process b("b");
  Use(absl::StrCat(a.address(), ",", b.address()));
  WaitForAll(2);
  std::map<std::string, int> answers;
  for (int i = 0; i < 1000; ++i) ++answers[Call()];
  // By chance: less than a third is a matter of 10^-28.
  EXPECT_GT(answers["a"], 333);
  EXPECT_GT(answers["b"], 333);
  EXPECT_EQ(answers["a"] + answers["b"], 1000);
}

TEST_F(ReplicasTest, WhoHasLessToDoGetsMore) {
  Process a("a");
  Process b("b");
  Use(absl::StrCat(a.address(), ",", b.address()));
  WaitForAll(2);
  std::vector<std::future<std::string>> calls;
  for (int i = 0; i < 100; ++i) calls.push_back(Begin("wait"));
  while (a.waiting() + b.waiting() < 100) std::this_thread::yield();
  // Two of two by chance are the same one in half of the cases, so that it is no even half.
  EXPECT_GT(a.waiting(), 25);
  EXPECT_GT(b.waiting(), 25);
  a.LetGo();
  b.LetGo();
  for (auto& call : calls) EXPECT_NE(call.get(), kAway);
}

TEST_F(ReplicasTest, ADrainUnderLoadFailsNoCall) {
  auto a = std::make_unique<Process>("a");
  const Process b("b");
  const int port = a->port();
  Use(absl::StrCat(a->address(), ",", b.address()));
  WaitForAll(2);
  std::atomic<bool> over{false};
  std::atomic<int> failed{0};
  std::vector<std::thread> callers;
  for (int i = 0; i < 4; ++i) {
    callers.emplace_back([&] {
      while (!over) failed += Call() == kAway ? 1 : 0;
    });
  }
  for (int i = 0; i < 3; ++i) {
    a->Drain();
    a.reset();
    a = std::make_unique<Process>("a", port);
    WaitForAll(2);
  }
  over = true;
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(failed, 0);
}

// As when its certificates change twice within a moment.
TEST_F(ReplicasTest, OneThatClosesInPeaceAgainAndAgainIsNotAway) {
  Limits limits;
  limits.age = absl::Milliseconds(1);
  const Process a("a", 0, limits);
  Use(a.address());
  const absl::Time end = absl::Now() + absl::Seconds(3);
  while (absl::Now() < end) {
    EXPECT_EQ(Call(), "a");
    absl::SleepFor(absl::Milliseconds(20));
  }
}

TEST_F(ReplicasTest, WhatChangesNothingIsSentToAnotherWhenItsReplicaIsLost) {
  const Process a("a");
  const Dying dying;
  Use(absl::StrCat(a.address(), ",", dying.address()));
  while (dying.died() < 3) EXPECT_EQ(Begin("x", ClientCall::Again::kIfLost).get(), "a");
  // What may have changed something is its caller's to send again.
  std::string answer = "a";
  while (answer == "a") answer = Call();
  EXPECT_EQ(answer, kAway);
}

TEST_F(ReplicasTest, WhereNobodyElseIsItFails) {
  const Dying dying;
  Use(dying.address());
  EXPECT_EQ(Begin("x", ClientCall::Again::kIfLost).get(), kAway);
}

TEST_F(ReplicasTest, ANameIsLookedUp) {
  const Process a("a");
  Use(absl::StrCat("localhost:", a.port()));
  EXPECT_EQ(Call(), "a");
  Use("no-such-host.invalid:1");
  EXPECT_EQ(Call(), kAway);
}

// All threads that look names up are at something else, as where their server does not answer.
class NoLookUps {
 public:
  NoLookUps() {
    const std::shared_future<void> end = end_.get_future().share();
    loop_.RunAndWait([&] {
      for (Work& one : works_) {
        one.end = end;
        one.request.data = &one;
        uv_queue_work(
            loop_.uv(), &one.request,
            [](uv_work_t* request) { static_cast<Work*>(request->data)->end.wait(); },
            [](uv_work_t*, int) {});
      }
    });
  }
  ~NoLookUps() { end_.set_value(); }

 private:
  struct Work {
    uv_work_t request{};
    std::shared_future<void> end;
  };
  std::promise<void> end_;
  std::array<Work, 1024> works_;  // as many threads as there can be
  EventLoop loop_{"no-look-ups"};
};

TEST_F(ReplicasTest, AnAddressIsNotLookedUp) {
  const Process a("a");
  const NoLookUps none;
  Use(a.address());
  EXPECT_EQ(Call(), "a");
}

TEST_F(ReplicasTest, ANameIsLookedUpOnceAtATime) {
  EventLoop loop("one-look-up");
  std::unique_ptr<Replicas> replicas;
  const NoLookUps none;
  loop.RunAndWait([&] {
    BackendOptions options;
    options.address = "localhost:1";
    replicas = std::make_unique<Replicas>(&loop, options, absl::ZeroDuration());
    for (int i = 0; i < 10; ++i) replicas->OnTick(absl::Now());
    EXPECT_EQ(loop.uv()->active_reqs.count, 1U);
    replicas.reset();
  });
}

TEST_F(ReplicasTest, AClockSetBackDoesNotSilenceTheLookUps) {
  EventLoop loop("clock-set-back");
  std::unique_ptr<Replicas> replicas;
  const auto look_ups = [&] {
    unsigned int count = 0;
    loop.RunAndWait([&] { count = loop.uv()->active_reqs.count; });
    return count;
  };
  const absl::Time now = absl::Now();
  loop.RunAndWait([&] {
    BackendOptions options;
    options.address = "localhost:1";
    replicas = std::make_unique<Replicas>(&loop, options, absl::Hours(1));
    replicas->OnTick(now + absl::Hours(24));
  });
  while (look_ups() > 0) std::this_thread::yield();
  loop.RunAndWait([&] {
    replicas->OnTick(now);
    EXPECT_EQ(loop.uv()->active_reqs.count, 1U);
    replicas.reset();
  });
}

// ---- Loops that tell each other

// None tries again by itself while the test lasts.
BackendOptions Patient(const std::string& address) {
  BackendOptions options;
  options.address = address;
  options.first_wait = options.last_wait = absl::Hours(1);
  return options;
}

TEST_F(ReplicasTest, WhatOneLoopHasFoundTheOthersTryAtOnce) {
  auto a = std::make_unique<Process>("a");
  const int port = a->port();
  BackendOptions options = Patient(a->address());
  options.sightings = std::make_shared<Sightings>();
  a.reset();
  Use(options);
  EXPECT_EQ(Call(), kAway);
  EXPECT_EQ(Call(), kAway);  // at once, as it waits now
  a = std::make_unique<Process>("a", port);
  Caller other;
  other.Use(options);
  EXPECT_EQ(other.Call(), "a");
  WaitForAll(1);
}

TEST_F(ReplicasTest, OneThatTakesConnectionsAndClosesThemIsNotDialledWithoutAPause) {
  const Dying dying(0);
  BackendOptions options = Patient(dying.address());
  options.sightings = std::make_shared<Sightings>();
  Use(options);
  Caller other;
  other.Use(options);
  while (dying.died() < 2) std::this_thread::yield();
  absl::SleepFor(absl::Milliseconds(200));
  EXPECT_LE(dying.died(), 4);  // each once by itself, and once since the other has got through
}

}  // namespace
}  // namespace nisi::http2
