#include "tools/benchmarks/open_client.h"

#include <nghttp2/nghttp2.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "tools/benchmarks/pipe.h"
#include "tools/benchmarks/session.h"

namespace nisi::bench {
namespace {

constexpr int32_t kOpenStreamWindow = 1 << 20;

struct Link;

// A call under way; kept for the next one afterwards.
struct Stream {
  Link* link = nullptr;  // none: it is free
  size_t call = 0;
  std::string bytes;  // of the message in its frame
  size_t sent = 0;
  int code = -1;
  std::string details;  // as on the wire
};

class OpenHttp2Client;

// A connection of a caller.
struct Link {
  OpenHttp2Client* client = nullptr;
  std::unique_ptr<Session> session;
  size_t calls = 0;
  bool dirty = false;
  bool lost = false;
};

class OpenHttp2Client final : public OpenClient {
 public:
  OpenHttp2Client(const Settings& settings, OnOver on_over)
      : on_over_(std::move(on_over)),
        connections_(settings.connections),
        next_(settings.tokens.size()) {
    const std::string timeout = absl::StrCat(absl::ToInt64Milliseconds(settings.deadline), "m");
    for (const std::string& token : settings.tokens) {
      std::vector<Head>& heads = heads_.emplace_back();
      for (const std::string& path : settings.paths) {
        heads.push_back(Head({{":method", "POST"},
                              {":scheme", settings.authority.empty() ? "http" : "https"},
                              {":path", path},
                              {":authority", settings.address},
                              {"content-type", "application/grpc"},
                              {"te", "trailers"},
                              {"grpc-timeout", timeout},
                              {"authorization", "Bearer " + token}}));
      }
    }
  }
  OpenHttp2Client(const OpenHttp2Client&) = delete;
  OpenHttp2Client& operator=(const OpenHttp2Client&) = delete;
  ~OpenHttp2Client() override {
    links_.clear();
    if (epoll_ >= 0) close(epoll_);
  }

  absl::Status Connect(const Settings& settings) {
    epoll_ = epoll_create1(EPOLL_CLOEXEC);
    if (epoll_ < 0) return absl::UnavailableError(strerror(errno));
    ASSIGN_OR_RETURN(const auto tls, TlsOf(settings.authority));
    for (size_t caller = 0; caller < heads_.size(); ++caller) {
      for (size_t i = 0; i < connections_; ++i) {
        links_.push_back(std::make_unique<Link>());
        Link& link = *links_.back();
        link.client = this;
        // An address of the loopback network for each: the gateway bounds what one may do.
        ASSIGN_OR_RETURN(auto pipe,
                         Pipe::Connect({settings.address,
                                        absl::StrCat(settings.network, ".", 2 + caller), tls}));
        link.session =
            std::make_unique<Session>(std::move(pipe), NewCallbacks(), &link, kOpenStreamWindow);
        RETURN_IF_ERROR(link.session->Watch(epoll_, &link));
        MarkDirty(link);
      }
    }
    return absl::OkStatus();
  }

  bool Start(size_t caller, size_t path, absl::string_view request, size_t call) override {
    Link* const link = FreeLink(caller);
    if (link == nullptr) return false;
    Stream* const stream = NewStream();
    stream->link = link;
    stream->call = call;
    stream->bytes.assign(kPrefixBytes, '\0');
    for (size_t i = 0; i < 4; ++i)
      stream->bytes[4 - i] = static_cast<char>(request.size() >> 8 * i);
    stream->bytes.append(request.data(), request.size());
    stream->sent = 0;
    stream->code = -1;
    stream->details.clear();
    nghttp2_data_provider body{};
    body.source.ptr = stream;
    body.read_callback = ReadBody;
    const auto& fields = heads_[caller][path].fields();
    if (nghttp2_submit_request(link->session->get(), nullptr, fields.data(), fields.size(), &body,
                               stream) < 0) {
      Free(stream);
      return false;
    }
    ++link->calls;
    MarkDirty(*link);
    return true;
  }

  absl::Status Turn(absl::Duration wait) override {
    for (Link* const link : std::exchange(dirty_, {})) {
      link->dirty = false;
      if (!link->lost && !link->session->Send().ok()) Lose(*link);
    }
    std::array<epoll_event, 64> events;
    const timespec until = absl::ToTimespec(std::max(wait, absl::ZeroDuration()));
    const int count = epoll_pwait2(epoll_, events.data(), events.size(), &until, nullptr);
    if (count < 0 && errno != EINTR) return absl::UnavailableError(strerror(errno));
    for (int i = 0; i < count; ++i) {
      Link& link = *static_cast<Link*>(events[static_cast<size_t>(i)].data.ptr);
      if (link.lost) continue;
      MarkDirty(link);  // there is room again, or something to acknowledge
      if (events[static_cast<size_t>(i)].events == EPOLLOUT) continue;
      if (!link.session->Receive().ok()) Lose(link);
    }
    return absl::OkStatus();
  }

