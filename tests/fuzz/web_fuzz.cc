// The gateway's door for what is no gRPC, whole: bytes of a client, frames of gRPC-Web (as base64,
// too) and Connect, JSON. Whatever comes it is answered or closed, what is answered in frames has
// one end, and another client is served.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/base/clock.h"
#include "common/http2/message_reader.h"
#include "common/rpc/dev_keys.h"
#include "nisi/testing/v1/testing.pb.h"
#include "services/gateway/service.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/keys.h"

namespace nisi::fuzz::web_target {
namespace {

// The service behind it: answers with all that came, or with the last where it answers once.
class Echo final : public nisi::http2::Taker {
 public:
  Echo(bool many, std::shared_ptr<nisi::http2::Replier> replier)
      : many_(many), replier_(std::move(replier)) {}

  void OnMessage(std::string message) override {
    Expect(!ended_ && !over_, "nothing comes after the end");
    if (!many_) said_.clear();
    said_.push_back(std::move(message));
    replier_->Ready();
  }
  void OnEnd() override {
    Expect(!std::exchange(ended_, true) && !over_, "a call ends once");
    if (!many_ && !said_.empty()) return replier_->Reply(std::move(said_.front()), {});
    OnSent();
  }
  void OnFault(nisi::http2::Fault) override {
    Expect(!std::exchange(ended_, true) && !over_, "a call ends once");
    replier_->Finish({absl::StatusCode::kInvalidArgument, "no message", "", {}});
  }
  void OnSent() override {
    if (!ended_) return;
    if (said_.empty()) return replier_->Finish({});
    std::string next = std::move(said_.front());
    said_.pop_front();
    replier_->Send(std::move(next));
  }
  void OnTick(absl::Time) override {}
  void OnCancel() override { Expect(!std::exchange(over_, true), "a client goes once"); }

