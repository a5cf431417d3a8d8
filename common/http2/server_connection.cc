#include "common/http2/server_connection.h"

#include <cstdlib>
#include <utility>
#include <vector>

#include "common/base/log.h"

namespace nisi::http2 {
namespace {

bool Ends(const nghttp2_frame& frame) {
  return (frame.hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
}

}  // namespace

ServerConnection::ServerConnection(const Shared* shared, int fd, std::shared_ptr<SSL_CTX> tls)
    : Connection(shared->loop, shared->limits, fd, std::move(tls)), shared_(*shared) {}

nghttp2_session_callbacks* ServerConnection::Callbacks() {
  nghttp2_session_callbacks* callbacks = nullptr;
  if (nghttp2_session_callbacks_new(&callbacks) != 0) std::abort();
  nghttp2_session_callbacks_set_on_begin_headers_callback(
      callbacks, [](nghttp2_session*, const nghttp2_frame* frame, void* user) {
        auto* const self = static_cast<ServerConnection*>(user);
        if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST) {
          return 0;
        }
        const int32_t id = frame->hd.stream_id;
        self->calls_[id] = std::make_shared<ServerCall>(self, self->loop_, id, self->shared_.limits,
                                                        self->shared_.calls);
        return 0;
      });
  nghttp2_session_callbacks_set_on_header_callback(
      callbacks,
      [](nghttp2_session*, const nghttp2_frame* frame, const uint8_t* name, size_t name_size,
         const uint8_t* value, size_t value_size, uint8_t, void* user) {
        if (frame->headers.cat != NGHTTP2_HCAT_REQUEST) return 0;  // trailers: gRPC has none here
        ServerCall* const call = static_cast<ServerConnection*>(user)->Find(frame->hd.stream_id);
        if (call != nullptr) call->OnField(TextOf(name, name_size), TextOf(value, value_size));
        return 0;
      });
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(
      callbacks, [](nghttp2_session* session, uint8_t, int32_t id, const uint8_t* bytes,
                    size_t size, void* user) {
        auto* const self = static_cast<ServerConnection*>(user);
        nghttp2_session_consume_connection(session, size);
        if (ServerCall* const call = self->Find(id); call != nullptr) {
          call->OnData(TextOf(bytes, size));
        }
        return 0;
      });
  nghttp2_session_callbacks_set_on_frame_recv_callback(
      callbacks, [](nghttp2_session*, const nghttp2_frame* frame, void* user) {
        static_cast<ServerConnection*>(user)->OnFrame(*frame);
        return 0;
      });
  nghttp2_session_callbacks_set_on_frame_send_callback(
      callbacks, [](nghttp2_session*, const nghttp2_frame* frame, void* user) {
        static_cast<ServerConnection*>(user)->OnFrameSent(*frame);
        return 0;
      });
  nghttp2_session_callbacks_set_on_stream_close_callback(
      callbacks, [](nghttp2_session*, int32_t id, uint32_t, void* user) {
        auto* const self = static_cast<ServerConnection*>(user);
        const auto found = self->calls_.find(id);
        if (found == self->calls_.end()) return 0;
        const std::shared_ptr<ServerCall> call = std::move(found->second);
        self->calls_.erase(found);
        call->OnStreamClosed();
        return 0;
      });
  return callbacks;
}

ServerCall* ServerConnection::Find(int32_t id) const {
  const auto found = calls_.find(id);
  return found == calls_.end() ? nullptr : found->second.get();
}

void ServerConnection::OnOpen(std::string identity) {
  peer_ = std::make_shared<const Peer>(Peer{std::move(identity), socket_.address()});
  static const nghttp2_session_callbacks* const kCallbacks = Callbacks();
  OpenSession(
      Side::kServer, kCallbacks,
      {{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, limits_.max_calls_of_connection},
       {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, static_cast<uint32_t>(limits_.max_head_bytes)}});
}

void ServerConnection::OnFrame(const nghttp2_frame& frame) {
  if (frame.hd.type != NGHTTP2_HEADERS && frame.hd.type != NGHTTP2_DATA) return;
  // Kept here: it may be answered, and its stream closed, by what follows.
  const auto found = calls_.find(frame.hd.stream_id);
  if (found == calls_.end()) return;
  const std::shared_ptr<ServerCall> call = found->second;
  if (frame.hd.type == NGHTTP2_HEADERS && frame.headers.cat == NGHTTP2_HCAT_REQUEST) {
    call->OnHead(shared_.take, peer_);
  }
  if (Ends(frame)) call->OnRequestEnd();
}

// A client that was answered before it had sent all need not go on.
void ServerConnection::OnFrameSent(const nghttp2_frame& frame) {
  if ((frame.hd.type != NGHTTP2_HEADERS && frame.hd.type != NGHTTP2_DATA) || !Ends(frame)) return;
  const ServerCall* const call = Find(frame.hd.stream_id);
  if (call == nullptr || call->request_ended()) return;
  nghttp2_submit_rst_stream(session(), NGHTTP2_FLAG_NONE, frame.hd.stream_id, NGHTTP2_NO_ERROR);
}

void ServerConnection::OnTick(absl::Time now) {
  for (const auto& [id, call] : calls_) call->OnTick(now);
  LookAlive(now);
}

void ServerConnection::GoAway() {
  if (session() == nullptr) return socket_.Close("");
  nghttp2_submit_shutdown_notice(session());
  FlushSoon();
}

void ServerConnection::End(const Answer& answer) {
  if (session() == nullptr) return socket_.Close("");
  std::vector<std::shared_ptr<ServerCall>> calls;
  for (const auto& [id, call] : calls_) calls.push_back(call);
  for (const auto& call : calls) call->Abort(answer);
  Flush();  // first: what ends the session ends what it has to say
  nghttp2_session_terminate_session(session(), NGHTTP2_NO_ERROR);
  Flush();
  socket_.CloseWhenSent();
}

void ServerConnection::OnClosed(const std::string& why) {
  if (!why.empty()) {
    base::Log(base::Severity::kInfo, "connection_closed",
              {{"why", why}, {"peer", socket_.address()}});
  }
  auto calls = std::exchange(calls_, {});
  for (const auto& [id, call] : calls) call->OnStreamClosed();
  shared_.on_gone(this);
}

}  // namespace nisi::http2
