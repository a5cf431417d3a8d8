// A service that answers anything: each call to it has an end, and the client goes on.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/http2/backend.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/talk.h"

namespace nisi::fuzz::http2_client_target {
namespace {

// A listening socket of this process; each connection is answered with the same bytes, and closed
// when the client has said so much.
class Liar {
 public:
  Liar() : listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof name;
    Expect(bind(listener_, reinterpret_cast<sockaddr*>(&name), size) == 0 &&
               listen(listener_, 16) == 0 &&
               getsockname(listener_, reinterpret_cast<sockaddr*>(&name), &size) == 0,
           "a socket listens");
    address_ = absl::StrCat("127.0.0.1:", ntohs(name.sin_port));
  }
  ~Liar() { close(listener_); }
  Liar(const Liar&) = delete;
  Liar& operator=(const Liar&) = delete;
  const std::string& address() const { return address_; }

  void AnswerOne(absl::string_view bytes) const {
    const int fd = accept(listener_, nullptr, nullptr);
    Expect(fd >= 0, "a client connects");
    // Who is greeted calls: the rest answers that.
    if (const size_t greeting = GreetingIn(bytes); greeting > 0) {
      Say(fd, bytes.substr(0, greeting));
      bytes.remove_prefix(greeting);
      HearCall(fd);
    }
    Say(fd, bytes);
    shutdown(fd, SHUT_WR);
    std::array<char, 4096> room{};
    while (recv(fd, room.data(), room.size(), 0) > 0) {
    }
    close(fd);
  }

 private:
  // How long the settings are with which the bytes begin; 0: they begin with something else.
  static size_t GreetingIn(absl::string_view bytes) {
    constexpr size_t kHead = 9;
    constexpr char kSettings = 4;
    if (bytes.size() < kHead || bytes[3] != kSettings) return 0;
    const auto byte = [&](size_t at) { return size_t{static_cast<unsigned char>(bytes[at])}; };
    const size_t size = kHead + (byte(0) << 16 | byte(1) << 8 | byte(2));
    return size <= bytes.size() ? size : 0;
  }
  static void Say(int fd, absl::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
  }
  // The client's greeting, and something of its call; by those settings it may make none.
  static void HearCall(int fd) {
    constexpr size_t kEnough = 120;
    timeval patience{0, 100'000};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    std::array<char, 4096> room{};
    for (size_t heard = 0; heard < kEnough;) {
      const ssize_t got = recv(fd, room.data(), room.size(), 0);
      if (got <= 0) break;
      heard += static_cast<size_t>(got);
    }
    patience = {0, 0};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  }

  const int listener_;
  std::string address_;
};

class Waiter final : public http2::Replier {
 public:
  void Send(std::string) override { Expect(!over_, "nothing comes after the end"); }
  void Finish(http2::Answer) override { End(); }
  void Reply(std::string, http2::Answer) override { End(); }
  void Ready() override {}
  bool cancelled() const override { return false; }
  void Wait() { done_.get_future().wait(); }

 private:
  void End() {
    Expect(!std::exchange(over_, true), "a call ends once");
    done_.set_value();
  }
  bool over_ = false;
  std::promise<void> done_;
};

// As the input says it, or in frames of a right form after settings.
std::string Answered(Input& in) {
  if (in.Byte() % 2 == 0) return std::string(in.Rest());
  return Frame(0, 4, 0, 0) + Frames(in);
}

}  // namespace

NISI_FUZZ_TARGET(http2_client) {
  const Liar liar;  // one each: a second connection of an input is not answered to the next
  static auto* const loop = new nisi::http2::EventLoop("fuzz");
  Input in(data, size);
  const auto answers = in.Byte() % 2 == 0 ? nisi::http2::ClientCall::Answers::kOne
                                          : nisi::http2::ClientCall::Answers::kMany;
  const std::string bytes = Answered(in);
  const auto waiter = std::make_shared<Waiter>();
  std::unique_ptr<nisi::http2::Backend> backend;
  std::shared_ptr<nisi::http2::Taker> taker;
  loop->RunAndWait([&] {
    nisi::http2::BackendOptions options;
    options.address = liar.address();
    options.limits.max_message_bytes = 1000;
    options.last_wait = absl::InfiniteDuration();
    options.first_wait = absl::Hours(1);  // one connection
    backend = std::make_unique<nisi::http2::Backend>(loop, options);
    nisi::http2::CallHead head;
    head.path = "/fuzz.Liar/Answer";
    head.fields.Add("nisi", "a field, so that the call is long enough to be noticed as one");
    taker = backend->Take(std::move(head), answers, waiter);
    taker->OnMessage("message");
    taker->OnEnd();
  });
  liar.AnswerOne(bytes);
  // Whoever takes many asks for each.
  for (int i = 0; i < 16; ++i) loop->RunAndWait([&] { taker->OnSent(); });
  loop->RunAndWait([&] {
    taker.reset();
    backend.reset();
  });
  waiter->Wait();
  return 0;
}

}  // namespace nisi::fuzz::http2_client_target
