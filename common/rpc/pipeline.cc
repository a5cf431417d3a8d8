#include "common/rpc/pipeline.h"

#include <algorithm>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/base/hash.h"
#include "common/base/log.h"
#include "common/base/status.h"
#include "common/rpc/grpc_status.h"
#include "common/rpc/limits.h"
#include "common/rpc/parse.h"

namespace nisi::rpc {
namespace {

constexpr size_t kCopyBelow = 1024;

absl::Status TooLarge(size_t limit) {
  return base::Refusal(absl::StatusCode::kResourceExhausted, "MESSAGE_TOO_LARGE",
                       "The message is too large.")
      .With("maxBytes", absl::StrCat(limit));
}

// version-traceid-spanid-flags; the id is 32 hexadecimal digits.
std::string TraceId(grpc::string_ref traceparent) {
  constexpr size_t kStart = 3, kLength = 32;
  if (traceparent.size() < kStart + kLength) return "";
  std::string id(traceparent.data() + kStart, kLength);
  const bool hex = std::all_of(id.begin(), id.end(), [](char c) {
    return absl::ascii_isxdigit(static_cast<unsigned char>(c));
  });
  return hex ? id : "";
}

// Failures that are ours, not the caller's.
bool IsOurs(absl::StatusCode code) {
  return code == absl::StatusCode::kInternal || code == absl::StatusCode::kUnknown ||
         code == absl::StatusCode::kDataLoss || code == absl::StatusCode::kUnavailable;
}

}  // namespace

grpc::ByteBuffer ToByteBuffer(std::string bytes) {
  if (bytes.size() < kCopyBelow) {
    const grpc::Slice slice(bytes);
    return grpc::ByteBuffer(&slice, 1);
  }
  auto* owned = new std::string(std::move(bytes));
  const grpc::Slice slice(
      owned->data(), owned->size(), [](void* held) { delete static_cast<std::string*>(held); },
      owned);
  return grpc::ByteBuffer(&slice, 1);
}

Incoming::Incoming(const Site& site, const Bound& bound, grpc::CallbackServerContext* context)
    : site_(site), bound_(bound), context_(context), arrived_(absl::Now()) {
  bound_.metrics.Started();
  call_.method = &bound_.method->policy;
  const auto& metadata = context_->client_metadata();
  if (const auto it = metadata.find("traceparent"); it != metadata.end())
    call_.trace_id = TraceId(it->second);
}

absl::Status Incoming::Open() {
  const auto& metadata = context_->client_metadata();
  call_.now = site_.clock->Now();
  // Tokens live by the system's clock: a development clock moves the law's days, not them.
  ASSIGN_OR_RETURN(call_.caller, site_.authenticator->Identify(metadata, *context_, arrived_));
  const MethodPolicy& policy = bound_.method->policy;
  RETURN_IF_ERROR(CheckRoles(policy, *call_.caller));
  call_.deadline = DeadlineFor(policy, context_->raw_deadline(), arrived_);
  call_.cancelled = [this] { return !StillWanted().ok(); };
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<Message>> Incoming::Read(const grpc::ByteBuffer& bytes) {
  const MethodPolicy& policy = bound_.method->policy;
  if (!bytes.Valid()) {
    return base::Refusal(absl::StatusCode::kInvalidArgument, "MESSAGE_COUNT",
                         "The call came without its message.");
  }
  if (bytes.Length() > policy.max_request_bytes) return TooLarge(policy.max_request_bytes);
  grpc::Slice slice;
  if (!bytes.TrySingleSlice(&slice).ok() && !bytes.DumpToSingleSlice(&slice).ok())
    return MalformedMessage();
  const absl::string_view view(reinterpret_cast<const char*>(slice.begin()), slice.size());

  std::unique_ptr<Message> request(bound_.method->request_prototype->New());
  RETURN_IF_ERROR(ParseMessage(view, request.get()));
  RETURN_IF_ERROR(bound_.method->form->Check(request.get(), policy.mutation));
  RETURN_IF_ERROR(CheckScope(policy, *call_.caller, *request));
  if (policy.mutation) {
    // Of a stream: the hash of all messages so far.
    const base::Hash hash = base::Sha256({call_.body_hash, view});
    call_.body_hash = std::string(base::AsBytes(hash));
    if (policy.request_id != nullptr) {
      call_.request_id = request->GetReflection()->GetString(*request, policy.request_id);
    }
  }
  return request;
}

absl::Status Incoming::StillWanted() const {
  if (context_->IsCancelled()) return absl::CancelledError();
  return absl::Now() < call_.deadline ? absl::OkStatus() : absl::DeadlineExceededError("");
}

absl::Status Incoming::Run(const Message& request, std::string* reply) {
  RETURN_IF_ERROR(StillWanted());
  ASSIGN_OR_RETURN(*reply, bound_.method->unary(call_, request));
  return absl::OkStatus();
}

grpc::Status Incoming::Close(const absl::Status& status) {
  const absl::Duration took = absl::Now() - arrived_;
  bound_.metrics.Handled(status.code(), took);
  if (IsOurs(status.code())) {
    base::Log(base::Severity::kError, "call_failed",
              {{"method", call_.method->path},
               {"code", absl::StatusCodeToString(status.code())},
               {"reason", base::ReasonOf(status)},
               {"trace", call_.trace_id},
               {"status", std::string(status.message())}});
  }
  if (call_.position > 0)
    context_->AddTrailingMetadata("nisi-position", absl::StrCat(call_.position));
  return ToGrpc(status, call_.trace_id);
}

}  // namespace nisi::rpc