 private:
  const bool many_;
  const std::shared_ptr<nisi::http2::Replier> replier_;
  std::deque<std::string> said_;
  bool ended_ = false;
  bool over_ = false;
};

// Without bounds on how much a client may ask for: here all are one.
gateway::Limits NoLimits() {
  gateway::Limits limits;
  limits.clients = nisi::http2::Limits();
  limits.calls_per_second = 0;
  limits.bad_tokens = {};
  return limits;
}

int ThePort() {
  static const gateway::Gateway* const gateway = [] {
    static base::SystemClock clock;
    static rpc::Metrics metrics("gateway");
    static const rpc::Authenticator authenticator{rpc::AuthenticatorOptions{}};
    static const rpc::ContextSigner signer(*rpc::PrivateKey::FromPem(Ed25519Pem('g')), "gateway");
    gateway::GatewayOptions options;
    options.clock = &clock;
    options.metrics = &metrics;
    options.authenticator = &authenticator;
    options.signer = &signer;
    options.address = "127.0.0.1:0";
    options.limits = NoLimits();
    options.origins = {"https://portal.example"};
    options.services = {testing::v1::Widget::descriptor()->file()->service(0)};
    options.backends["testing"].here = [](nisi::http2::CallHead head,
                                          std::shared_ptr<nisi::http2::Replier> replier) {
      return std::make_shared<Echo>(absl::EndsWith(head.path, "/CountWidgets"), std::move(replier));
    };
    auto started = gateway::Gateway::Start(options);
    Expect(started.ok(), "a gateway starts");
    return started->release();
  }();
  return gateway->port();
}

// Says it all and reads until the gateway has closed. `gone`: the client says that nothing follows.
std::string TalkTo(int port, absl::string_view said, bool gone) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_port = htons(static_cast<uint16_t>(port));
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  Expect(connect(fd, reinterpret_cast<sockaddr*>(&name), sizeof name) == 0, "a client connects");
  while (!said.empty()) {
    const ssize_t sent = send(fd, said.data(), said.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;  // the engine's alarm
    if (sent <= 0) break;
    said.remove_prefix(static_cast<size_t>(sent));
  }
  if (gone) shutdown(fd, SHUT_WR);
  std::string got;
  std::array<char, 4096> room{};
  while (true) {
    const ssize_t size = read(fd, room.data(), room.size());
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) break;
    got.append(room.data(), static_cast<size_t>(size));
  }
  close(fd);
  return got;
}

struct Kind {
  const char* content_type;
  char last;  // flags of the frame at the end; 0: no frames
  bool text;  // they are in base64
};
constexpr std::array<Kind, 6> kKinds{{
    {"application/json", 0, false},
    {"application/proto", 0, false},
    {"application/connect+json", 0x02, false},
    {"application/connect+proto", 0x02, false},
    {"application/grpc-web+proto", '\x80', false},
    {"application/grpc-web-text", '\x80', true},
}};
constexpr std::array<const char*, 4> kMethods{"Echo", "CountWidgets", "ListWidgets", "None"};

// What stands in chunks. Ends the run where they are none.
std::string OutOfChunks(absl::string_view bytes) {
  std::string body;
  while (true) {
    const size_t line = bytes.find("\r\n");
    Expect(line != absl::string_view::npos, "a chunk says how long it is");
    const size_t size = std::strtoul(std::string(bytes.substr(0, line)).c_str(), nullptr, 16);
    bytes.remove_prefix(line + 2);
    Expect(bytes.size() >= size + 2 && bytes.substr(size, 2) == "\r\n", "a chunk is whole");
    if (size == 0) {
      Expect(bytes.size() == 2, "nothing follows the last chunk");
      return body;
    }
    body.append(bytes.data(), size);
    bytes.remove_prefix(size + 2);
  }
}

// Each frame was written in base64 for itself, so that padding may stand before the next.
std::string OutOfBase64(absl::string_view text) {
  std::string bytes;
  Expect(text.size() % 4 == 0, "base64 is whole");
  for (size_t at = 0; at < text.size(); at += 4) {
    std::string three;
    Expect(absl::Base64Unescape(text.substr(at, 4), &three), "base64 is sound");
    bytes += three;
  }
  return bytes;
}

void CheckFrames(absl::string_view frames, char last) {
  while (true) {
    Expect(frames.size() >= nisi::http2::kPrefixBytes, "an answer has an end");
    const char flags = frames.front();
    size_t size = 0;
    for (size_t i = 1; i < nisi::http2::kPrefixBytes; ++i) {
      size = size << 8 | static_cast<unsigned char>(frames[i]);
    }
    frames.remove_prefix(nisi::http2::kPrefixBytes);
    Expect(size <= frames.size() && (flags == 0 || flags == last), "a frame is whole");
    frames.remove_prefix(size);
    if (flags == last) return Expect(frames.empty(), "nothing follows the end");
  }
}

void CheckAnswer(const Kind& kind, absl::string_view answer) {
  const size_t head = answer.find("\r\n\r\n");
  Expect(absl::StartsWith(answer, "HTTP/1.1 ") && head != absl::string_view::npos,
         "it is answered");
  if (kind.last == 0 || !absl::StartsWith(answer, "HTTP/1.1 200 ")) return;
  const std::string body = OutOfChunks(answer.substr(head + 4));
  CheckFrames(kind.text ? OutOfBase64(body) : body, kind.last);
}

// A body of a right form, or any bytes.
std::string Body(const Kind& kind, Input& in) {
  std::string body;
  if (kind.last == 0 || in.Byte() % 8 == 0) {
    const absl::string_view rest = in.Rest();
    return kind.text ? absl::Base64Escape(rest) : std::string(rest);
  }
  while (!in.empty()) {
    const auto flags = static_cast<char>(in.Byte() % 8 == 0 ? in.Byte() : 0);
    const absl::string_view message = in.Part();
    auto prefix = nisi::http2::PrefixFor(message.size());
    prefix[0] = flags;
    const std::string frame =
        absl::StrCat(absl::string_view(prefix.data(), prefix.size()), message);
    body += kind.text ? absl::Base64Escape(frame) : frame;
  }
  return body;
}

void CheckRequest(Input& in) {
  const Kind& kind = kKinds[in.Byte() % kKinds.size()];
  const char* const method = kMethods[in.Byte() % kMethods.size()];
  const size_t at_once = in.Byte();
  std::string request = absl::StrCat(
      "POST /nisi.testing.v1.WidgetService/", method,
      " HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: ", kind.content_type, "\r\n");
  std::string body = Body(kind, in);
  if (at_once == 0) {
    absl::StrAppend(&request, "content-length: ", body.size(), "\r\n\r\n", body);
  } else {
    absl::StrAppend(&request, "transfer-encoding: chunked\r\n\r\n");
    for (size_t at = 0; at < body.size(); at += at_once) {
      const absl::string_view part = absl::string_view(body).substr(at, at_once);
      absl::StrAppend(&request, absl::Hex(part.size()), "\r\n", part, "\r\n");
    }
    absl::StrAppend(&request, "0\r\n\r\n");
  }
  CheckAnswer(kind, TalkTo(ThePort(), request, /*gone=*/false));
}

}  // namespace

NISI_FUZZ_TARGET(web) {
  Input in(data, size);
  if (in.Byte() % 4 == 0) {
    TalkTo(ThePort(), in.Rest(), /*gone=*/true);
  } else {
    CheckRequest(in);
  }
  const std::string answer =
      TalkTo(ThePort(),
             "POST /nisi.testing.v1.WidgetService/Echo HTTP/1.1\r\nhost: x\r\nconnection: close\r\n"
             "content-type: application/json\r\ncontent-length: 15\r\n\r\n{\"text\":\"good\"}",
             /*gone=*/false);
  Expect(absl::StartsWith(answer, "HTTP/1.1 200 ") &&
             absl::EndsWith(answer, "\r\n\r\n{\"text\":\"good\"}"),
         "a good client is served");
  return 0;
}

}  // namespace nisi::fuzz::web_target