  size_t lost_connections() const override { return lost_; }

 private:
  static nghttp2_session_callbacks* NewCallbacks() {
    nghttp2_session_callbacks* callbacks = nullptr;
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, OnHeader);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, OnClose);
    return callbacks;
  }

  // In turn, of those that take one more call.
  Link* FreeLink(size_t caller) {
    for (size_t i = 0; i < connections_; ++i) {
      Link& link = *links_[caller * connections_ + next_[caller]++ % connections_];
      if (!link.lost &&
          link.calls < nghttp2_session_get_remote_settings(
                           link.session->get(), NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS)) {
        return &link;
      }
    }
    return nullptr;
  }

  Stream* NewStream() {
    if (free_.empty()) {
      streams_.push_back(std::make_unique<Stream>());
      return streams_.back().get();
    }
    Stream* const stream = free_.back();
    free_.pop_back();
    return stream;
  }

  void MarkDirty(Link& link) {
    if (!std::exchange(link.dirty, true)) dirty_.push_back(&link);
  }

  // Its calls are over with it.
  void Lose(Link& link) {
    if (std::exchange(link.lost, true)) return;
    ++lost_;
    for (const auto& stream : streams_) {
      if (stream->link == &link) Over(*stream, NGHTTP2_INTERNAL_ERROR);
    }
  }

  void Over(Stream& stream, uint32_t reset) {
    --stream.link->calls;
    on_over_({stream.call, stream.code, reset, stream.details});
    Free(&stream);
  }

  void Free(Stream* stream) {
    stream->link = nullptr;
    free_.push_back(stream);
  }

  // What libnghttp2 calls; `user` is the link.
  // NOLINTNEXTLINE(readability-function-size): its parameters are the library's.
  static ssize_t ReadBody(nghttp2_session*, int32_t, uint8_t* to, size_t length, uint32_t* flags,
                          nghttp2_data_source* source, void*) {
    Stream& stream = *static_cast<Stream*>(source->ptr);
    const size_t size = std::min(length, stream.bytes.size() - stream.sent);
    std::memcpy(to, stream.bytes.data() + stream.sent, size);
    stream.sent += size;
    if (stream.sent == stream.bytes.size()) *flags |= NGHTTP2_DATA_FLAG_EOF;
    return static_cast<ssize_t>(size);
  }

  // NOLINTNEXTLINE(readability-function-size): its parameters are the library's.
  static int OnHeader(nghttp2_session* session, const nghttp2_frame* frame, const uint8_t* name,
                      size_t name_size, const uint8_t* value, size_t value_size, uint8_t, void*) {
    auto* const stream =
        static_cast<Stream*>(nghttp2_session_get_stream_user_data(session, frame->hd.stream_id));
    if (stream == nullptr) return 0;
    const absl::string_view key(reinterpret_cast<const char*>(name), name_size);
    const absl::string_view text(reinterpret_cast<const char*>(value), value_size);
    if (key == "grpc-status") {
      if (!absl::SimpleAtoi(text, &stream->code)) stream->code = -1;
    } else if (key == "grpc-status-details-bin") {
      stream->details.assign(text.data(), text.size());
    }
    return 0;
  }

  static int OnClose(nghttp2_session* session, int32_t id, uint32_t error, void* user) {
    auto* const stream = static_cast<Stream*>(nghttp2_session_get_stream_user_data(session, id));
    if (stream != nullptr && stream->link != nullptr) {
      static_cast<Link*>(user)->client->Over(*stream, error);
    }
    return 0;
  }

  const OnOver on_over_;
  const size_t connections_;
  std::vector<std::vector<Head>> heads_;  // by caller and path
  std::vector<size_t> next_;              // by caller, of its links
  std::vector<std::unique_ptr<Link>> links_;
  std::vector<Link*> dirty_;  // may have something to send
  std::vector<std::unique_ptr<Stream>> streams_;
  std::vector<Stream*> free_;
  size_t lost_ = 0;
  int epoll_ = -1;
};

}  // namespace

absl::StatusOr<std::unique_ptr<OpenClient>> OpenClient::Open(const Settings& settings,
                                                             OnOver on_over) {
  auto client = std::make_unique<OpenHttp2Client>(settings, std::move(on_over));
  RETURN_IF_ERROR(client->Connect(settings));
  return client;
}

}  // namespace nisi::bench
