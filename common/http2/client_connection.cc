#include "common/http2/client_connection.h"

#include <cstdint>
#include <cstdlib>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/steady.h"

namespace nisi::http2 {
namespace {

constexpr absl::string_view kTraceparent = "traceparent";

// A number of at most 8 digits and its unit.
std::string TimeoutFor(absl::Duration left) {
  constexpr int64_t kMost = 99'999'999;
  left = std::max(left, absl::Microseconds(1));
  if (const int64_t micros = absl::ToInt64Microseconds(left); micros <= kMost) {
    return absl::StrCat(micros, "u");
  }
  return absl::StrCat(std::min(absl::ToInt64Milliseconds(left), kMost), "m");
}

ClientConnection* Self(void* user) {
  return static_cast<ClientConnection*>(user);
}

}  // namespace

ClientConnection::ClientConnection(Options options)
    : Connection(options.loop, options.limits, options.tls), options_(std::move(options)) {}

std::shared_ptr<ClientConnection> ClientConnection::Connect(Options options) {
  std::shared_ptr<ClientConnection> connection(new ClientConnection(std::move(options)));
  connection->self_ = connection;
  connection->socket_.Connect(connection->options_.address, connection->options_.attempt);
  return connection;
}

nghttp2_session_callbacks* ClientConnection::Callbacks() {
  nghttp2_session_callbacks* callbacks = nullptr;
  if (nghttp2_session_callbacks_new(&callbacks) != 0) std::abort();
  nghttp2_session_callbacks_set_on_header_callback(
      callbacks,
      [](nghttp2_session*, const nghttp2_frame* frame, const uint8_t* name, size_t name_size,
         const uint8_t* value, size_t value_size, uint8_t, void* user) {
        const auto found = Self(user)->calls_.find(frame->hd.stream_id);
        if (found != Self(user)->calls_.end()) {
          found->second->OnField(TextOf(name, name_size), TextOf(value, value_size));
        }
        return 0;
      });
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(
      callbacks, [](nghttp2_session* session, uint8_t, int32_t id, const uint8_t* bytes,
                    size_t size, void* user) {
        nghttp2_session_consume_connection(session, size);
        const auto found = Self(user)->calls_.find(id);
        if (found == Self(user)->calls_.end()) return 0;
        const std::shared_ptr<ClientCall> call = found->second;
        call->OnData(TextOf(bytes, size));
        return 0;
      });
  nghttp2_session_callbacks_set_on_frame_recv_callback(
      callbacks, [](nghttp2_session*, const nghttp2_frame* frame, void* user) {
        if (frame->hd.type == NGHTTP2_GOAWAY) Self(user)->going_away_ = true;
        if (frame->hd.type == NGHTTP2_SETTINGS) Self(user)->OnGreeting();
        return 0;
      });
  nghttp2_session_callbacks_set_on_stream_close_callback(
      callbacks, [](nghttp2_session*, int32_t id, uint32_t error, void* user) {
        Self(user)->OnStreamClosed(id, error);
        return 0;
      });
  return callbacks;
}

void ClientConnection::OnOpen(std::string) {
  static const nghttp2_session_callbacks* const kCallbacks = Callbacks();
  OpenSession(Side::kClient, kCallbacks, {{NGHTTP2_SETTINGS_ENABLE_PUSH, 0}});
  nghttp2_session_set_next_stream_id(session(), options_.first_stream);
}

void ClientConnection::OnGreeting() {
  if (std::exchange(greeted_, true) || !options_.on_open) return;
  // Not from within nghttp2.
  AtEndOfTurn([self = self_] {
    if (self->open()) self->options_.on_open();
  });
}

bool ClientConnection::open() const {
  return greeted_ && socket_.open() && !going_away_ &&
         nghttp2_session_check_request_allowed(session()) != 0;
}

bool ClientConnection::spent() const {
  return session() != nullptr && nghttp2_session_get_next_stream_id(session()) > INT32_MAX;
}

void ClientConnection::Begin(const std::shared_ptr<ClientCall>& call) {
  const CallHead& head = call->head();
  std::vector<Field> encoded;
  encoded.reserve(head.fields.size() + 1);  // views into it must hold
  std::vector<nghttp2_nv> fields;
  fields.reserve(head.fields.size() + 7);
  fields = {ViewOf(":method", "POST"),
            ViewOf(":scheme", options_.tls == nullptr ? "http" : "https"),
            ViewOf(":path", head.path),
            ViewOf(":authority", options_.address),
            ViewOf("content-type", "application/grpc"),
            ViewOf("te", "trailers")};
  if (head.deadline != absl::InfiniteFuture()) {
    encoded.push_back({"grpc-timeout", TimeoutFor(head.deadline - base::SteadyNow())});
    fields.push_back(ViewOfNew(encoded.back().name, encoded.back().value));
  }
  for (const Field& field : head.fields) {
    if (field.name == kTraceparent) {
      fields.push_back(ViewOfNew(field.name, field.value));
    } else if (IsBinary(field.name)) {
      encoded.push_back({field.name, field.WireValue()});
      fields.push_back(ViewOf(encoded.back().name, encoded.back().value));
    } else {
      fields.push_back(ViewOf(field.name, field.value));
    }
  }
  nghttp2_data_provider body{};
  body.source.ptr = call.get();
  body.read_callback = [](nghttp2_session*, int32_t, uint8_t* room, size_t size, uint32_t* flags,
                          nghttp2_data_source* source, void*) {
    return static_cast<ClientCall*>(source->ptr)->Read(room, size, flags);
  };
  const int32_t id =
      nghttp2_submit_request(session(), nullptr, fields.data(), fields.size(), &body, nullptr);
  if (id < 0) return call->Fail(nghttp2_strerror(id));
  calls_[id] = call;
  call->Begin(this, id);
  FlushSoon();
}

void ClientConnection::OnStreamClosed(int32_t id, uint32_t error) {
  const auto found = calls_.find(id);
  if (found == calls_.end()) return;
  const std::shared_ptr<ClientCall> call = std::move(found->second);
  calls_.erase(found);
  if (error == NGHTTP2_REFUSED_STREAM && call->Rewind()) {
    // Not from within nghttp2.
    return AtEndOfTurn([on_unseen = options_.on_unseen, call] { on_unseen(call); });
  }
  call->OnStreamClosed(error);
}

void ClientConnection::ResumeData(int32_t id) {
  nghttp2_session_resume_data(session(), id);
  FlushSoon();
}

void ClientConnection::Reset(int32_t id) {
  nghttp2_submit_rst_stream(session(), NGHTTP2_FLAG_NONE, id, NGHTTP2_CANCEL);
  FlushSoon();
}

// Who says something now and then and takes nothing is as good as silent.
void ClientConnection::OnTick(absl::Time now) {
  if (!greeted_ && now > began() + limits_.handshake) {
    return socket_.Close("no handshake in time");
  }
  if (now > socket_.stuck_since() + limits_.ping_after + limits_.ping_answer) {
    return socket_.Close("takes nothing");
  }
  if (options_.tls != nullptr) {
    const std::shared_ptr<SSL_CTX> context = options_.tls->Current(now);
    if (context.get() != socket_.context() && socket_.CloseDenied(*context)) return;
  }
  LookAlive(now);
}

void ClientConnection::OnClosed(const std::string& why) {
  const std::shared_ptr<ClientConnection> self = std::move(self_);  // to the end of this
  auto calls = std::exchange(calls_, {});
  std::vector<std::shared_ptr<ClientCall>> again;
  for (const auto& [id, call] : calls) {
    if (call->RewindLost()) {
      again.push_back(call);
    } else {
      call->Fail(why.empty() ? "The service closed the connection." : why);
    }
  }
  // Moved out: what it calls may let go of whoever gave it.
  const auto on_closed = std::move(options_.on_closed);
  const auto on_unseen = std::move(options_.on_unseen);
  if (on_closed) on_closed(this, why);
  for (const auto& call : again) on_unseen(call);
}

}  // namespace nisi::http2
