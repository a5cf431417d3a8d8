#include "common/http2/server_connection.h"

#include <algorithm>
#include <cstdlib>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "common/base/jitter.h"
#include "common/base/log.h"
#include "common/base/steady.h"
#include "common/http2/server_call.h"
#include "common/http2/server_request.h"
#include "common/http2/told_calls.h"

namespace nisi::http2 {
namespace {

constexpr absl::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
// Who is ended has so long to take what it is told.
constexpr absl::Duration kEnding = absl::Seconds(1);
// The connections of a certificate that was replaced go one by one.
constexpr absl::Duration kRenewing = absl::Seconds(5);
// So many calls at once are enough for a client that has rested, and so many where there is a line;
// twice as many each time that it was not for so long, which is longer where that was too soon.
constexpr size_t kFew = 8;
constexpr size_t kFewest = 2;
constexpr absl::Duration kWidens = absl::Milliseconds(100);
constexpr absl::Duration kWidensLate = absl::Seconds(1);
// What it was told shows after so long.
constexpr absl::Duration kShows = absl::Milliseconds(50);
// So many frames wait to be sent at most: for each call its head, its end and its windows, and the
// acknowledgements that nghttp2 bounds by itself.
constexpr size_t kFramesOfCall = 4;
constexpr size_t kAcknowledgements = 1000;

bool Ends(const nghttp2_frame& frame) {
  return (frame.hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
}

}  // namespace

ServerConnection::ServerConnection(const Serving* shared, int fd, std::string address,
                                   std::shared_ptr<SSL_CTX> tls, std::shared_ptr<Place> place)
    : Connection(shared->loop, shared->limits, fd, std::move(address), std::move(tls)),
      shared_(*shared),
      place_(std::move(place)),
      unsent_(shared_.guard->room, place_->source()),
      conduct_(limits_, base::SteadyNow()),
      head_(limits_.max_head_bytes),
      regard_(shared->reading),
      calls_at_once_(limits_.max_calls_of_connection),
      widens_after_(kWidens),
      began_(base::SteadyNow()),
      old_(began_ + base::Jittered(limits_.age, 0.1, began_)),
      used_(began_) {}

nghttp2_session_callbacks* ServerConnection::Callbacks() {
  nghttp2_session_callbacks* callbacks = nullptr;
  if (nghttp2_session_callbacks_new(&callbacks) != 0) std::abort();
  nghttp2_session_callbacks_set_on_begin_headers_callback(
      callbacks, [](nghttp2_session*, const nghttp2_frame* frame, void* user) {
        auto* const self = static_cast<ServerConnection*>(user);
        if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST) {
          self->trailers_ = 0;
          return 0;
        }
        self->head_.Begin();
        self->SetBusy(true, self->heard());
        return 0;
      });
  nghttp2_session_callbacks_set_on_begin_frame_callback(
      callbacks, [](nghttp2_session* session, const nghttp2_frame_hd* head, void* user) {
        auto* const self = static_cast<ServerConnection*>(user);
        // Of what nghttp2 passes over it says nothing more: calls after it was told to go, and
        // trailers of calls that are over. Those that are one frame are not waited for.
        const bool looked_at =
            self->takes_new_ && head->stream_id > nghttp2_session_get_last_proc_stream_id(session);
        const bool whole = (head->flags & NGHTTP2_FLAG_END_HEADERS) != 0;
        if (looked_at || !whole) self->conduct_.OnBegun(*head, self->heard());
        return 0;
      });
  nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(
      callbacks, [](nghttp2_session*, const nghttp2_frame* frame, int, void* user) {
        static_cast<ServerConnection*>(user)->conduct_.OnInvalid(*frame);
        return 0;
      });
  nghttp2_session_callbacks_set_on_header_callback(
      callbacks,
      [](nghttp2_session*, const nghttp2_frame* frame, const uint8_t* name, size_t name_size,
         const uint8_t* value, size_t value_size, uint8_t, void* user) {
        auto* const self = static_cast<ServerConnection*>(user);
        if (frame->headers.cat != NGHTTP2_HCAT_REQUEST) {
          // Trailers: gRPC has none here. Their bytes are few, and what they stand for may be much.
          self->trailers_ += name_size + value_size;
          if (self->trailers_ > self->limits_.max_head_bytes) {
            self->conduct_.Break(Refused::kHeads);
          }
          return 0;
        }
        if (!self->head_.Add(TextOf(name, name_size), TextOf(value, value_size))) {
          self->conduct_.Break(Refused::kHeads);
          return static_cast<int>(NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE);
        }
        return 0;
      });
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(
      callbacks, [](nghttp2_session* session, uint8_t, int32_t id, const uint8_t* bytes,
                    size_t size, void* user) {
        auto* const self = static_cast<ServerConnection*>(user);
        nghttp2_session_consume_connection(session, size);
        if (ServerStream* const call = self->Find(id); call != nullptr) {
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
        if (found != self->calls_.end()) {
          const std::shared_ptr<ServerStream> call = std::move(found->second);
          self->calls_.erase(found);
          call->OnStreamClosed();
        }
        if (self->calls_.empty()) self->SetBusy(false, base::SteadyNow());
        return 0;
      });
  return callbacks;
}

ServerStream* ServerConnection::Find(int32_t id) const {
  const auto found = calls_.find(id);
  return found == calls_.end() ? nullptr : found->second.get();
}

void ServerConnection::OnOpen(std::string identity) {
  peer_ = std::make_shared<const Peer>(
      Peer{std::move(identity), socket_.address(), socket_.proved_until()});
  if (!shared_.http1) return OpenHttp2();
  // In plain text the client's first bytes say it.
  if (socket_.secure()) socket_.protocol() == "h2" ? OpenHttp2() : OpenHttp1();
}

void ServerConnection::OpenHttp1() {
  other_ = shared_.http1({loop_, &socket_, &shared_.limits, shared_.reading, &shared_.take.request,
                          peer_, shared_.calls, shared_.guard, place_->source()});
}

void ServerConnection::OpenHttp2() {
  static const nghttp2_session_callbacks* const kCallbacks = Callbacks();
  OpenSession(
      Side::kServer, kCallbacks,
      {{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, limits_.max_calls_of_connection},
       {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, static_cast<uint32_t>(limits_.max_head_bytes)}});
}

size_t ServerConnection::OnBytes(absl::string_view bytes) {
  if (other_ == nullptr && session() == nullptr) {
    const std::string before = beginning_;
    beginning_.append(bytes.data(), bytes.size());
    if (beginning_.size() < kPreface.size() && absl::StartsWith(kPreface, beginning_)) {
      return bytes.size();
    }
    absl::StartsWith(beginning_, kPreface) ? OpenHttp2() : OpenHttp1();
    beginning_ = std::string();
    if (!before.empty()) OnBytes(before);  // a part of the preface, or too short for a call
    return OnBytes(bytes);
  }
  if (other_ == nullptr) return Connection::OnBytes(bytes);
  other_->OnBytes(bytes);
  if (other_->has_calls())
    place_->SetBusy(busy_, base::SteadyNow());  // it is used; the rest by ticks
  return bytes.size();
}

absl::Time ServerConnection::TurnEnds(absl::Time now) {
  if (shared_.reading == nullptr) return absl::InfiniteFuture();
  return std::min(Connection::TurnEnds(now), shared_.reading->Ends(now));
}

void ServerConnection::Rest(std::function<void()> resume) {
  AllowFewer(kFew, base::SteadyNow());
  regard_.Rest([this, weak = weak_from_this(), resume = std::move(resume)] {
    if (weak.expired()) return;
    regard_.GoOn();
    resume();
  });
}

void ServerConnection::Narrow(double part, absl::Time now) {
  ++narrowing_;
  narrowed_at_ = now;
  if (now < told_at_ + kShows) return;
  AllowFewer(std::max(kFewest, static_cast<size_t>(part * static_cast<double>(narrowing_))), now);
}

// What a client has under way waits in a line, or in its socket when the client rests: the less it
// is, the sooner is that read which will be served. The rest waits with the client.
void ServerConnection::AllowFewer(size_t calls, absl::Time now) {
  narrowed_at_ = now;
  calls += calls_.size() - std::min(calls_.size(), narrowing_);
  if (calls >= calls_at_once_) return;
  if (std::exchange(widened_, false)) widens_after_ = std::min(2 * widens_after_, kWidensLate);
  told_at_ = now;
  Allow(static_cast<uint32_t>(calls));
}

void ServerConnection::Allow(uint32_t calls) {
  calls_at_once_ = calls;
  const nghttp2_settings_entry setting{kToldCalls, calls};
  nghttp2_submit_settings(session(), NGHTTP2_FLAG_NONE, &setting, 1);
  FlushSoon();
}

void ServerConnection::LookWide(absl::Time now) {
  const uint32_t most = limits_.max_calls_of_connection;
  if (calls_at_once_ == most || now < narrowed_at_ + widens_after_) return;
  narrowed_at_ = now;
  widened_ = true;
  Allow(std::min(most, 2 * calls_at_once_));
  if (calls_at_once_ == most) widens_after_ = kWidens;
}

void ServerConnection::SetBusy(bool busy, absl::Time now) {
  if (std::exchange(busy_, busy) == busy) return;
  if (!busy) used_ = now;
  place_->SetBusy(busy, now);
}

bool ServerConnection::OnNothing() {
  conduct_.OnNothing(base::SteadyNow());
  if (!CutOff()) return true;
  socket_.Listen(false);
  return false;
}

void ServerConnection::OnWritten() {
  if (other_ != nullptr) return other_->OnWritten();
  Connection::OnWritten();
}

bool ServerConnection::has_calls() const {
  return !calls_.empty() || (other_ != nullptr && other_->has_calls());
}

void ServerConnection::OnHead(int32_t id) {
  RequestHead head = head_.Take();
  head.call.peer = peer_;
  std::shared_ptr<ServerStream>& place = calls_[id];
  // Held here: what takes it may answer, and more may come before it returns.
  if (shared_.take.request && !IsGrpc(head.content_type)) {
    const auto request = std::make_shared<ServerRequest>(this, id, shared_, place_->source());
    place = request;
    request->OnHead(std::move(head), shared_.take.request);
  } else {
    const auto call = std::make_shared<ServerCall>(this, id, shared_, place_->source());
    place = call;
    call->OnHead(std::move(head), shared_.take.call);
  }
}

void ServerConnection::OnFrame(const nghttp2_frame& frame) {
  conduct_.OnFrame(frame, heard());
  if (frame.hd.type != NGHTTP2_HEADERS && frame.hd.type != NGHTTP2_DATA) return;
  if (frame.hd.type == NGHTTP2_HEADERS && frame.headers.cat == NGHTTP2_HCAT_REQUEST) {
    OnHead(frame.hd.stream_id);
  }
  if (!Ends(frame)) return;
  // Kept here: it may be answered, and its stream closed, by what follows.
  const auto found = calls_.find(frame.hd.stream_id);
  if (found == calls_.end()) return;
  const std::shared_ptr<ServerStream> call = found->second;
  call->OnRequestEnd();
}

// A client that was answered before it had sent all need not go on.
void ServerConnection::OnFrameSent(const nghttp2_frame& frame) {
  conduct_.OnSent(frame, heard());
  const bool bad = frame.hd.type == NGHTTP2_GOAWAY
                       ? frame.goaway.error_code == NGHTTP2_PROTOCOL_ERROR
                       : frame.hd.type == NGHTTP2_RST_STREAM &&
                             frame.rst_stream.error_code == NGHTTP2_PROTOCOL_ERROR;
  if (bad) Refuse(Refused::kFrames);
  if ((frame.hd.type != NGHTTP2_HEADERS && frame.hd.type != NGHTTP2_DATA) || !Ends(frame)) return;
  const ServerStream* const call = Find(frame.hd.stream_id);
  if (call == nullptr || call->request_ended() || call->lingers()) return;
  nghttp2_submit_rst_stream(session(), NGHTTP2_FLAG_NONE, frame.hd.stream_id, NGHTTP2_NO_ERROR);
}

void ServerConnection::OnTick(absl::Time now) {
  if (!unsent_.Set(socket_.unsent())) conduct_.Break(Refused::kRoom);
  if (other_ != nullptr) {
    if (CutOff()) return;
    SetBusy(other_->has_calls(), now);
    if (now > renewed_) other_->GoAway();
    return other_->OnTick(now);
  }
  for (const auto& [id, call] : calls_) call->OnTick(now);
  conduct_.OnTick(now);
  if (now > socket_.stuck_since() + limits_.answer) conduct_.Break(Refused::kAnswers);
  // nghttp2 has ended it by itself: what it still has to say may never get through.
  if (ends_ == absl::InfiniteFuture() && session() != nullptr &&
      nghttp2_session_want_read(session()) == 0) {
    ends_ = now + kEnding;
  }
  if (now > ends_) socket_.Close("ended");
  if (CutOff()) return;
  LookWide(now);
  LookIdle(now);
  LookAlive(now);
}

void ServerConnection::Renew(const SSL_CTX* context, absl::Time now) {
  if (socket_.context() == context || socket_.CloseDenied(*context)) return;
  renewed_ = now + kRenewing * base::Chance(began_);
  old_ = std::min(old_, renewed_);
}

void ServerConnection::LookIdle(absl::Time now) {
  if (session() == nullptr) return;
  if (told_to_go_ != absl::InfiniteFuture()) {
    const bool over = calls_.empty() && socket_.unsent() == 0;
    if (over && now > std::max(told_to_go_, used_) + limits_.grace) return Leave();
    if (!takes_new_ || now <= told_to_go_ + limits_.grace) return;
    // What it begins here nevertheless is not looked at, so that it can begin it elsewhere.
    takes_new_ = false;
    nghttp2_submit_goaway(session(), NGHTTP2_FLAG_NONE,
                          nghttp2_session_get_last_proc_stream_id(session()), NGHTTP2_NO_ERROR,
                          nullptr, 0);
    FlushSoon();
  } else if (now > old_ || (calls_.empty() && now > used_ + limits_.idle)) {
    GoAway();
  }
}

// Calls past those that it may have at once are broken off, and what says so waits for a client
// that does not read.
void ServerConnection::LookQueue() {
  if (session() == nullptr) return;
  const size_t most = kFramesOfCall * limits_.max_calls_of_connection + kAcknowledgements;
  if (nghttp2_session_get_outbound_queue_size(session()) > most) conduct_.Break(Refused::kResets);
}

// Whoever breaks the rules gets no answer to what it has under way: that is what it wants.
bool ServerConnection::CutOff() {
  LookQueue();
  if (!conduct_.broken().has_value()) return false;
  if (ends_ != absl::InfiniteFuture()) return true;
  const Refused what = *conduct_.broken();
  Refuse(what);
  base::Log(base::Severity::kWarning, "client_cut_off",
            {{"why", NameOf(what)}, {"peer", socket_.address()}});
  if (session() == nullptr) {
    socket_.Close("");
    return true;
  }
  ends_ = base::SteadyNow() + kEnding;
  nghttp2_session_terminate_session(session(), NGHTTP2_ENHANCE_YOUR_CALM);
  FlushSoon();
  return true;
}

void ServerConnection::OnBadFrames(int error) {
  Refuse(error == NGHTTP2_ERR_FLOODED ? Refused::kChatter : Refused::kFrames);
}

void ServerConnection::Refuse(Refused what) {
  shared_.guard->refusals.Count(what);
}

void ServerConnection::Leave() {
  if (session() == nullptr) return socket_.Close("");
  if (ends_ != absl::InfiniteFuture()) return;
  ends_ = base::SteadyNow() + kEnding;
  nghttp2_session_terminate_session(session(), NGHTTP2_NO_ERROR);
  FlushSoon();
}

void ServerConnection::GoAway() {
  if (other_ != nullptr) return other_->GoAway();
  if (session() == nullptr) return socket_.Close("");
  if (told_to_go_ != absl::InfiniteFuture()) return;
  told_to_go_ = base::SteadyNow();
  nghttp2_submit_shutdown_notice(session());
  FlushSoon();
}

void ServerConnection::End(const Answer& answer) {
  if (other_ != nullptr) return other_->End(answer);
  if (session() == nullptr) return socket_.Close("");
  std::vector<std::shared_ptr<ServerStream>> calls;
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
  if (other_ != nullptr) other_->OnClosed();
  auto calls = std::exchange(calls_, {});
  for (const auto& [id, call] : calls) call->OnStreamClosed();
  shared_.on_gone(this);
}

}  // namespace nisi::http2
