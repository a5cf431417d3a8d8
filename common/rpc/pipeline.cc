#include "common/rpc/pipeline.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/clock.h"
#include "common/base/hash.h"
#include "common/base/log.h"
#include "common/base/status.h"
#include "common/base/steady.h"
#include "common/rpc/answer.h"
#include "common/rpc/call_errors.h"
#include "common/rpc/limits.h"
#include "common/rpc/parse.h"
#include "common/rpc/question.h"
#include "common/rpc/store_call.h"
#include "common/rpc/subjects.h"

namespace nisi::rpc {
namespace {

constexpr char kPosition[] = "nisi-position";

// Failures that are ours, not the caller's.
bool IsOurs(absl::StatusCode code) {
  return code == absl::StatusCode::kInternal || code == absl::StatusCode::kUnknown ||
         code == absl::StatusCode::kDataLoss || code == absl::StatusCode::kUnavailable;
}

// A service that calls by itself says which role it does so with: it may where it has to.
absl::Status CheckItself(const Method& method, const Caller& caller) {
  const absl::string_view service = ServiceOfSubject(caller.subject);
  if (service.empty() || method.services.contains(std::string(service))) return absl::OkStatus();
  return base::AccessDenied();
}

}  // namespace

Incoming::Incoming(const Site& site, const Bound& bound, http2::CallHead head,
                   std::shared_ptr<http2::Replier> replier)
    : site_(site),
      bound_(bound),
      head_(std::move(head)),
      replier_(std::move(replier)),
      arrived_(base::SteadyNow()) {
  bound_.metrics.Started();
  call_.method = &bound_.method->policy;
  call_.trace_id = TraceIdOf(head_.fields);
}

Incoming::~Incoming() {
  if (!closed_) Close(absl::CancelledError());
}

absl::Status Incoming::Open() {
  const MethodPolicy& policy = bound_.method->policy;
  call_.deadline = DeadlineFor(policy, head_.deadline, arrived_);
  call_.cancelled = [this] { return !StillWanted().ok(); };
  RETURN_IF_ERROR(RefusalOf(head_.fault, policy.max_request_bytes));
  call_.now = site_.clock->Now();
  // Tokens live by the system's clock: a development clock moves the law's days, not them.
  ASSIGN_OR_RETURN(call_.caller,
                   site_.authenticator->Identify(EvidenceOf(head_), base::SystemNow()));
  RETURN_IF_ERROR(CheckRoles(policy, *call_.caller));
  return CheckItself(*bound_.method, *call_.caller);
}

absl::StatusOr<std::unique_ptr<Message>> Incoming::Read(absl::string_view bytes) {
  const MethodPolicy& policy = bound_.method->policy;
  if (bytes.size() > policy.max_request_bytes) return MessageTooLarge(policy.max_request_bytes);
  if (head_.fields.Find(kQuestionKey) != nullptr) question_ = QuestionOf(policy.path, bytes);
  std::unique_ptr<Message> request(bound_.method->request_prototype->New());
  RETURN_IF_ERROR(ParseMessage(bytes, request.get()));
  RETURN_IF_ERROR(bound_.method->form->Check(request.get(), policy.mutation));
  RETURN_IF_ERROR(CheckScope(policy, *call_.caller, *request));
  if (policy.mutation) {
    // Of a stream: the hash of all messages so far.
    const base::Hash hash = base::Sha256({call_.body_hash, bytes});
    call_.body_hash = std::string(base::AsBytes(hash));
    if (policy.request_id != nullptr) {
      call_.request_id = request->GetReflection()->GetString(*request, policy.request_id);
    }
  }
  return request;
}

absl::Status Incoming::StillWanted() const {
  if (replier_->cancelled()) return absl::CancelledError();
  return base::SteadyNow() < call_.deadline ? absl::OkStatus() : absl::DeadlineExceededError("");
}

absl::StatusOr<Masked> Incoming::Run(const Message& request) {
  RETURN_IF_ERROR(StillWanted());
  ASSIGN_OR_RETURN(std::string reply, bound_.method->unary(call_, request));
  return MaskAnswer(method(), call_, &request, std::move(reply));
}

void Incoming::Close(absl::StatusOr<Masked> reply, std::shared_ptr<void> self) {
  if (!reply.ok()) return Close(reply.status());
  if (reply->claims == nullptr) return Close(absl::StatusOr<std::string>(std::move(reply->bytes)));
  const std::shared_ptr<Claims> claims = std::move(reply->claims);
  method().disclosure->WriteAsync(
      CommandOf(call_),
      [this,
       settle = SettlingOf(method(), call_, claims)](store::Tx& tx) -> absl::StatusOr<std::string> {
        RETURN_IF_ERROR(StillWanted());
        return settle(tx);
      },
      [this, claims, self = std::move(self)](const absl::StatusOr<store::Outcome>& outcome) {
        Close(Settled(call_, claims.get(), outcome));
      });
}

void Incoming::Close(absl::StatusOr<std::string> reply) {
  if (!reply.ok()) return Close(reply.status());
  http2::Answer answer = Closed(absl::OkStatus());
  replier_->Reply(*std::move(reply), std::move(answer));
}

void Incoming::Close(const absl::Status& status) {
  replier_->Finish(Closed(status));
}

http2::Answer Incoming::Closed(const absl::Status& status) {
  closed_ = true;
  const absl::Duration took = base::SteadyNow() - arrived_;
  bound_.metrics.Handled(status.code(), took);
  if (IsOurs(status.code())) {
    base::Log(base::Severity::kError, "call_failed",
              {{"method", call_.method->path},
               {"code", absl::StatusCodeToString(status.code())},
               {"reason", base::ReasonOf(status)},
               {"trace", call_.trace_id},
               {"status", std::string(status.message())}});
  }
  http2::Answer answer = ToAnswer(status, call_.trace_id);
  if (!question_.empty()) answer.trailers.Add(kQuestionKey, question_);
  if (call_.position > 0) answer.trailers.Add(kPosition, absl::StrCat(call_.position));
  return answer;
}

}  // namespace nisi::rpc
