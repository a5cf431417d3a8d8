#include "services/gateway/web_call.h"

#include <utility>

#include "common/base/status.h"
#include "common/rpc/answer.h"
#include "services/gateway/transcode.h"

namespace nisi::gateway {

WebCall::WebCall(WebRequest request) : request_(std::move(request)) {}

bool WebCall::Begin(http2::CallHead head) {
  Taken taken = TakeCall(request_.hub, request_.ways, std::move(head), shared_from_this());
  if (over_ || taken.taker == nullptr) return false;
  taken_ = std::move(taken);
  return true;
}

void WebCall::OnSent() {
  if (!over_) taken_.taker->OnSent();
}

void WebCall::OnTick(absl::Time now) {
  // Kept: what it says may end the call.
  const std::shared_ptr<http2::Taker> taker = taken_.taker;
  if (!over_) taker->OnTick(now);
}

void WebCall::Abort(const http2::Answer& answer) {
  const std::shared_ptr<http2::Taker> taker = taken_.taker;
  if (over_) return;
  End(nullptr, answer);
  if (taker != nullptr) taker->OnCancel();
}

void WebCall::OnCancel() {
  if (over_.exchange(true)) return;
  const std::shared_ptr<http2::Taker> taker = std::exchange(taken_, {}).taker;
  if (taker != nullptr) taker->OnCancel();
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
  Conclude(message, answer);
  // Later: it may be what is just calling.
  request_.ways->loop()->AtEndOfTurn([taker = std::exchange(taken_, {}).taker] {});
}

bool WebCall::Keep(size_t bytes) {
  constexpr absl::Duration kRetry = absl::Seconds(1);
  if (request_.responder->Hold(bytes)) return true;
  Abort(rpc::ToAnswer(base::Overloaded("bytes", kRetry)));
  return false;
}

bool WebCall::Decode(std::string* message) {
  if (!request_.json || request_.method == nullptr) return true;
  absl::StatusOr<std::string> bytes = FromJson(*request_.method->input_type(), std::move(*message));
  if (!bytes.ok()) {
    const Taken taken = taken_;
    taken.Refuse(bytes.status(), this);
    return false;
  }
  *message = *std::move(bytes);
  return true;
}

bool WebCall::Encode(std::string* message) const {
  if (!request_.json) return true;
  absl::StatusOr<std::string> text = ToJson(*request_.method->output_type(), *message);
  if (!text.ok()) return false;
  *message = *std::move(text);
  return true;
}

}  // namespace nisi::gateway
