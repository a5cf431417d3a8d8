#include "common/http2/connection.h"

#include <cstdlib>
#include <utility>

#include "common/base/steady.h"
#include "common/http2/told_calls.h"

namespace nisi::http2 {
namespace {

constexpr size_t kWriteBytes = 64 << 10;
// Settings in one frame, and frames that only want an answer of us.
constexpr size_t kMaxSettings = 32;
constexpr size_t kMaxOutboundAcks = 1000;
// Frames after the first of one head.
constexpr size_t kMaxContinuations = 4;
// Of what one connection says, between looks at the clock.
constexpr size_t kSlice = 256;
// Calls taken back: counted by Conduct, and not at all where a trusted client brings them.
constexpr uint64_t kNoBound = 1'000'000'000;

const nghttp2_option* SessionOptions() {
  static const nghttp2_option* const kOptions = [] {
    nghttp2_option* options = nullptr;
    if (nghttp2_option_new(&options) != 0) std::abort();
    // Windows are ours to give back: see Consume.
    nghttp2_option_set_no_auto_window_update(options, 1);
    nghttp2_option_set_no_closed_streams(options, 1);
    nghttp2_option_set_max_settings(options, kMaxSettings);
    nghttp2_option_set_max_outbound_ack(options, kMaxOutboundAcks);
    nghttp2_option_set_max_continuations(options, kMaxContinuations);
    nghttp2_option_set_stream_reset_rate_limit(options, kNoBound, kNoBound);
    // Clients send such values, as "Bearer ", and get a better answer from what reads them.
    nghttp2_option_set_no_rfc9113_leading_and_trailing_ws_validation(options, 1);
    return options;
  }();
  return kOptions;
}

}  // namespace

nghttp2_nv ViewOf(absl::string_view name, absl::string_view value) {
  const auto bytes = [](absl::string_view text) {
    return reinterpret_cast<uint8_t*>(const_cast<char*>(text.data()));
  };
  return {bytes(name), bytes(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE};
}

nghttp2_nv ViewOfNew(absl::string_view name, absl::string_view value) {
  nghttp2_nv view = ViewOf(name, value);
  view.flags |= NGHTTP2_NV_FLAG_NO_INDEX;
  return view;
}

Connection::Connection(EventLoop* loop, const Limits& limits, int fd, std::string address,
                       std::shared_ptr<SSL_CTX> tls)
    : loop_(loop),
      limits_(limits),
      socket_(loop, fd, std::move(address), std::move(tls), this),
      began_(base::SteadyNow()),
      heard_(began_) {}

Connection::Connection(EventLoop* loop, const Limits& limits, std::shared_ptr<TlsConnector> tls)
    : loop_(loop),
      limits_(limits),
      socket_(loop, std::move(tls), this),
      began_(base::SteadyNow()),
      heard_(began_) {}

Connection::~Connection() {
  nghttp2_session_del(session_);
}

void Connection::OpenSession(Side side, const nghttp2_session_callbacks* callbacks,
                             std::vector<nghttp2_settings_entry> settings) {
  const auto open =
      side == Side::kServer ? nghttp2_session_server_new2 : nghttp2_session_client_new2;
  if (open(&session_, callbacks, this, SessionOptions()) != 0) std::abort();  // no memory
  settings.push_back(
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, static_cast<uint32_t>(limits_.call_window_bytes)});
  nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings.data(), settings.size());
  nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0,
                                        limits_.connection_window_bytes);
  heard_ = base::SteadyNow();
  FlushSoon();
}

size_t Connection::OnBytes(absl::string_view bytes) {
  heard_ = base::SteadyNow();
  asked_ = absl::InfiniteFuture();
  const absl::Time end = TurnEnds(heard_);
  size_t taken = 0;
  while (taken < bytes.size() && !Rests()) {
    const absl::string_view slice = bytes.substr(taken, kSlice);
    const ssize_t read = nghttp2_session_mem_recv(
        session_, reinterpret_cast<const uint8_t*>(slice.data()), slice.size());
    if (read < 0) {
      OnBadFrames(static_cast<int>(read));
      socket_.Close(nghttp2_strerror(static_cast<int>(read)));
      return bytes.size();
    }
    taken += slice.size();
    if (CutOff()) return bytes.size();
    if (base::SteadyNow() >= end) break;
  }
  FlushSoon();
  if (taken < bytes.size()) {
    const auto resume = [weak = weak_from_this()] {
      if (const auto self = weak.lock(); self != nullptr) self->socket_.Resume();
    };
    // Others first: what they sent is there by now.
    Rests() ? Rest(resume) : loop_->Post(resume);
  }
  return taken;
}

void Connection::Consume(int32_t id, size_t bytes) {
  if (bytes == 0) return;
  nghttp2_session_consume_stream(session_, id, bytes);
  FlushSoon();
}

void Connection::FlushSoon() {
  if (std::exchange(flush_soon_, true)) return;
  loop_->AtEndOfTurn([weak = weak_from_this()] {
    if (const auto self = weak.lock(); self != nullptr) self->Flush();
  });
}

// As much as the other side takes; closes where the session is over.
void Connection::Flush() {
  flush_soon_ = false;
  if (session_ == nullptr) return;
  thread_local std::string out;
  while (socket_.open() && socket_.unsent() < limits_.max_unsent_bytes) {
    out.clear();
    while (out.size() < kWriteBytes) {
      const uint8_t* bytes = nullptr;
      const ssize_t size = nghttp2_session_mem_send(session_, &bytes);
      if (size < 0) return socket_.Close(nghttp2_strerror(static_cast<int>(size)));
      if (size == 0) break;
      out.append(reinterpret_cast<const char*>(bytes), static_cast<size_t>(size));
      SayToldCalls(out.data() + out.size() - size, static_cast<size_t>(size));
    }
    if (out.empty()) break;
    socket_.Write(out);
  }
  if (nghttp2_session_want_read(session_) == 0 && nghttp2_session_want_write(session_) == 0) {
    socket_.CloseWhenSent();
  }
}

void Connection::LookAlive(absl::Time now) {
  if (session_ == nullptr) {
    if (now > began_ + limits_.handshake) socket_.Close("no handshake in time");
    return;
  }
  if (now > heard_ + limits_.ping_after && asked_ == absl::InfiniteFuture()) {
    asked_ = now;
    nghttp2_submit_ping(session_, NGHTTP2_FLAG_NONE, nullptr);
    FlushSoon();
  }
  if (now > asked_ + limits_.ping_answer) socket_.Close("silent");
}

}  // namespace nisi::http2
