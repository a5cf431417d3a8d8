#include "services/gateway/framed_call.h"

#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "services/gateway/calls.h"
#include "services/gateway/connect.h"

namespace nisi::gateway {
namespace {

constexpr unsigned char kMessage = 0;
constexpr unsigned char kConnectLast = 0x02;
constexpr unsigned char kGrpcWebLast = 0x80;

// The trailers of gRPC as gRPC-Web writes them: lines of a frame.
std::string GrpcWebEnd(const http2::Answer& answer) {
  std::string lines = absl::StrCat("grpc-status: ", static_cast<int>(answer.code), "\r\n");
  if (!answer.text.empty()) {
    absl::StrAppend(&lines, "grpc-message: ", http2::EscapeMessage(answer.text), "\r\n");
  }
  if (!answer.details.empty()) {
    absl::StrAppend(&lines, "grpc-status-details-bin: ", http2::EncodeBinary(answer.details),
                    "\r\n");
  }
  for (const http2::Field& field : answer.trailers) {
    const std::string value = field.WireValue();
    if (value.find_first_of("\r\n") != std::string::npos) continue;
    absl::StrAppend(&lines, field.name, ": ", value, "\r\n");
  }
  return lines;
}

}  // namespace

std::shared_ptr<http2::RequestTaker> FramedCall::Take(WebRequest request, http2::CallHead head,
                                                      Form form) {
  // A JSON text is bounded as the bytes are; those the call itself bounds, as of gRPC.
  const size_t max_bytes = request.json ? MaxRequestBytes(*request.hub, head.path)
                                        : request.hub->limits.clients.max_message_bytes;
  const auto call = std::make_shared<FramedCall>(std::move(request), form, max_bytes);
  return call->Begin(std::move(head)) ? call : nullptr;
}

FramedCall::FramedCall(WebRequest request, Form form, size_t max_bytes)
    : WebCall(std::move(request)), form_(form), reader_(max_bytes) {}

void FramedCall::OnBody(absl::string_view bytes) {
  if (over() || fault_ != http2::Fault::kNone) return request_.responder->Consume(bytes.size());
  if (form_ == Form::kGrpcWebText) {
    std::string decoded;
    fault_ = base64_.Push(bytes, &decoded) ? reader_.Push(decoded, &messages_)
                                           : http2::Fault::kMessageCutShort;
  } else {
    fault_ = reader_.Push(bytes, &messages_);
  }
  if (!Keep(taken_ + reader_.bytes() + messages_.bytes())) {
    return request_.responder->Consume(bytes.size());
  }
  if (ready_) {
    request_.responder->Consume(bytes.size());
  } else {
    withheld_ += bytes.size();
  }
  Deliver();
}

void FramedCall::OnBodyEnd() {
  ended_ = true;
  if (fault_ == http2::Fault::kNone && (!reader_.at_border() || !base64_.at_border())) {
    fault_ = http2::Fault::kMessageCutShort;
  }
  Deliver();
}

void FramedCall::Ready() {
  request_.ways->loop()->Run([self = std::static_pointer_cast<FramedCall>(shared_from_this())] {
    self->ready_ = true;
    if (self->over()) return;
    self->request_.responder->Consume(std::exchange(self->withheld_, 0));
    if (!self->delivering_) self->Deliver();
  });
}

void FramedCall::Deliver() {
  // Kept: what it says may end the call.
  const std::shared_ptr<ForwardedCall> call = call_;
  delivering_ = true;  // OnMessage may say Ready at once
  while (!over() && ready_ && !messages_.empty()) {
    ready_ = false;
    std::string message = messages_.Pop();
    taken_ = message.size();
    if (Decode(&message)) call->OnMessage(std::move(message));
  }
  delivering_ = false;
  if (over() || !ready_ || end_delivered_) return;
  if (!ended_ && fault_ == http2::Fault::kNone) return;
  end_delivered_ = true;
  if (fault_ != http2::Fault::kNone) return call->OnFault(fault_);
  call->OnEnd();
}

void FramedCall::Write(absl::string_view message, unsigned char flags) {
  constexpr int kOk = 200;  // whatever follows
  if (!std::exchange(started_, true)) {
    http2::Fields fields = request_.fields;
    fields.Add("content-type", request_.content_type);
    request_.responder->Start(kOk, std::move(fields));
  }
  auto prefix = http2::PrefixFor(message.size());
  prefix[0] = static_cast<char>(flags);
  std::string frame = absl::StrCat(absl::string_view(prefix.data(), prefix.size()), message);
  request_.responder->Write(form_ == Form::kGrpcWebText ? absl::Base64Escape(frame)
                                                        : std::move(frame));
}

void FramedCall::Say(std::string message) {
  if (Encode(&message)) return Write(message, kMessage);
  Abort(NoMessage());
}

void FramedCall::Conclude(std::string* message, const http2::Answer& answer) {
  if (message != nullptr) {
    if (!Encode(message)) return Conclude(nullptr, NoMessage());
    Write(*message, kMessage);
  }
  if (form_ == Form::kConnect) {
    Write(ConnectEnd(answer), kConnectLast);
  } else {
    Write(GrpcWebEnd(answer), kGrpcWebLast);
  }
  request_.responder->End();
}

}  // namespace nisi::gateway
