#include "services/gateway/web_call.h"

#include <utility>

#include "common/rpc/answer.h"
#include "services/gateway/transcode.h"

namespace nisi::gateway {

WebCall::WebCall(WebRequest request) : request_(std::move(request)) {}

bool WebCall::Begin(http2::CallHead head) {
  std::shared_ptr<ForwardedCall> call = ForwardedCall::Take(
      request_.hub, request_.ways, std::move(head), shared_from_this(), request_.trace);
  if (over_ || call == nullptr) return false;
  call_ = std::move(call);
  return true;
}

void WebCall::OnSent() {
  if (!over_) call_->OnSent();
}

void WebCall::OnTick(absl::Time now) {
  // Kept: what it says may end the call.
  const std::shared_ptr<ForwardedCall> call = call_;
  if (!over_) call->OnTick(now);
}

void WebCall::Abort(const http2::Answer& answer) {
  const std::shared_ptr<ForwardedCall> call = call_;
  if (over_) return;
  End(nullptr, rpc::WithTrace(answer, request_.trace.id()));
  if (call != nullptr) call->OnCancel();
}

void WebCall::OnCancel() {
  if (over_.exchange(true)) return;
  const std::shared_ptr<ForwardedCall> call = std::exchange(call_, nullptr);
  if (call != nullptr) call->OnCancel();
}

void WebCall::Send(std::string message) {
  request_.ways->loop()->Run([self = shared_from_this(), message = std::move(message)]() mutable {
    if (!self->over_) self->Say(std::move(message));
  });
}

void WebCall::Finish(http2::Answer answer) {
  request_.ways->loop()->Run(
      [self = shared_from_this(), answer = std::move(answer)] { self->End(nullptr, answer); });
}

void WebCall::Reply(std::string message, http2::Answer answer) {
  request_.ways->loop()->Run(
      [self = shared_from_this(), message = std::move(message),
       answer = std::move(answer)]() mutable { self->End(&message, answer); });
}

void WebCall::End(std::string* message, const http2::Answer& answer) {
  if (over_.exchange(true)) return;
  (void)request_.responder->Hold(
      0);  // the request has served its purpose: its room is the answer's
  Conclude(message, answer);
  // Later: it may be what is just calling.
  request_.ways->loop()->AtEndOfTurn([call = std::exchange(call_, nullptr)] {});
}

bool WebCall::Keep(size_t bytes) {
  if (request_.responder->Hold(bytes)) return true;
  const std::shared_ptr<ForwardedCall> call = call_;
  call->OnFault(http2::Fault::kNoRoom);
  return false;
}

bool WebCall::Decode(std::string* message) {
  if (!request_.json || request_.method == nullptr) return true;
  absl::StatusOr<std::string> bytes = FromJson(*request_.method->input_type(), std::move(*message));
  if (!bytes.ok()) {
    const std::shared_ptr<ForwardedCall> call = call_;
    call->Abort(bytes.status());
    return false;
  }
  *message = *std::move(bytes);
  return true;
}

http2::Answer WebCall::NoMessage() const {
  return rpc::ToAnswer(absl::InternalError(""), request_.trace.id());
}

bool WebCall::Encode(std::string* message) const {
  if (!request_.json) return true;
  absl::StatusOr<std::string> text = ToJson(*request_.method->output_type(), *message);
  if (!text.ok()) return false;
  *message = *std::move(text);
  return true;
}

}  // namespace nisi::gateway
