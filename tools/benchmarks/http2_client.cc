// A gRPC call by hand: a POST whose body is the message behind five bytes, answered by a body of
// the same form and `grpc-status` in the trailers. One of Connect has the message alone as body,
// and HTTP says how it went.
#include <nghttp2/nghttp2.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "tools/benchmarks/client.h"
#include "tools/benchmarks/pipe.h"
#include "tools/benchmarks/session.h"

namespace nisi::bench {
namespace {

// So large that no answer waits for a WINDOW_UPDATE and few are sent.
constexpr int32_t kStreamWindow = 16 << 20;

absl::Status SystemError(absl::string_view what) {
  return absl::UnavailableError(absl::StrCat(what, ": ", strerror(errno)));
}

// A grpc-message: %xx stands for a byte.
std::string Unescape(absl::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size()) {
      out += absl::HexStringToBytes(text.substr(i + 1, 2));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

// Of one tag: what is under way under it, and how it was answered.
struct Call {
  absl::string_view request;
  std::array<char, kPrefixBytes> prefix{};
  size_t sent = 0;  // of prefix and request
  int http_status = 0;
  int grpc_status = -1;  // none yet
  std::string message;

  void Begin(absl::string_view bytes, bool framed) {
    request = bytes;
    for (size_t i = 0; i < 4; ++i) prefix[4 - i] = static_cast<char>(bytes.size() >> (8 * i));
    sent = framed ? 0 : kPrefixBytes;
    http_status = 0;
    grpc_status = -1;
    message.clear();
  }
  absl::Status Outcome(uint32_t error_code) const {
    if (grpc_status >= 0) return {static_cast<absl::StatusCode>(grpc_status), message};
    return absl::UnavailableError(absl::StrCat("ended without grpc-status: HTTP status ",
                                               http_status, ", ",
                                               nghttp2_http2_strerror(error_code)));
  }
};

// One thread, the caller's. A turn reads what every connection has, hands out the answers one by
// one, and writes what they led to with one write a connection.
class Http2Client final : public Client {
 public:
  Http2Client(const LoadSettings& settings, const std::string& path)
      : framed_(settings.protocol == "grpc"),
        head_(Head(HeadOf(settings, path))),
        calls_(static_cast<size_t>(settings.outstanding)) {
    ready_.reserve(calls_.size());
  }
  Http2Client(const Http2Client&) = delete;
  Http2Client& operator=(const Http2Client&) = delete;
  ~Http2Client() override {
    if (epoll_ >= 0) close(epoll_);
  }

  absl::Status Open(const Dialling& to, int64_t connections) {
    epoll_ = epoll_create1(EPOLL_CLOEXEC);
    if (epoll_ < 0) return SystemError("epoll");
    for (int64_t i = 0; i < connections; ++i) {
      ASSIGN_OR_RETURN(auto pipe, Pipe::Connect(to));
      connections_.push_back(
          std::make_unique<Session>(std::move(pipe), NewCallbacks(), this, kStreamWindow));
      RETURN_IF_ERROR(connections_.back()->Watch(epoll_, connections_.back().get()));
    }
    return absl::OkStatus();
  }

  void Start(absl::string_view request, size_t tag) override {
    Call& call = calls_[tag];
    call.Begin(request, framed_);
    nghttp2_data_provider body{};
    body.source.ptr = &call;
    body.read_callback = ReadBody;
    const int32_t stream =
        nghttp2_submit_request(connections_[tag % connections_.size()]->get(), nullptr,
                               head_.fields().data(), head_.fields().size(), &body, &call);
    if (stream < 0) Fail(absl::UnavailableError(nghttp2_strerror(stream)));
  }

  absl::StatusOr<size_t> Next() override {
    while (failure_.ok() && ready_.empty()) RETURN_IF_ERROR(Turn());
    RETURN_IF_ERROR(failure_);
    const size_t tag = ready_.back();
    ready_.pop_back();
    return tag;
  }

 private:
  static std::vector<std::pair<std::string, std::string>> HeadOf(const LoadSettings& settings,
                                                                 const std::string& path) {
    std::vector<std::pair<std::string, std::string>> head = {
        {":method", "POST"},
        {":scheme", settings.authority.empty() ? "http" : "https"},
        {":path", path},
        {":authority", settings.address}};
    if (settings.protocol == "grpc") {
      head.insert(head.end(), {{"content-type", "application/grpc"},
                               {"te", "trailers"},
                               {"grpc-timeout", absl::StrCat(kCallSeconds, "S")}});
    } else {
      head.insert(head.end(),
                  {{"content-type", absl::StrCat("application/", settings.protocol.substr(8))},
                   {"connect-protocol-version", "1"},
                   {"connect-timeout-ms", absl::StrCat(kCallSeconds, "000")}});
    }
    if (!settings.token.empty()) head.emplace_back("authorization", "Bearer " + settings.token);
    return head;
  }

  static nghttp2_session_callbacks* NewCallbacks() {
    nghttp2_session_callbacks* callbacks = nullptr;
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_header_callback2(callbacks, OnHeader);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, OnFrame);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, OnClose);
    return callbacks;
  }

