#include "common/http2/server_call.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/steady.h"
#include "common/http2/head_reader.h"
#include "common/http2/server_connection.h"

namespace nisi::http2 {
namespace {

constexpr absl::string_view kContentType = "application/grpc";

// The trailers of an answer in the form of the wire.
class Trailers {
 public:
  explicit Trailers(const Answer& answer) {
    Add("grpc-status", absl::StrCat(static_cast<int>(answer.code)));
    if (!answer.text.empty()) Add("grpc-message", EscapeMessage(answer.text));
    if (!answer.details.empty()) {
      new_.push_back({"grpc-status-details-bin", EncodeBinary(answer.details)});
    }
    for (const Field& field : answer.trailers) new_.push_back({field.name, field.WireValue()});
  }
  void AppendTo(std::vector<nghttp2_nv>* out) const {
    for (const Field& field : fields_) out->push_back(ViewOf(field.name, field.value));
    for (const Field& field : new_) out->push_back(ViewOfNew(field.name, field.value));
  }

 private:
  void Add(absl::string_view name, std::string value) {
    fields_.push_back({std::string(name), std::move(value)});
  }
  std::vector<Field> fields_;
  std::vector<Field> new_;  // such as no other call has
};

}  // namespace

ServerCall::ServerCall(ServerConnection* connection, int32_t id, const Serving& shared,
                       std::shared_ptr<Source> source)
    : connection_(connection),
      loop_(shared.loop),
      id_(id),
      shared_(shared),
      limits_(shared.limits),
      count_(shared.calls),
      held_(shared.guard->room, std::move(source)),
      reader_(limits_.max_message_bytes) {
  count_->Up();
}

ServerCall::~ServerCall() {
  count_->Down();
}

void ServerCall::OnHead(RequestHead head, const TakeCall& take) {
  if (head.method != "POST") return RefuseHttp("405");
  if (!IsGrpc(head.content_type)) return RefuseHttp("415");
  if (head.call.fault == Fault::kNone && !head.encoding.empty() && head.encoding != "identity") {
    head.call.fault = Fault::kCompressed;
  }
  compressed_ = head.call.fault == Fault::kCompressed;
  if (!Hold()) head.call.fault = Fault::kNoRoom;
  taker_ = take(std::move(head.call), shared_from_this());
}

void ServerCall::OnData(absl::string_view bytes) {
  if (taker_ == nullptr || finished_ || fault_ != Fault::kNone) {
    return connection_->Consume(id_, bytes.size());
  }
  fault_ = reader_.Push(bytes, &messages_);
  compressed_ = compressed_ || fault_ == Fault::kCompressed;
  if (!Hold()) {
    connection_->Consume(id_, bytes.size());
    return Abort(shared_.no_room);
  }
  // Who does not take messages lets the client wait.
  if (ready_) {
    connection_->Consume(id_, bytes.size());
  } else {
    withheld_.Keep(bytes.size());
  }
  Deliver();
}

void ServerCall::OnRequestEnd() {
  request_ended_ = true;
  if (fault_ == Fault::kNone && !reader_.at_border()) fault_ = Fault::kMessageCutShort;
  Deliver();
}

void ServerCall::Deliver() {
  delivering_ = true;  // OnMessage may say Ready at once
  while (taker_ != nullptr && !finished_ && ready_ && !messages_.empty()) {
    ready_ = false;
    std::string message = messages_.Pop();
    taken_ = message.size();
    connection_->Consume(id_, withheld_.GiveFor(taken_));
    taker_->OnMessage(std::move(message));
  }
  delivering_ = false;
  if (ready_) connection_->Consume(id_, withheld_.GiveAll());
  if (taker_ == nullptr || finished_ || !ready_ || end_delivered_) return;
  if (!request_ended_ && fault_ == Fault::kNone) return;
  end_delivered_ = true;
  if (fault_ != Fault::kNone) return taker_->OnFault(fault_);
  taker_->OnEnd();
}

void ServerCall::OnStreamClosed() {
  if (narrows_) connection_->OnNarrowingEnds();
  connection_ = nullptr;
  messages_.Clear();
  out_.Clear();
  held_.Set(0);
  if (!finished_) {
    cancelled_.store(true, std::memory_order_relaxed);
    if (taker_ != nullptr) taker_->OnCancel();
  }
  taker_.reset();
}

void ServerCall::OnTick(absl::Time now) {
  if (taker_ != nullptr && !finished_) taker_->OnTick(now);
  if (connection_ == nullptr) return;
  const bool late =
      finished_ ? now > take_until_ : progress_.Stands(!out_.empty(), now, limits_.progress);
  if (!late) return;
  take_until_ = absl::InfiniteFuture();
  // Now, as the frame that says so may have to wait for the client too.
  out_.Clear();
  Hold();
  shared_.guard->refusals.Count(Refused::kAnswers);
  nghttp2_submit_rst_stream(connection_->session(), NGHTTP2_FLAG_NONE, id_, NGHTTP2_CANCEL);
  connection_->FlushSoon();
}

bool ServerCall::Hold() {
  const size_t bytes = kStreamBytes + taken_ + reader_.bytes() + messages_.bytes() + out_.bytes();
  if (held_.Set(bytes)) return true;
  shared_.guard->refusals.Count(Refused::kRoom);
  taken_ = 0;
  messages_.Clear();
  reader_ = MessageReader(limits_.max_message_bytes);
  out_.Clear();
  held_.Set(0);
  return false;
}

void ServerCall::Send(std::string message) {
  loop_->Run([self = shared_from_this(), message = std::move(message)] {
    if (!self->Queue(message)) return self->Abort(self->shared_.no_room);
    if (!self->finished_) self->Resume();
  });
}

void ServerCall::Finish(Answer answer) {
  loop_->Run([self = shared_from_this(), answer = std::move(answer)]() mutable {
    self->End(std::move(answer));
  });
}

void ServerCall::Reply(std::string message, Answer answer) {
  loop_->Run([self = shared_from_this(), message = std::move(message),
              answer = std::move(answer)]() mutable {
    self->taken_ = 0;  // the request has served its purpose
    if (!self->Queue(message)) return self->Abort(self->shared_.no_room);
    self->End(std::move(answer));
  });
}

void ServerCall::Ready() {
  loop_->Run([self = shared_from_this()] {
    self->ready_ = true;
    if (self->connection_ == nullptr || self->finished_) return;
    if (!self->delivering_) self->Deliver();
  });
}

bool ServerCall::Queue(const std::string& message) {
  if (connection_ == nullptr || finished_) return true;
  out_.Push(message);
  return Hold();
}

void ServerCall::Narrow(double part) {
  if (connection_ == nullptr || std::exchange(narrows_, true)) return;
  connection_->Narrow(part, base::SteadyNow());
}

void ServerCall::End(Answer answer) {
  if (connection_ == nullptr || finished_) return;
  finished_ = true;
  Conclude(std::move(answer));
}

void ServerCall::Abort(const Answer& answer) {
  if (connection_ == nullptr || finished_) return;
  finished_ = true;  // what its taker says from here on comes too late
  cancelled_.store(true, std::memory_order_relaxed);
  const std::shared_ptr<Taker> taker = taker_;
  Conclude(taker == nullptr ? answer : taker->OnEnded(answer));
}

void ServerCall::Conclude(Answer answer) {
  answer_ = std::move(answer);
  connection_->OnAnswer(answer_.code == absl::StatusCode::kResourceExhausted);
  taken_ = 0;
  messages_.Clear();
  take_until_ = base::SteadyNow() + limits_.answer +
                absl::Seconds(static_cast<double>(out_.bytes()) / kAnswerBytesPerSecond);
  // Whoever took the call has said its last word.
  loop_->AtEndOfTurn([self = shared_from_this()] { self->taker_.reset(); });
  if (!head_sent_ && out_.empty()) return SendOnlyTrailers();
  Resume();
}

void ServerCall::RefuseHttp(absl::string_view status) {
  finished_ = true;
  const nghttp2_nv field = ViewOf(":status", status);
  nghttp2_submit_response(connection_->session(), id_, &field, 1, nullptr);
  connection_->FlushSoon();
}

void ServerCall::SendHead() {
  const std::array<nghttp2_nv, 2> fields{ViewOf(":status", "200"),
                                         ViewOf("content-type", kContentType)};
  nghttp2_data_provider body{};
  body.source.ptr = this;
  body.read_callback = [](nghttp2_session*, int32_t, uint8_t* room, size_t size, uint32_t* flags,
                          nghttp2_data_source* source, void*) {
    return static_cast<ServerCall*>(source->ptr)->Read(room, size, flags);
  };
  head_sent_ = true;
  nghttp2_submit_response(connection_->session(), id_, fields.data(), fields.size(), &body);
}

void ServerCall::SendOnlyTrailers() {
  std::vector<nghttp2_nv> fields{ViewOf(":status", "200"), ViewOf("content-type", kContentType)};
  // What it may send instead: grpc/doc/compression.md.
  if (compressed_) fields.push_back(ViewOf("grpc-accept-encoding", "identity"));
  const Trailers trailers(answer_);
  trailers.AppendTo(&fields);
  head_sent_ = true;
  nghttp2_submit_response(connection_->session(), id_, fields.data(), fields.size(), nullptr);
  connection_->FlushSoon();
}

void ServerCall::Resume() {
  if (connection_ == nullptr) return;
  if (!head_sent_) {
    SendHead();
  } else if (std::exchange(waiting_, false)) {
    nghttp2_session_resume_data(connection_->session(), id_);
  }
  connection_->FlushSoon();
}

// nghttp2 asks for what comes next of the body.
ssize_t ServerCall::Read(uint8_t* room, size_t size, uint32_t* flags) {
  const bool some = !out_.empty();
  const size_t given = out_.Take(room, size, nullptr);
  progress_.OnTaken();
  Hold();
  if (!out_.empty()) return static_cast<ssize_t>(given);
  if (finished_) {
    *flags |= NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
    std::vector<nghttp2_nv> fields;
    const Trailers trailers(answer_);
    trailers.AppendTo(&fields);
    nghttp2_submit_trailer(connection_->session(), id_, fields.data(), fields.size());
    return static_cast<ssize_t>(given);
  }
  if (some) {
    loop_->AtEndOfTurn([self = shared_from_this()] {
      if (self->taker_ != nullptr && !self->finished_) self->taker_->OnSent();
    });
  }
  if (given > 0) return static_cast<ssize_t>(given);
  waiting_ = true;
  return NGHTTP2_ERR_DEFERRED;
}

}  // namespace nisi::http2
