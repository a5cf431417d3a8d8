#include "common/http2/server_request.h"

#include <nghttp2/nghttp2.h>

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/steady.h"
#include "common/http2/server_connection.h"

namespace nisi::http2 {
namespace {

// A client that still sends when it has its answer may do so for so long.
constexpr absl::Duration kLinger = absl::Seconds(5);
constexpr int kTooMany = 429;

}  // namespace

ServerRequest::ServerRequest(ServerConnection* connection, int32_t id, const Serving& shared,
                             std::shared_ptr<Source> source)
    : connection_(connection),
      loop_(shared.loop),
      id_(id),
      shared_(shared),
      count_(shared.calls),
      held_(shared.guard->room, std::move(source)) {
  count_->Up();
}

ServerRequest::~ServerRequest() {
  count_->Down();
}

void ServerRequest::OnHead(RequestHead head, const TakeRequest& take) {
  if (!Hold(0)) {
    ended_ = true;
    return Reset(NGHTTP2_REFUSED_STREAM);  // not looked at: it may come again
  }
  asks_head_ = head.method == "HEAD";
  taker_ = take(std::move(head), shared_from_this());
}

void ServerRequest::OnData(absl::string_view bytes) {
  if (taker_ == nullptr || ended_) return Consume(bytes.size());
  taker_->OnBody(bytes);
}

void ServerRequest::OnRequestEnd() {
  request_ended_ = true;
  if (taker_ != nullptr && !ended_) taker_->OnBodyEnd();
}

void ServerRequest::OnStreamClosed() {
  connection_ = nullptr;
  out_.Clear();
  held_.Set(0);
  if (!ended_ && taker_ != nullptr) taker_->OnCancel();
  taker_.reset();
}

void ServerRequest::OnTick(absl::Time now) {
  if (!ended_) {
    if (taker_ != nullptr) taker_->OnTick(now);
    if (connection_ == nullptr || ended_) return;
    if (!progress_.Stands(!out_.empty(), now, shared_.limits.progress)) return;
    shared_.guard->refusals.Count(Refused::kAnswers);
    Reset(NGHTTP2_CANCEL);
  } else if (connection_ != nullptr && now > take_until_) {
    shared_.guard->refusals.Count(Refused::kAnswers);
    Reset(NGHTTP2_CANCEL);
  } else if (connection_ != nullptr && !request_ended_) {
    if (linger_until_ == absl::InfiniteFuture()) linger_until_ = now + kLinger;
    if (now > linger_until_) Reset(NGHTTP2_NO_ERROR);
  }
}

// What waited for the client goes now, as the frame that says so may have to wait for it too.
void ServerRequest::Reset(uint32_t error_code) {
  take_until_ = linger_until_ = absl::InfiniteFuture();
  reset_ = true;
  out_.Clear();
  kept_ = 0;
  held_.Set(kStreamBytes);
  nghttp2_submit_rst_stream(connection_->session(), NGHTTP2_FLAG_NONE, id_, error_code);
  connection_->FlushSoon();
}

void ServerRequest::Abort(const Answer& answer) {
  if (taker_ != nullptr && !ended_) taker_->Abort(answer);
}

void ServerRequest::Respond(int status, Fields fields, std::string body) {
  fields.Add("content-length", absl::StrCat(body.size()));
  Start(status, std::move(fields));
  if (!asks_head_) Write(std::move(body));
  End();
}

void ServerRequest::Start(int status, Fields fields) {
  if (connection_ == nullptr || std::exchange(started_, true)) return;
  connection_->OnAnswer(status == kTooMany);
  const std::string text = absl::StrCat(status);
  std::vector<nghttp2_nv> views{ViewOf(":status", text)};
  for (const Field& field : fields) views.push_back(ViewOf(field.name, field.value));
  nghttp2_data_provider body{};
  body.source.ptr = this;
  body.read_callback = [](nghttp2_session*, int32_t, uint8_t* room, size_t size, uint32_t* flags,
                          nghttp2_data_source* source, void*) {
    return static_cast<ServerRequest*>(source->ptr)->Read(room, size, flags);
  };
  nghttp2_submit_response(connection_->session(), id_, views.data(), views.size(), &body);
  connection_->FlushSoon();
}

void ServerRequest::Write(std::string bytes) {
  if (connection_ == nullptr || ended_ || reset_ || bytes.empty()) return;
  out_.PushBytes(std::move(bytes));
  if (!Hold(kept_)) return Reset(NGHTTP2_ENHANCE_YOUR_CALM);  // it has begun to be answered
  Resume();
}

void ServerRequest::End() {
  if (connection_ == nullptr || std::exchange(ended_, true)) return;
  // Whoever took the request has said its last word.
  loop_->AtEndOfTurn([self = shared_from_this()] { self->taker_.reset(); });
  kept_ = 0;
  take_until_ = base::SteadyNow() + shared_.limits.answer +
                absl::Seconds(static_cast<double>(out_.bytes()) / kAnswerBytesPerSecond);
  Resume();
}

void ServerRequest::Consume(size_t bytes) {
  if (connection_ != nullptr) connection_->Consume(id_, bytes);
}

bool ServerRequest::Hold(size_t bytes) {
  kept_ = bytes;
  if (held_.Set(kStreamBytes + kept_ + out_.bytes())) return true;
  shared_.guard->refusals.Count(Refused::kRoom);
  return false;
}

void ServerRequest::Resume() {
  if (std::exchange(waiting_, false)) {
    nghttp2_session_resume_data(connection_->session(), id_);
  }
  connection_->FlushSoon();
}

// nghttp2 asks for what comes next of the body.
ssize_t ServerRequest::Read(uint8_t* room, size_t size, uint32_t* flags) {
  const bool some = !out_.empty();
  const size_t given = out_.Take(room, size, nullptr);
  progress_.OnTaken();
  held_.Set(kStreamBytes + kept_ + out_.bytes());
  if (!out_.empty()) return static_cast<ssize_t>(given);
  if (ended_) {
    *flags |= NGHTTP2_DATA_FLAG_EOF;
    return static_cast<ssize_t>(given);
  }
  if (some) {
    loop_->AtEndOfTurn([self = shared_from_this()] {
      if (self->taker_ != nullptr && !self->ended_) self->taker_->OnSent();
    });
  }
  if (given > 0) return static_cast<ssize_t>(given);
  waiting_ = true;
  return NGHTTP2_ERR_DEFERRED;
}

}  // namespace nisi::http2
