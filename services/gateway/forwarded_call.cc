#include "services/gateway/forwarded_call.h"

#include <utility>

#include "absl/strings/match.h"
#include "common/base/log.h"
#include "common/base/status.h"
#include "common/rpc/grpc_status.h"
#include "common/rpc/limits.h"
#include "services/gateway/errors.h"

namespace nisi::gateway {
namespace {

constexpr absl::Duration kBusyRetry = absl::Milliseconds(100);
// A client that does not take its answer this long after the deadline is cut off.
constexpr std::chrono::seconds kGrace{2};

// gRPC makes its own again, and a call context is for the house alone.
bool Passes(absl::string_view key) {
  return !absl::StartsWith(key, "grpc-") && !absl::StartsWith(key, ":") && key != "content-type" &&
         key != "user-agent" && key != rpc::kCallContextKey;
}

template <class Add>
void CopyMetadata(const std::multimap<grpc::string_ref, grpc::string_ref>& metadata,
                  const Add& add) {
  for (const auto& [key, value] : metadata) {
    if (Passes({key.data(), key.size()})) {
      add(std::string(key.data(), key.size()), std::string(value.data(), value.size()));
    }
  }
}

// Our services always send details. A status without them was made by gRPC on this side: the
// backend is away, the time is up, or the answer is too large. What it means, then; OK where the
// status is the service's own.
absl::Status MadeHere(const grpc::Status& status, absl::string_view owner) {
  if (status.ok() || !status.error_details().empty()) {
    return absl::OkStatus();
  }
  switch (status.error_code()) {
    case grpc::StatusCode::UNAVAILABLE:
    case grpc::StatusCode::CANCELLED:  // not by us: the backend closed
    case grpc::StatusCode::UNKNOWN:
      return BackendUnavailable(owner);
    case grpc::StatusCode::DEADLINE_EXCEEDED:
      return DeadlineExceeded();
    case grpc::StatusCode::UNIMPLEMENTED:
      return MethodUnknown();
    default:
      return absl::Status(static_cast<absl::StatusCode>(status.error_code()),
                          "The service failed.");
  }
}

// Failures that are the house's, not the caller's. What a service failed with it has logged itself.
bool IsOurs(const absl::Status& status) {
  return absl::IsUnavailable(status) || absl::IsInternal(status) || absl::IsUnknown(status) ||
         absl::IsDataLoss(status);
}

}  // namespace

void ForwardedCall::Step::Fire(bool ok) {
  ForwardedCall* const call = call_;
  --call->pending_;
  (call->*handler_)(ok);
  if (call->pending_ == 0) {
    delete call;
  }
}

Tag* ForwardedCall::Post(Step& step) {
  ++pending_;
  return &step;
}

void ForwardedCall::Accept(Hub& hub) {
  new ForwardedCall(hub);
}

ForwardedCall::ForwardedCall(Hub& hub) : hub_(hub), client_(&in_) {
  ++hub_.objects;
  in_.AsyncNotifyWhenDone(Post(done_));
  hub_.service.RequestCall(&in_, &client_, hub_.queue.get(), hub_.queue.get(), Post(accepted_));
}

ForwardedCall::~ForwardedCall() {
  if (live_) {
    hub_.live.erase(place_);
    const size_t index = route_ == nullptr ? hub_.metrics.size() - 1 : route_->index;
    hub_.metrics[index].Handled(static_cast<absl::StatusCode>(answered_), absl::Now() - began_);
  }
  if (counted_) {
    --(route_->kind.streaming() ? hub_.streams : hub_.calls);
  }
  --hub_.objects;
}

void ForwardedCall::OnAccepted(bool ok) {
  if (!ok) {     // the server is shutting down
    --pending_;  // OnDone never comes for a call that never began
    return;
  }
  Accept(hub_);
  live_ = true;
  place_ = hub_.live.insert(hub_.live.end(), this);
  began_ = absl::Now();
  if (absl::Status status = Open(); !status.ok()) {
    return Refuse(status);
  }
  if (route_->kind.client_streaming) {
    return Forward();
  }
  client_.Read(&up_, Post(message_));
}

absl::Status ForwardedCall::Open() {
  trace_ = hub_.admission->TraceOf(in_);
  const absl::StatusOr<const Route*> route = hub_.routes->Find(in_.method());
  if (route.ok()) {
    route_ = *route;
  }
  hub_.metrics[route_ == nullptr ? hub_.metrics.size() - 1 : route_->index].Started();
  RETURN_IF_ERROR(route.status());
  if (!CountIn()) {
    ++hub_.refused;
    return base::Overloaded("calls", kBusyRetry);
  }
  const absl::Time deadline = rpc::DeadlineFor(route_->policy, in_.raw_deadline(), began_);
  deadline_ = absl::ToChronoTime(deadline);
  if (deadline <= began_) {
    return DeadlineExceeded();
  }
  ASSIGN_OR_RETURN(admitted_, hub_.admission->Admit(*route_, in_, began_));
  return absl::OkStatus();
}

bool ForwardedCall::CountIn() {
  const bool streaming = route_->kind.streaming();
  size_t& count = streaming ? hub_.streams : hub_.calls;
  if (count >= (streaming ? hub_.limits.max_streams : hub_.limits.max_calls)) {
    return false;
  }
  ++count;
  counted_ = true;
  return true;
}

// With a refusal of the gateway's own; once.
void ForwardedCall::Refuse(const absl::Status& status) {
  if (answering_) {
    return;
  }
  if (IsOurs(status) && !gone_) {
    base::Log(base::Severity::kError, "call_failed",
              {{"method", in_.method()},
               {"code", absl::StatusCodeToString(status.code())},
               {"reason", base::ReasonOf(status)},
               {"trace", trace_.id()}});
  }
  Answer(rpc::ToGrpc(status, trace_.id()));
}

void ForwardedCall::Answer(const grpc::Status& status) {
  if (answering_) {
    return;
  }
  answering_ = true;
  answered_ = status.error_code();
  client_.Finish(status, Post(answered_step_));
}

void ForwardedCall::OnMessage(bool ok) {
  if (answering_) {
    return;
  }
  if (!ok) {
    return Refuse(MessageCount());
  }
  if (up_.Length() > route_->policy.max_request_bytes) {
    return Refuse(MessageTooLarge(route_->policy.max_request_bytes));
  }
  client_.Read(&down_, Post(no_more_));
}

void ForwardedCall::OnNoMore(bool ok) {
  if (answering_) {
    return;
  }
  if (ok) {
    return Refuse(MessageCount());
  }
  Forward();
}

void ForwardedCall::Forward() {
  out_.emplace();
  out_->set_deadline(deadline_);
  out_->AddMetadata(rpc::kCallContextKey, admitted_.context);
  out_->AddMetadata("traceparent", trace_.traceparent);
  if (!trace_.tracestate.empty()) {
    out_->AddMetadata("tracestate", trace_.tracestate);
  }
  grpc::GenericStub& stub = *hub_.stubs.find(admitted_.owner)->second;
  if (!route_->kind.streaming()) {
    unary_ = stub.PrepareUnaryCall(&*out_, in_.method(), up_, hub_.queue.get());
    unary_->StartCall();
    unary_->Finish(&down_, &backend_status_, Post(backend_status_step_));
    return;
  }
  stream_ = stub.PrepareCall(&*out_, in_.method(), hub_.queue.get());
  stream_->StartCall(Post(started_));
}

// The client's call is over: it was answered, or the client has gone.
void ForwardedCall::OnDone(bool /*ok*/) {
  gone_ = in_.IsCancelled();
  if (gone_ && out_.has_value()) {
    out_->TryCancel();
  }
}

void ForwardedCall::OnAnswered(bool ok) {
  if (!ok) {
    answered_ = grpc::StatusCode::CANCELLED;
  }
}

void ForwardedCall::OnStarted(bool ok) {
  if (!ok) {
    return GiveUpDownward();
  }
  stream_->ReadInitialMetadata(Post(headers_));
  if (route_->kind.client_streaming) {
    client_.Read(&up_, Post(up_read_));
  } else {
    stream_->WriteLast(up_, grpc::WriteOptions(), Post(up_written_));
  }
}

void ForwardedCall::OnHeaders(bool ok) {
  if (!ok) {
    return GiveUpDownward();
  }
  // Where a stream from the client ends in one answer, the headers stay here until the end: they
  // are what OnUpRead asks with whether the client is still there.
  if (!route_->kind.server_streaming) {
    stream_->Read(&down_, Post(down_read_));
    return;
  }
  CopyMetadata(out_->GetServerInitialMetadata(),
               [this](std::string key, std::string value) { in_.AddInitialMetadata(key, value); });
  headers_sent_ = true;
  client_.SendInitialMetadata(Post(headers_passed_));
}

void ForwardedCall::OnHeadersPassed(bool ok) {
  if (!ok) {
    out_->TryCancel();
    return GiveUpDownward();
  }
  stream_->Read(&down_, Post(down_read_));
}

void ForwardedCall::OnDownRead(bool ok) {
  if (!ok) {
    return GiveUpDownward();
  }
  headers_sent_ = true;
  client_.Write(down_, Post(down_written_));
}

void ForwardedCall::OnDownWritten(bool ok) {
  if (!ok) {
    out_->TryCancel();
    return GiveUpDownward();
  }
  stream_->Read(&down_, Post(down_read_));
}

// Nothing more comes down but the status. Reached once a call.
void ForwardedCall::GiveUpDownward() {
  stream_->Finish(&backend_status_, Post(backend_status_step_));
}

void ForwardedCall::OnBackendStatus(bool /*ok*/) {
  if (answering_) {
    return;
  }
  if (!ours_.ok()) {
    return Refuse(ours_);
  }
  PassTrailers();
  if (const absl::Status made = MadeHere(backend_status_, admitted_.owner); !made.ok()) {
    return Refuse(made);
  }
  if (unary_ == nullptr || !backend_status_.ok()) {
    return Answer(backend_status_);
  }
  answering_ = true;
  answered_ = backend_status_.error_code();
  client_.WriteAndFinish(down_, grpc::WriteOptions(), backend_status_, Post(answered_step_));
}

void ForwardedCall::PassTrailers() {
  const auto trailer = [this](std::string key, std::string value) {
    in_.AddTrailingMetadata(key, value);
  };
  CopyMetadata(out_->GetServerTrailingMetadata(), trailer);
  if (unary_ != nullptr) {
    CopyMetadata(out_->GetServerInitialMetadata(), [this](std::string key, std::string value) {
      in_.AddInitialMetadata(key, value);
    });
  }
}

void ForwardedCall::OnUpRead(bool ok) {
  if (answering_ || !ours_.ok()) {
    return;
  }
  if (ok) {
    if (up_.Length() > route_->policy.max_request_bytes) {
      return Abort(MessageTooLarge(route_->policy.max_request_bytes));
    }
    stream_->Write(up_, Post(up_written_));
    return;
  }
  // Either the client has sent all, or it broke off: gRPC says the same here. The end should not go
  // on for one that broke off, or half an upload looks like the whole. Headers can be sent only to
  // a client that is still there, as far as is known by now: one that ends its stream and resets it
  // a moment later passes. A method for which that matters has its caller count what it sends.
  if (headers_sent_) {
    if (route_->kind.server_streaming) {  // both sides stream: nothing is left to ask with
      stream_->WritesDone(Post(up_closed_));
    }
    return;  // otherwise the backend has answered already
  }
  headers_sent_ = true;
  client_.SendInitialMetadata(Post(up_probed_));
}

void ForwardedCall::OnUpProbed(bool ok) {
  if (answering_ || !ours_.ok()) {
    return;
  }
  if (!ok) {
    out_->TryCancel();
    return;
  }
  stream_->WritesDone(Post(up_closed_));
}

void ForwardedCall::OnUpWritten(bool ok) {
  // Not ok: the backend takes no more, and its status comes on the way down.
  if (ok && route_->kind.client_streaming && !answering_ && ours_.ok()) {
    client_.Read(&up_, Post(up_read_));
  }
}

void ForwardedCall::OnUpClosed(bool /*ok*/) {}

void ForwardedCall::Abort(const absl::Status& status) {
  if (answering_ || !ours_.ok()) {
    return;
  }
  if (!out_.has_value()) {
    return Refuse(status);
  }
  ours_ = status;
  out_->TryCancel();
}

bool ForwardedCall::is_server_stream() const {
  return route_ != nullptr && route_->kind.server_streaming;
}

void ForwardedCall::Sweep(SystemTime now) {
  if (now < deadline_) {
    return;
  }
  if (!out_.has_value()) {
    return Refuse(DeadlineExceeded());
  }
  if (now > deadline_ + kGrace) {
    in_.TryCancel();
  }
}

}  // namespace nisi::gateway
