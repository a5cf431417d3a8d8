#include "common/http1/session.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/jitter.h"
#include "common/base/steady.h"
#include "common/http1/parser.h"

namespace nisi::http1 {
namespace {

using http2::Field;
using http2::Fields;
using http2::RequestTaker;
using http2::SessionParts;

// What a client may send ahead of the answer to its last request, or of what takes its body.
constexpr size_t kMaxAhead = 64 << 10;
// A client that still sends when it has its answer is read for so long, so that it sees the answer.
constexpr absl::Duration kLinger = absl::Seconds(5);

class Exchange;

class ClientSession final : public http2::Session,
                            public Parser::Owner,
                            public std::enable_shared_from_this<ClientSession> {
 public:
  explicit ClientSession(SessionParts parts)
      : parts_(std::move(parts)),
        parser_(parts_.limits->max_head_bytes, this),
        regard_(parts_.reading),
        held_(parts_.guard->room, parts_.source),
        idle_since_(base::SteadyNow()),
        moved_(idle_since_),
        old_(idle_since_ + base::Jittered(parts_.limits->age, 0.1, idle_since_)) {}

  void OnBytes(absl::string_view bytes) override;
  void OnWritten() override;
  void OnClosed() override;
  void OnTick(absl::Time now) override;
  void GoAway() override;
  void End(const http2::Answer& answer) override;
  bool has_calls() const override { return taker_ != nullptr; }

  void OnHead(http2::RequestHead head) override;
  void OnBody(absl::string_view bytes) override;
  void OnRequestEnd() override;

  // Of the exchange under way.
  void WriteHead(int status, const Fields& fields, const std::string* body);
  void WriteBody(absl::string_view bytes);
  void EndAnswer();
  void Consume(size_t bytes);
  bool Hold(size_t bytes);

 private:
  void Write(absl::string_view bytes);
  // Whether what comes has to wait: for the answer to what came before, for the client to take it,
  // or for others.
  bool holds() const {
    return (current_ != nullptr && request_ended_) || resting_ ||
           parts_.socket->unsent() >= parts_.limits->max_unsent_bytes;
  }
  void Feed(absl::string_view bytes);
  void FeedAhead();
  void RequestOver();
  void GoOn();
  void Refuse(http2::Refused what);
  void Sent();
  void Close();

  const SessionParts parts_;
  Parser parser_;
  http2::Regard regard_;
  http2::Room::Held held_;
  size_t kept_ = 0;    // of the body, by whoever takes it
  std::string ahead_;  // what came and has to wait
  bool feeding_ = false;
  bool resting_ = false;
  bool last_ = false;  // no request follows the one under way
  bool closing_ = false;
  absl::Time idle_since_;
  absl::Time moved_;  // when what is written last left
  size_t unsent_ = 0;
  absl::Time take_until_ = absl::InfiniteFuture();  // what was said of whole answers
  const absl::Time old_;

  // The request under way.
  std::shared_ptr<Exchange> current_;
  std::shared_ptr<RequestTaker> taker_;
  bool request_ended_ = false;
  bool answer_ended_ = false;
  bool chunked_ = false;
  bool waits_ = false;  // some of what was written of its body had to wait
  size_t unconsumed_ = 0;
  absl::Time linger_until_ = absl::InfiniteFuture();
};

// The way back of one request.
class Exchange final : public http2::Responder {
 public:
  Exchange(ClientSession* session, std::shared_ptr<http2::CallCount> calls)
      : session_(session), calls_(std::move(calls)) {
    calls_->Up();
  }
  ~Exchange() override { calls_->Down(); }
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  // Over, or the client is gone.
  void Detach() { session_ = nullptr; }

  void Respond(int status, Fields fields, std::string body) override {
    if (session_ == nullptr || std::exchange(started_, true)) return;
    session_->WriteHead(status, fields, &body);
    Over();
  }
  void Start(int status, Fields fields) override {
    if (session_ == nullptr || std::exchange(started_, true)) return;
    session_->WriteHead(status, fields, nullptr);
  }
  void Write(std::string bytes) override {
    if (session_ != nullptr && !bytes.empty()) session_->WriteBody(bytes);
  }
  void End() override {
    if (session_ != nullptr) Over();
  }
  void Consume(size_t bytes) override {
    if (session_ != nullptr) session_->Consume(bytes);
  }
  bool Hold(size_t bytes) override { return session_ == nullptr || session_->Hold(bytes); }

 private:
  void Over() { std::exchange(session_, nullptr)->EndAnswer(); }