  absl::Status Turn() {
    for (const auto& connection : connections_) RETURN_IF_ERROR(connection->Send());
    std::array<epoll_event, 64> events;
    const int count = epoll_wait(epoll_, events.data(), events.size(), kCallSeconds * 1000);
    if (count == 0) return absl::DeadlineExceededError("the server is silent");
    if (count < 0 && errno != EINTR) return SystemError("epoll");
    for (int i = 0; i < count; ++i) {
      const epoll_event& event = events[static_cast<size_t>(i)];
      if (event.events == EPOLLOUT) continue;  // the next turn sends
      RETURN_IF_ERROR(static_cast<Session*>(event.data.ptr)->Receive());
    }
    return absl::OkStatus();
  }

  void Fail(const absl::Status& status) {
    if (failure_.ok()) failure_ = status;
  }

  // What libnghttp2 calls; `self` is the client.
  // NOLINTNEXTLINE(readability-function-size): its parameters are the library's.
  static ssize_t ReadBody(nghttp2_session*, int32_t, uint8_t* to, size_t length, uint32_t* flags,
                          nghttp2_data_source* source, void*) {
    Call& call = *static_cast<Call*>(source->ptr);
    size_t size = 0;
    while (size < length && call.sent < kPrefixBytes) {
      to[size++] = static_cast<uint8_t>(call.prefix[call.sent++]);
    }
    if (call.sent < kPrefixBytes) return static_cast<ssize_t>(size);  // a window of a few bytes
    const absl::string_view rest = call.request.substr(call.sent - kPrefixBytes, length - size);
    std::memcpy(to + size, rest.data(), rest.size());
    call.sent += rest.size();
    if (call.sent == kPrefixBytes + call.request.size()) *flags |= NGHTTP2_DATA_FLAG_EOF;
    return static_cast<ssize_t>(size + rest.size());
  }

  static int OnHeader(nghttp2_session* session, const nghttp2_frame* frame,
                      nghttp2_rcbuf* name_buffer, nghttp2_rcbuf* value_buffer, uint8_t, void*) {
    auto* call =
        static_cast<Call*>(nghttp2_session_get_stream_user_data(session, frame->hd.stream_id));
    const absl::string_view name = View(name_buffer), value = View(value_buffer);
    if (name == "grpc-status") {
      if (!absl::SimpleAtoi(value, &call->grpc_status)) call->grpc_status = -1;
    } else if (name == "grpc-message") {
      call->message = Unescape(value);
    } else if (name == ":status") {
      if (!absl::SimpleAtoi(value, &call->http_status)) call->http_status = 0;
    }
    return 0;
  }

  static absl::string_view View(nghttp2_rcbuf* buffer) {
    const nghttp2_vec bytes = nghttp2_rcbuf_get_buf(buffer);
    return {reinterpret_cast<const char*>(bytes.base), bytes.len};
  }

  static int OnFrame(nghttp2_session*, const nghttp2_frame* frame, void* self) {
    // New calls of this session would never be sent.
    if (frame->hd.type == NGHTTP2_GOAWAY) {
      static_cast<Http2Client*>(self)->Fail(absl::UnavailableError(absl::StrCat(
          "the server is going away: ", nghttp2_http2_strerror(frame->goaway.error_code))));
    }
    return 0;
  }

  static int OnClose(nghttp2_session* session, int32_t stream, uint32_t error_code, void* self) {
    auto& client = *static_cast<Http2Client*>(self);
    const auto* call = static_cast<Call*>(nghttp2_session_get_stream_user_data(session, stream));
    if (client.framed_ ? call->grpc_status == 0 : call->http_status == 200) {
      client.ready_.push_back(static_cast<size_t>(call - client.calls_.data()));
    } else {
      client.Fail(call->Outcome(error_code));
    }
    return 0;
  }

  const bool framed_;
  const Head head_;
  std::vector<Call> calls_;    // by tag
  std::vector<size_t> ready_;  // tags answered, not yet handed out
  std::vector<std::unique_ptr<Session>> connections_;
  int epoll_ = -1;
  absl::Status failure_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Client>> NewHttp2Client(const LoadSettings& settings,
                                                       const std::string& path) {
  if (settings.protocol != "grpc" && settings.protocol != "connect-proto" &&
      settings.protocol != "connect-json") {
    return absl::InvalidArgumentError("--protocol is grpc, connect-proto or connect-json");
  }
  ASSIGN_OR_RETURN(auto tls, TlsOf(settings.authority));
  auto client = std::make_unique<Http2Client>(settings, path);
  RETURN_IF_ERROR(client->Open({settings.address, "", std::move(tls)}, settings.connections));
  return client;
}

}  // namespace nisi::bench
