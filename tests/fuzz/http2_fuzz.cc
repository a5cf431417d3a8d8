// A server of gRPC's calls: whatever a client sends, it is answered or closed, and a good client
// beside it is served.

#include <array>
#include <memory>
#include <string>
#include <utility>

#include "common/http2/server.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/talk.h"

namespace nisi::fuzz::http2_target {
namespace {

using http2::Replier;

constexpr char kPreface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
constexpr size_t kMaxMessage = 1000;

// Answers each message by itself.
class Echo final : public http2::Taker {
 public:
  explicit Echo(std::shared_ptr<Replier> replier) : replier_(std::move(replier)) {}
  void OnMessage(std::string message) override {
    Expect(!over_, "nothing comes after the end");
    Expect(message.size() <= kMaxMessage, "a message is within its bound");
    replier_->Send(std::move(message));
  }
  void OnSent() override { replier_->Ready(); }
  void OnEnd() override {
    Expect(!std::exchange(over_, true), "a call ends once");
    replier_->Finish({});
  }
  void OnFault(http2::Fault fault) override {
    Expect(!std::exchange(over_, true), "a call ends once");
    replier_->Finish(
        {absl::StatusCode::kInvalidArgument, std::string(static_cast<size_t>(fault), 'x'), "", {}});
  }
  void OnTick(absl::Time) override {}
  void OnCancel() override { Expect(!std::exchange(over_, true), "a call ends once"); }

 private:
  const std::shared_ptr<Replier> replier_;
  bool over_ = false;
};

std::shared_ptr<http2::Taker> Take(const http2::CallHead& head, std::shared_ptr<Replier> replier) {
  if (head.path.empty()) {
    replier->Finish({absl::StatusCode::kUnimplemented, head.path, "", head.fields});
    return nullptr;
  }
  return std::make_shared<Echo>(std::move(replier));
}

http2::Server& TheServer() {
  static http2::Server* const server = [] {
    http2::ServerOptions options;
    options.loops = 1;
    options.limits.max_message_bytes = kMaxMessage;
    // As for clients that nobody vouches for, and so little that inputs reach the bounds.
    options.limits.turn = absl::ZeroDuration();
    options.limits.resets = {3, 0};
    options.limits.chatter = {10, 0};
    options.limits.settings = {3, 0};
    options.limits.max_held_bytes = 2 * kMaxMessage;
    options.no_room = {absl::StatusCode::kResourceExhausted, "", "", {}};
    options.take = [](http2::EventLoop*) { return Take; };
    auto started = http2::Server::Start(std::move(options));
    Expect(started.ok(), "a server starts");
    return started->release();
  }();
  return *server;
}

// What the client says: as it is, or after a good beginning, or in frames of a right form.
std::string Said(Input& in) {
  const uint8_t kind = in.Byte() % 3;
  std::string said;
  if (kind != 0) said = std::string(kPreface) + Frame(0, 4, 0, 0);
  if (kind == 2) said += Frames(in);
  const absl::string_view rest = in.Rest();
  said.append(rest.data(), rest.size());
  return said;
}

}  // namespace

NISI_FUZZ_TARGET(http2) {
  Input in(data, size);
  Talk(TheServer(), Said(in));
  // SETTINGS come first from a server: it still answers.
  const std::string settings = Talk(TheServer(), std::string(kPreface) + Frame(0, 4, 0, 0));
  Expect(settings.size() > 9 && settings[3] == 4, "a good client is served");
  return 0;
}

}  // namespace nisi::fuzz::http2_target