  ClientSession* session_;
  const std::shared_ptr<http2::CallCount> calls_;
  bool started_ = false;
};

void ClientSession::OnBytes(absl::string_view bytes) {
  if (closing_) return;
  if (!holds() && ahead_.empty()) return Feed(bytes);
  ahead_.append(bytes.data(), bytes.size());
  if (ahead_.size() > kMaxAhead) parts_.socket->Listen(false);
  if (!Hold(kept_)) parts_.socket->Close("no room");
}

void ClientSession::Feed(absl::string_view bytes) {
  const bool began = parser_.in_head();
  feeding_ = true;
  const size_t taken = parser_.Feed(bytes);
  feeding_ = false;
  // Empty lines before it are no beginning.
  if (!began && parser_.in_head()) idle_since_ = base::SteadyNow();
  if (parser_.wrong()) {
    return Refuse(parser_.too_long() ? http2::Refused::kHeads : http2::Refused::kFrames);
  }
  bytes.remove_prefix(taken);
  if (closing_) return;
  if (!bytes.empty()) {
    ahead_.append(bytes.data(), bytes.size());
    if (!Hold(kept_)) return parts_.socket->Close("no room");
  }
  if (request_ended_ && answer_ended_) RequestOver();
}

// What waited, as far as it need not wait any more.
void ClientSession::FeedAhead() {
  if (closing_ || holds() || feeding_) return;
  if (!ahead_.empty()) {
    const std::string bytes = std::exchange(ahead_, std::string());
    Hold(kept_);
    Feed(bytes);
  }
  if (!holds() && unconsumed_ <= kMaxAhead) parts_.socket->Listen(true);
}

void ClientSession::OnHead(http2::RequestHead head) {
  head.call.peer = parts_.peer;
  request_ended_ = false;
  answer_ended_ = false;
  unconsumed_ = 0;
  last_ = last_ || !parser_.keep_alive();
  current_ = std::make_shared<Exchange>(this, parts_.calls);
  const std::shared_ptr<Exchange> exchange = current_;  // it may be over before this returns
  const bool expects = parser_.expects_continue();
  std::shared_ptr<RequestTaker> taker = (*parts_.take)(std::move(head), exchange);
  if (answer_ended_) return;
  taker_ = std::move(taker);
  if (expects) parts_.socket->Write("HTTP/1.1 100 Continue\r\n\r\n");
}

void ClientSession::OnBody(absl::string_view bytes) {
  if (taker_ == nullptr || answer_ended_) return;
  unconsumed_ += bytes.size();
  taker_->OnBody(bytes);
  if (!answer_ended_ && unconsumed_ > kMaxAhead) parts_.socket->Listen(false);
}

void ClientSession::Consume(size_t bytes) {
  const bool waited = unconsumed_ > kMaxAhead;
  unconsumed_ -= std::min(bytes, unconsumed_);
  if (waited && unconsumed_ <= kMaxAhead && !holds()) parts_.socket->Listen(true);
}

bool ClientSession::Hold(size_t bytes) {
  kept_ = bytes;
  if (held_.Set(kept_ + ahead_.size() + parts_.socket->unsent())) return true;
  parts_.guard->refusals.Count(http2::Refused::kRoom);
  return false;
}

// What the client does not take is kept for it.
void ClientSession::Write(absl::string_view bytes) {
  parts_.socket->Write(bytes);
  if (!Hold(kept_)) parts_.socket->Close("no room");
}

void ClientSession::OnRequestEnd() {
  request_ended_ = true;
  if (taker_ != nullptr && !answer_ended_) taker_->OnBodyEnd();
}

void ClientSession::WriteHead(int status, const Fields& fields, const std::string* body) {
  regard_.OnAnswer(status == HTTP_STATUS_TOO_MANY_REQUESTS);
  // Not before: a request may be on its way, and its client would not know whether it was read.
  if (base::SteadyNow() > old_) last_ = true;
  // Whether a client that was told, or not, to go on sends its body nevertheless is not to be
  // known.
  if (!request_ended_ && parser_.expects_continue()) last_ = true;
  std::string head = absl::StrCat("HTTP/1.1 ", status, " ",
                                  http_status_str(static_cast<http_status>(status)), "\r\n");
  for (const Field& field : fields) {
    const bool sound = std::all_of(field.value.begin(), field.value.end(), [](char c) {
      return static_cast<unsigned char>(c) >= ' ' && c != '\x7f';
    });
    if (sound) absl::StrAppend(&head, field.name, ": ", field.value, "\r\n");
  }
  chunked_ = body == nullptr && parser_.chunks_allowed();
  if (body == nullptr && !chunked_) last_ = true;  // it ends with the connection
  if (chunked_) absl::StrAppend(&head, "transfer-encoding: chunked\r\n");
  if (body != nullptr && status != HTTP_STATUS_NO_CONTENT) {
    absl::StrAppend(&head, "content-length: ", body->size(), "\r\n");
  }
  if (last_) absl::StrAppend(&head, "connection: close\r\n");
  absl::StrAppend(&head, "\r\n");
  if (body != nullptr && !parser_.asks_head()) absl::StrAppend(&head, *body);
  Write(head);
}

void ClientSession::WriteBody(absl::string_view bytes) {
  if (!chunked_) {
    Write(bytes);
  } else {
    Write(absl::StrCat(absl::Hex(bytes.size()), "\r\n", bytes, "\r\n"));
  }
  waits_ = parts_.socket->unsent() != 0;
  if (!waits_) Sent();
}

void ClientSession::Sent() {
  parts_.loop->AtEndOfTurn([self = shared_from_this(), of = current_] {
    if (self->taker_ != nullptr && self->current_ == of && !self->answer_ended_) {
      self->taker_->OnSent();
    }
  });
}

void ClientSession::OnWritten() {
  Hold(kept_);
  // What left may be of the answer before it, or of its head.
  if (std::exchange(waits_, false)) Sent();
  if (!closing_) FeedAhead();
}

void ClientSession::EndAnswer() {
  answer_ended_ = true;
  waits_ = false;
  Hold(0);
  if (chunked_) parts_.socket->Write("0\r\n\r\n");
  chunked_ = false;
  if (const size_t unsent = parts_.socket->unsent(); unsent != 0) {
    take_until_ = base::SteadyNow() + parts_.limits->answer +
                  absl::Seconds(static_cast<double>(unsent) / http2::kAnswerBytesPerSecond);
  }
  // Whoever took the request has said its last word, and is perhaps just saying it.
  parts_.loop->AtEndOfTurn([taker = std::move(taker_)] {});
  taker_.reset();
  if (!request_ended_) {
    linger_until_ = base::SteadyNow() + kLinger;
    parts_.socket->Listen(true);
  } else if (!feeding_) {
    RequestOver();
  }
}

// Both are at their end, the request and its answer.
void ClientSession::RequestOver() {
  current_.reset();
  request_ended_ = false;
  unconsumed_ = 0;
  linger_until_ = absl::InfiniteFuture();
  idle_since_ = base::SteadyNow();
  if (last_) return Close();
  parser_.Next();
  GoOn();
}

// To the next request. Where it is there already others come first, and where there is too much
// they are answered first, as with HTTP/2.
void ClientSession::GoOn() {
  auto next = [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (self == nullptr) return;
    self->resting_ = false;
    self->regard_.GoOn();
    self->FeedAhead();
  };
  if (regard_.Rests()) {
    resting_ = true;
    parts_.socket->Listen(false);
    regard_.Rest(std::move(next));
  } else if (ahead_.empty()) {
    parts_.loop->AtEndOfTurn(std::move(next));
  } else {
    parts_.loop->Post(std::move(next));
  }
}

// What came is no HTTP.
void ClientSession::Refuse(http2::Refused what) {
  if (closing_) return;
  parts_.guard->refusals.Count(what);
  if (current_ == nullptr) {
    parts_.socket->Write(
        "HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
  } else if (taker_ != nullptr && !answer_ended_) {
    current_->Detach();
    const std::shared_ptr<RequestTaker> taker = std::move(taker_);
    taker->OnCancel();
  }
  Close();
}

void ClientSession::Close() {
  closing_ = true;
  parts_.socket->CloseWhenSent();
}

void ClientSession::OnTick(absl::Time now) {
  if (const size_t unsent = parts_.socket->unsent(); unsent == 0 || unsent != unsent_) {
    moved_ = now;
    unsent_ = unsent;
  }
  if (unsent_ == 0) take_until_ = absl::InfiniteFuture();
  if (now > moved_ + parts_.limits->ping_after + parts_.limits->ping_answer) {
    return parts_.socket->Close("silent");
  }
  const absl::Duration patience =
      parts_.limits->answer +
      absl::Seconds(static_cast<double>(unsent_) / http2::kAnswerBytesPerSecond);
  if (now > parts_.socket->stuck_since() + patience || now > take_until_) {
    parts_.guard->refusals.Count(http2::Refused::kAnswers);
    return parts_.socket->Close("takes no answer");
  }
  if (closing_) return;
  if (current_ == nullptr) {
    const absl::Duration limit =
        parser_.in_head() || parser_.fresh()
            ? parts_.limits->handshake
            : std::min(parts_.limits->idle, parts_.limits->ping_after + parts_.limits->ping_answer);
    if (now <= idle_since_ + limit) return;
    if (parser_.in_head() || parser_.fresh()) {
      parts_.guard->refusals.Count(http2::Refused::kSilence);
    }
    parts_.socket->Close("");
    return;
  }
  if (now > linger_until_) return parts_.socket->Close("still sends when it has its answer");
  if (taker_ != nullptr && !answer_ended_) {
    const std::shared_ptr<RequestTaker> taker = taker_;
    taker->OnTick(now);
  }
}

void ClientSession::GoAway() {
  last_ = true;
  if (current_ == nullptr) Close();
}

void ClientSession::End(const http2::Answer& answer) {
  last_ = true;
  if (taker_ != nullptr && !answer_ended_) {
    const std::shared_ptr<RequestTaker> taker = taker_;
    taker->Abort(answer);
  }
  Close();
}

void ClientSession::OnClosed() {
  closing_ = true;
  if (current_ != nullptr) current_->Detach();
  if (taker_ == nullptr || answer_ended_) return;
  const std::shared_ptr<RequestTaker> taker = std::move(taker_);
  taker->OnCancel();
}

}  // namespace

std::shared_ptr<http2::Session> MakeSession(SessionParts parts) {
  return std::make_shared<ClientSession>(std::move(parts));
}

}  // namespace nisi::http1
