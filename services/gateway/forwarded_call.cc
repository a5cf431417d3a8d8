#include "services/gateway/forwarded_call.h"

#include <utility>

#include "common/base/log.h"
#include "common/base/status.h"
#include "common/base/steady.h"
#include "common/rpc/answer.h"
#include "common/rpc/call_context.h"
#include "common/rpc/call_errors.h"
#include "common/rpc/limits.h"
#include "services/gateway/errors.h"

namespace nisi::gateway {
namespace {

// Within which the first message of a stream is whole; that of another call, within its deadline.
constexpr absl::Duration kFirstMessage = absl::Seconds(30);
// How often a stream's caller is looked at again: as often as files with keys are.
constexpr absl::Duration kIdentityLook = absl::Seconds(1);

// What did not come from the service as it is: a connection that was lost, a server that has no
// such method. Services put details on all that they refuse.
absl::Status MadeHere(const http2::Answer& answer, absl::string_view owner) {
  if (answer.code == absl::StatusCode::kOk || !answer.details.empty()) {
    return absl::OkStatus();
  }
  switch (answer.code) {
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kCancelled:  // not by us: the backend closed
    case absl::StatusCode::kUnknown:
      return BackendUnavailable(owner);
    case absl::StatusCode::kDeadlineExceeded:
      return DeadlineExceeded();
    case absl::StatusCode::kUnimplemented:
      return rpc::MethodUnknown();
    default:
      return absl::Status(answer.code, "The service failed.");
  }
}

// Failures that are the house's, not the caller's. What a service failed with it has logged itself.
bool IsOurs(const absl::Status& status) {
  return absl::IsUnavailable(status) || absl::IsInternal(status) || absl::IsUnknown(status) ||
         absl::IsDataLoss(status);
}

}  // namespace

std::shared_ptr<ForwardedCall> ForwardedCall::Take(Hub* hub, Ways* ways, http2::CallHead head,
                                                   std::shared_ptr<http2::Replier> client,
                                                   Trace trace) {
  auto call = std::make_shared<ForwardedCall>(hub, ways, std::move(head), std::move(client),
                                              std::move(trace));
  if (const absl::Status found = call->FindRoute(); !found.ok()) {
    call->Refuse(found);
    return nullptr;
  }
  if (const absl::Status admitted = call->Admit(); !admitted.ok()) {
    call->Refuse(admitted);
    return nullptr;
  }
  if (!hub->memory.HasRoomFor(call->admitted_.rank)) {
    call->RefuseBusy();
    return nullptr;
  }
  call->KeepIdentity();
  return call;
}

ForwardedCall::ForwardedCall(Hub* hub, Ways* ways, http2::CallHead head,
                             std::shared_ptr<http2::Replier> client, Trace trace)
    : hub_(hub),
      ways_(ways),
      head_(std::move(head)),
      client_(std::move(client)),
      began_(base::SteadyNow()),
      trace_(std::move(trace)) {
  ++hub_->live;
}

ForwardedCall::~ForwardedCall() {
  Over(absl::StatusCode::kCancelled);
}

absl::Status ForwardedCall::FindRoute() {
  const absl::StatusOr<const Route*> route = hub_->routes->Find(head_.path);
  if (route.ok()) {
    route_ = *route;
  }
  hub_->metrics[route_ == nullptr ? hub_->metrics.size() - 1 : route_->index].Started();
  RETURN_IF_ERROR(route.status());
  return rpc::RefusalOf(head_.fault, route_->policy.max_request_bytes, kMaxMetadataBytes);
}

absl::Status ForwardedCall::Admit() {
  deadline_ = rpc::DeadlineFor(route_->policy, head_.deadline, began_);
  if (deadline_ <= began_) {
    return DeadlineExceeded();
  }
  ASSIGN_OR_RETURN(admitted_,
                   hub_->admission->Admit(*route_, head_, began_, ways_->recent_callers()));
  return absl::OkStatus();
}

// Of its metadata, which may be large, nobody looks at more again.
void ForwardedCall::KeepIdentity() {
  http2::Fields kept;
  if (route_->kind.server_streaming && !admitted_.identity->anonymous()) {
    kept = IdentityIn(head_.fields);
    next_look_ = began_ + kIdentityLook;
  }
  head_.fields = std::move(kept);
}

bool ForwardedCall::TakeStream() {
  if (!hub_->streams->Take(admitted_.caller, admitted_.rank)) {
    RefuseBusy();
    return false;
  }
  counted_ = true;
  return true;
}

void ForwardedCall::Enter() {
  const auto on_turn = [self = shared_from_this()](Capacity::Turn turn) {
    self->ways_->loop()->Post([self, turn] { self->OnTurn(turn); });
  };
  const absl::Time now = base::SteadyNow();
  switch (capacity().Enter(admitted_.caller, admitted_.rank, now, on_turn, &waiting_)) {
    case Capacity::Entry::kRefused:
      return RefuseBusy();
    case Capacity::Entry::kWaits:
      waits_until_ = now + hub_->limits.wait;
      if (waiting_->fits < 1) client_->Narrow(waiting_->fits);
      return;
    case Capacity::Entry::kIn:
      counted_ = true;
      forwarded_ = now;
      return ForwardMessage();
  }
}

void ForwardedCall::OnTurn(Capacity::Turn turn) {
  waiting_.reset();
  if (turn == Capacity::Turn::kRefused) {
    return RefuseBusy();
  }
  const absl::Time now = base::SteadyNow();
  if (over_) {
    return capacity().Give(admitted_.caller, route_->index, absl::ZeroDuration(), false, now);
  }
  waits_until_ = absl::InfiniteFuture();
  counted_ = true;
  forwarded_ = now;
  if (now >= deadline_) {  // nobody waits for it any more
    return Refuse(DeadlineExceeded());
  }
  ForwardMessage();
}

void ForwardedCall::ForwardMessage() {
  Forward();
  // Kept: what it calls may end the call.
  const std::shared_ptr<http2::Taker> service = service_;
  if (service == nullptr) {
    return;
  }
  service->OnMessage(*std::exchange(message_, std::nullopt));
  service->OnEnd();
}

void ForwardedCall::OnMessage(std::string message) {
  if (over_) {
    return;
  }
  if (message.size() > route_->policy.max_request_bytes) {
    return Abort(rpc::MessageTooLarge(route_->policy.max_request_bytes));
  }
  if (route_->kind.client_streaming) {
    if (!counted_ && TakeStream()) {
      Forward();
    }
    if (service_ != nullptr) {
      service_->OnMessage(std::move(message));
    }
    return;
  }
  if (message_.has_value()) {
    return Refuse(rpc::MessageCount());
  }
  message_ = std::move(message);
  client_->Ready();
}

void ForwardedCall::OnEnd() {
  if (over_) {
    return;
  }
  if (!route_->kind.client_streaming) {
    if (!message_.has_value()) {
      return Refuse(rpc::MessageCount());
    }
    if (!route_->kind.streaming()) {
      return Enter();
    }
    if (TakeStream()) {
      ForwardMessage();
    }
    return;
  }
  if (!counted_ && TakeStream()) {
    Forward();
  }
  if (const std::shared_ptr<http2::Taker> service = service_; service != nullptr) {
    service->OnEnd();
  }
}

void ForwardedCall::OnFault(http2::Fault fault) {
  Abort(rpc::RefusalOf(fault, route_->policy.max_request_bytes));
}

void ForwardedCall::Forward() {
  http2::CallHead head;
  head.path = head_.path;
  head.deadline = deadline_;
  head.peer = head_.peer;
  head.fields.Add(rpc::kCallContextKey,
                  hub_->admission->ContextOf(admitted_, *head_.peer, ways_->recent_callers()));
  head.fields.Add("traceparent", trace_.traceparent);
  if (!trace_.tracestate.empty()) {
    head.fields.Add("tracestate", trace_.tracestate);
  }
  service_ = ways_->Take(admitted_.owner, std::move(head),
                         route_->kind.server_streaming ? http2::ClientCall::Answers::kMany
                                                       : http2::ClientCall::Answers::kOne,
                         route_->policy.mutation ? http2::ClientCall::Again::kIfUnseen
                                                 : http2::ClientCall::Again::kIfLost,
                         shared_from_this());
}

void ForwardedCall::OnSent() {
  if (service_ != nullptr && !over_) {
    service_->OnSent();
  }
}

void ForwardedCall::OnTick(absl::Time now) {
  if (over_) {
    return;
  }
  if (now >= absl::FromUnixNanos(hub_->abort_at_ns) ||
      (hub_->draining && route_->kind.server_streaming)) {
    return Abort(rpc::ShuttingDown());
  }
  if (now >= deadline_ ||
      (service_ == nullptr && route_->kind.streaming() && now >= began_ + kFirstMessage)) {
    return Abort(DeadlineExceeded());
  }
  if (now >= waits_until_) {
    return RefuseBusy();
  }
  if (now >= next_look_) {
    next_look_ = now + kIdentityLook;
    const absl::Status still = hub_->admission->CheckStill(head_, *admitted_.identity);
    if (!still.ok()) return Abort(still);
  }
  if (service_ != nullptr) {
    service_->OnTick(now);
  }
}

void ForwardedCall::OnCancel() {
  const std::shared_ptr<http2::Taker> service = service_;
  Over(absl::StatusCode::kCancelled);
  if (service != nullptr) {
    service->OnCancel();
  }
}

http2::Answer ForwardedCall::OnEnded(const http2::Answer& answer) {
  const std::shared_ptr<http2::Taker> service = service_;
  const absl::Status status = rpc::FromAnswer(answer);
  if (!over_) LogFailed(status);
  Over(status.code());
  if (service != nullptr) {
    service->OnCancel();
  }
  return rpc::WithTrace(answer, trace_.id());
}

void ForwardedCall::Abort(const absl::Status& status) {
  const std::shared_ptr<http2::Taker> service = service_;
  Refuse(status);
  if (service != nullptr) {
    service->OnCancel();
  }
}

void ForwardedCall::Refuse(const absl::Status& status) {
  if (over_) {
    return;
  }
  LogFailed(status);
  Over(status.code());
  client_->Finish(rpc::ToAnswer(status, trace_.id()));
}

void ForwardedCall::LogFailed(const absl::Status& status) const {
  if (!IsOurs(status)) {
    return;
  }
  base::Log(base::Severity::kError, "call_failed",
            {{"method", head_.path},
             {"code", absl::StatusCodeToString(status.code())},
             {"reason", base::ReasonOf(status)},
             {"trace", trace_.id()}});
}

void ForwardedCall::RefuseBusy() {
  if (over_) {
    return;
  }
  ++hub_->refused[static_cast<size_t>(admitted_.rank)];
  Over(absl::StatusCode::kResourceExhausted);
  client_->Finish(hub_->busy.Answer(trace_.id()));
}

void ForwardedCall::Send(std::string message) {
  ways_->loop()->Run([self = shared_from_this(), message = std::move(message)]() mutable {
    if (!self->over_) {
      self->client_->Send(std::move(message));
    }
  });
}

void ForwardedCall::Finish(http2::Answer answer) {
  ways_->loop()->Run([self = shared_from_this(), answer = std::move(answer)]() mutable {
    self->Answered(std::nullopt, std::move(answer));
  });
}

void ForwardedCall::Reply(std::string message, http2::Answer answer) {
  ways_->loop()->Run([self = shared_from_this(), message = std::move(message),
                      answer = std::move(answer)]() mutable {
    self->Answered(std::move(message), std::move(answer));
  });
}

void ForwardedCall::Answered(std::optional<std::string> message, http2::Answer answer) {
  if (over_) {
    return;
  }
  if (const absl::Status made = MadeHere(answer, admitted_.owner); !made.ok()) {
    return Refuse(made);
  }
  Over(answer.code);
  if (message.has_value()) {
    client_->Reply(*std::move(message), std::move(answer));
  } else {
    client_->Finish(std::move(answer));
  }
}

void ForwardedCall::Ready() {
  // Of a method that takes one message, the gateway has asked for more already.
  if (route_->kind.client_streaming) {
    client_->Ready();
  }
}

bool ForwardedCall::cancelled() const {
  return over_ || client_->cancelled();
}

void ForwardedCall::Over(absl::StatusCode code) {
  if (over_.exchange(true)) {
    return;
  }
  --hub_->live;
  if (waiting_ != nullptr) {
    capacity().Leave(*waiting_);  // or OnTurn comes, and finds it over
  }
  const absl::Time now = base::SteadyNow();
  if (counted_) {
    if (route_->kind.streaming()) {
      hub_->streams->Give(admitted_.caller);
    } else {
      capacity().Give(admitted_.caller, route_->index, now - forwarded_,
                      code == absl::StatusCode::kOk, now);
    }
  }
  const size_t index = route_ == nullptr ? hub_->metrics.size() - 1 : route_->index;
  hub_->metrics[index].Handled(code, now - began_);
  // Later: it may be what is just calling.
  if (service_ != nullptr) {
    ways_->loop()->AtEndOfTurn([service = std::move(service_)] {});
    service_.reset();
  }
}

}  // namespace nisi::gateway
