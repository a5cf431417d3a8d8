#include "common/http2/client_call.h"

#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/http2/client_connection.h"

namespace nisi::http2 {
namespace {

// Names and values of all that is no message.
constexpr size_t kMaxFields = 256 << 10;
constexpr char kNotOne[] = "The service answered with another number of messages than one.";

}  // namespace

void ClientCall::Begin(ClientConnection* connection, int32_t id) {
  connection_ = connection;
  id_ = id;
}

void ClientCall::OnMessage(std::string message) {
  if (over()) return;
  out_.Push(message);
  Resume();
}

void ClientCall::OnEnd() {
  ended_ = true;
  Resume();
}

void ClientCall::OnSent() {
  if (over()) return;
  ready_ = true;
  Deliver();
}

void ClientCall::OnCancel() {
  replier_.reset();
  // Its stream may go on for as long as the service takes nothing.
  out_.Clear();
  sent_.clear();
  messages_.Clear();
  if (connection_ != nullptr) connection_->Reset(id_);
}

void ClientCall::Resume() {
  if (connection_ == nullptr || !std::exchange(waiting_, false)) return;
  connection_->ResumeData(id_);
}

ssize_t ClientCall::Read(uint8_t* room, size_t size, uint32_t* flags) {
  const bool some = !out_.empty();
  // Of a stream that goes on nothing is kept: it may be long.
  if (some && !ended_) kept_ = false;
  const size_t given = out_.Take(room, size, ended_ ? &sent_ : nullptr);
  if (!out_.empty()) return static_cast<ssize_t>(given);
  if (ended_) {
    *flags |= NGHTTP2_DATA_FLAG_EOF;
    return static_cast<ssize_t>(given);
  }
  if (some && !over()) {
    connection_->AtEndOfTurn([self = shared_from_this()] {
      if (!self->over()) self->replier_->Ready();
    });
  }
  if (given > 0) return static_cast<ssize_t>(given);
  waiting_ = true;
  return NGHTTP2_ERR_DEFERRED;
}

bool ClientCall::Rewind() {
  if (over() || !ended_ || !kept_ || answered_ || std::exchange(rewound_, true)) return false;
  out_.PutBack(std::exchange(sent_, {}));
  waiting_ = false;
  connection_ = nullptr;
  return true;
}

bool ClientCall::RewindLost() {
  if (again_ != Again::kIfLost || !fault_.empty()) return false;
  if (answers_ == Answers::kOne) {
    // What came of its answer went nowhere.
    answered_ = false;
    answer_ = Answer();
    fields_ = 0;
    status_.reset();
    messages_.Clear();
    reader_ = MessageReader(max_message_bytes_);
  }
  return Rewind();
}

void ClientCall::OnField(absl::string_view name, absl::string_view value) {
  answered_ = true;
  if (!fault_.empty()) return;
  fields_ += name.size() + value.size();
  if (fields_ > kMaxFields) {
    fault_ = "The service said too much beside its answer.";
    return connection_->Reset(id_);
  }
  int code = 0;
  if (name == ":status") {
    http_status_ = std::string(value);
  } else if (name == "grpc-status") {
    status_ = absl::SimpleAtoi(value, &code) ? code : static_cast<int>(absl::StatusCode::kUnknown);
  } else if (name == "grpc-message") {
    answer_.text = UnescapeMessage(value);
  } else if (name == "grpc-status-details-bin") {
    answer_.details = DecodeBinary(value).value_or("");
  } else if (name == "grpc-encoding") {
    if (value != "identity") fault_ = "The service compressed its answer.";
  } else if (name.front() != ':' && name != "content-type" && name != "grpc-accept-encoding") {
    answer_.trailers.AddFromWire(name, value);
  }
}

void ClientCall::OnData(absl::string_view bytes) {
  answered_ = true;
  if (over() || !fault_.empty()) return connection_->Consume(id_, bytes.size());
  if (const Fault fault = reader_.Push(bytes, &messages_); fault != Fault::kNone) {
    fault_ = fault == Fault::kCompressed ? "The service compressed its answer."
                                         : "The answer of the service is too large.";
  } else if (answers_ == Answers::kOne && messages_.size() > 1) {
    fault_ = kNotOne;
  }
  if (!fault_.empty()) return connection_->Reset(id_);
  if (ready_ || answers_ == Answers::kOne) {
    connection_->Consume(id_, bytes.size());
  } else {
    withheld_.Keep(bytes.size());
  }
  Deliver();
}

void ClientCall::Consume(size_t bytes) {
  if (connection_ != nullptr) connection_->Consume(id_, bytes);
}

void ClientCall::Deliver() {
  if (over() || answers_ == Answers::kOne) return;
  if (ready_ && !messages_.empty()) {
    ready_ = false;
    std::string message = messages_.Pop();
    Consume(withheld_.GiveFor(message.size()));
    return replier_->Send(std::move(message));
  }
  if (ready_) Consume(withheld_.GiveAll());
  if (closed_ && messages_.empty() && ready_) End();
}

void ClientCall::OnStreamClosed(uint32_t error) {
  connection_ = nullptr;
  closed_ = true;
  if (over()) return;
  if (!fault_.empty()) {
    status_ = static_cast<int>(absl::StatusCode::kInternal);
    answer_.text = fault_;
    answer_.details.clear();
    messages_.Clear();
  } else if (!status_.has_value()) {
    status_ = static_cast<int>(absl::StatusCode::kUnavailable);
    answer_.text = absl::StrCat("The stream ended without a status: HTTP ", http_status_, ", ",
                                nghttp2_http2_strerror(error));
  }
  answer_.code = static_cast<absl::StatusCode>(*status_);
  if (answers_ == Answers::kOne || answer_.code != absl::StatusCode::kOk) return End();
  Deliver();
}

void ClientCall::Fail(absl::string_view why) {
  connection_ = nullptr;
  if (over()) return;
  closed_ = true;
  answer_ = {absl::StatusCode::kUnavailable, std::string(why), "", {}};
  End();
}

void ClientCall::End() {
  const std::shared_ptr<Replier> replier = std::move(replier_);
  replier_.reset();
  if (answer_.code != absl::StatusCode::kOk || answers_ == Answers::kMany) {
    return replier->Finish(std::move(answer_));
  }
  if (messages_.size() != 1) {
    return replier->Finish({absl::StatusCode::kInternal, kNotOne, "", {}});
  }
  replier->Reply(messages_.Pop(), std::move(answer_));
}

}  // namespace nisi::http2
