#include "common/rpc/answer.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/cord.h"
#include "absl/strings/match.h"
#include "common/base/status.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace nisi::rpc {
namespace {

// Over some 7 KB gRPC 1.51 drops the error itself, as clients do.
constexpr size_t kMaxDetailBytes = 4096;
constexpr size_t kMaxMessageBytes = 1024;
constexpr char kErrorInfo[] = "type.googleapis.com/google.rpc.ErrorInfo";
constexpr char kRequestInfo[] = "type.googleapis.com/google.rpc.RequestInfo";

absl::Status WithInfo(const absl::Status& status) {
  if (status.GetPayload(kErrorInfo).has_value()) return status;
  switch (status.code()) {
    case absl::StatusCode::kDeadlineExceeded:
      return base::Refusal(status.code(), "DEADLINE_EXCEEDED",
                           "The deadline of the call has passed.");
    case absl::StatusCode::kCancelled:
      return base::Refusal(status.code(), "CANCELLED", "The caller gave up.");
    case absl::StatusCode::kInternal:
    case absl::StatusCode::kUnknown:
      return base::Refusal(absl::StatusCode::kInternal, "INTERNAL", "Something failed inside.");
    default:
      return base::Refusal(status.code(), "UNSPECIFIED",
                           absl::string_view(status.message().data(), status.message().size()));
  }
}

}  // namespace

http2::Answer ToAnswer(const absl::Status& original, absl::string_view trace_id) {
  if (original.ok()) return {};
  const absl::Status status = WithInfo(original);
  google::rpc::Status wire;
  wire.set_code(static_cast<int>(status.code()));
  std::string message(status.message());
  if (message.size() > kMaxMessageBytes) {
    // Not within a letter: a client reads no details whose message is no UTF-8.
    size_t end = kMaxMessageBytes;
    while (end > 0 && (static_cast<unsigned char>(message[end]) & 0xc0) == 0x80) --end;
    message.resize(end);
  }
  wire.set_message(message);
  size_t bytes = message.size();
  const auto add = [&](absl::string_view type_url, const absl::Cord& payload) {
    if (bytes + type_url.size() + payload.size() > kMaxDetailBytes) return;
    bytes += type_url.size() + payload.size() + 8;
    auto* any = wire.add_details();
    any->set_type_url(std::string(type_url));
    any->set_value(std::string(payload));
  };
  add(kErrorInfo, *status.GetPayload(kErrorInfo));
  if (!trace_id.empty()) {
    google::rpc::RequestInfo request;
    request.set_request_id(std::string(trace_id));
    add(kRequestInfo, absl::Cord(request.SerializeAsString()));
  }
  status.ForEachPayload([&](absl::string_view type_url, const absl::Cord& payload) {
    // A RequestInfo of its own came with the refusal of another service.
    if (type_url == kErrorInfo || (type_url == kRequestInfo && !trace_id.empty())) return;
    add(type_url, payload);
  });
  return {status.code(), std::move(message), wire.SerializeAsString(), {}};
}

std::string TraceIdOf(const http2::Fields& fields) {
  constexpr size_t kStart = 3, kLength = 32;
  const std::string* const traceparent = fields.Find("traceparent");
  if (traceparent == nullptr || traceparent->size() < kStart + kLength) return "";
  std::string id = traceparent->substr(kStart, kLength);
  const bool hex = std::all_of(id.begin(), id.end(), [](char c) {
    return absl::ascii_isxdigit(static_cast<unsigned char>(c));
  });
  return hex ? id : "";
}

http2::Answer WithTrace(const http2::Answer& answer, absl::string_view trace_id) {
  return ToAnswer(FromAnswer(answer), trace_id);
}

absl::Status FromAnswer(const http2::Answer& answer) {
  if (answer.code == absl::StatusCode::kOk) return absl::OkStatus();
  absl::Status status(answer.code, answer.text);
  google::rpc::Status wire;
  if (wire.ParseFromString(answer.details)) {
    for (const auto& detail : wire.details()) {
      status.SetPayload(detail.type_url(), absl::Cord(detail.value()));
    }
  }
  return status;
}

}  // namespace nisi::rpc
