// HTTP/1.1: whatever a client sends, it is answered or closed, requests are handed out whole and in
// their order, and a good client beside it is served.

#include <array>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "common/http1/session.h"
#include "common/http2/server.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/talk.h"

namespace nisi::fuzz::http1_target {
namespace {

using http2::Responder;

// Answers with the body: at once, or in parts, or before it has all of it.
class Echo final : public http2::RequestTaker {
 public:
  Echo(std::shared_ptr<Responder> responder, std::string path)
      : responder_(std::move(responder)), path_(std::move(path)) {
    if (!absl::StartsWith(path_, "/parts")) return;
    started_ = true;
    responder_->Start(200, {});
  }
  void OnBody(absl::string_view bytes) override {
    Expect(!over_, "nothing comes after the end");
    responder_->Consume(bytes.size());
    if (path_ == "/early") return Answer("early");
    if (!started_) {
      body_.append(bytes.data(), bytes.size());
    } else {
      responder_->Write(std::string(bytes));
    }
  }
  void OnBodyEnd() override {
    Expect(!over_, "a request ends once");
    Answer(body_);
  }
  void OnSent() override {}
  void OnTick(absl::Time) override {}
  void Abort(const http2::Answer&) override {
    if (!over_) Answer("late");
  }
  void OnCancel() override { Expect(!std::exchange(over_, true), "a request ends once"); }

 private:
  void Answer(std::string body) {
    over_ = true;
    if (started_) return responder_->End();
    responder_->Respond(200, {}, std::move(body));
  }

  const std::shared_ptr<Responder> responder_;
  const std::string path_;
  std::string body_;
  bool started_ = false;
  bool over_ = false;
};

std::shared_ptr<http2::RequestTaker> Take(http2::RequestHead head,
                                          std::shared_ptr<Responder> responder) {
  Expect(!head.method.empty() && !head.call.path.empty(), "a request has a method and a target");
  for (const http2::Field& field : head.call.fields) {
    Expect(!absl::StrContains(field.value, "\n"), "a field is one line");
  }
  if (head.call.path == "/no" || head.call.fault != http2::Fault::kNone) {
    responder->Respond(404, head.call.fields, "no");
    return nullptr;
  }
  return std::make_shared<Echo>(std::move(responder), head.call.path);
}

http2::Server& TheServer() {
  static http2::Server* const server = [] {
    http2::ServerOptions options;
    options.loops = 1;
    options.limits.max_head_bytes = 1000;
    options.http1 = http1::MakeSession;
    options.take_all = [](http2::EventLoop*) {
      return http2::Takers{
          [](http2::CallHead, std::shared_ptr<http2::Replier> replier) {
            replier->Finish({absl::StatusCode::kUnimplemented, "no gRPC here", "", {}});
            return std::shared_ptr<http2::Taker>();
          },
          Take};
    };
    auto started = http2::Server::Start(std::move(options));
    Expect(started.ok(), "a server starts");
    return started->release();
  }();
  return *server;
}

// What the client says: as it is, or requests of a right form.
std::string Said(Input& in) {
  constexpr std::array<const char*, 4> kPaths{"/", "/parts", "/early", "/no"};
  std::string said;
  const bool formed = in.Byte() % 2 == 1;
  while (formed && !in.empty()) {
    const char* const path = kPaths[in.Byte() % kPaths.size()];
    const bool chunked = in.Byte() % 2 == 1;
    const absl::string_view field = in.Part();
    const absl::string_view body = in.Part();
    said += std::string("POST ") + path + " HTTP/1.1\r\nhost: x\r\n";
    said.append(field.data(), field.size());
    if (chunked) {
      said += "\r\ntransfer-encoding: chunked\r\n\r\n";
      std::array<char, 8> size{};
      std::snprintf(size.data(), size.size(), "%zx\r\n", body.size());
      if (!body.empty()) said.append(size.data()).append(body.data(), body.size()).append("\r\n");
      said += "0\r\n\r\n";
    } else {
      said += "\r\ncontent-length: " + std::to_string(body.size()) + "\r\n\r\n";
      said.append(body.data(), body.size());
    }
  }
  const absl::string_view rest = in.Rest();
  said.append(rest.data(), rest.size());
  return said;
}

}  // namespace

NISI_FUZZ_TARGET(http1) {
  Input in(data, size);
  Talk(TheServer(), Said(in));
  const std::string answer =
      Talk(TheServer(),
           "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\nconnection: close\r\n\r\ngood");
  Expect(absl::StartsWith(answer, "HTTP/1.1 200 ") && absl::EndsWith(answer, "\r\n\r\ngood"),
         "a good client is served");
  return 0;
}

}  // namespace nisi::fuzz::http1_target
