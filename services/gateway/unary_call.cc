#include "services/gateway/unary_call.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/rpc/answer.h"
#include "google/rpc/error_details.pb.h"
#include "services/gateway/calls.h"
#include "services/gateway/connect.h"

namespace nisi::gateway {
namespace {

constexpr char kContentType[] = "content-type";
constexpr char kJson[] = "application/json";

// What a call of gRPC has after its messages goes before them here.
void AddTrailers(const http2::Answer& answer, http2::Fields* fields) {
  for (const http2::Field& field : answer.trailers) {
    fields->Add(absl::StrCat("trailer-", field.name), field.WireValue());
  }
}

// What HTTP itself says of an error (RFC 9110: 11.6.1, 10.2.3; RFC 6750: 3), for who reads no more
// than that.
void AddHttpFields(int http_status, const http2::Answer& answer, http2::Fields* fields) {
  constexpr int kUnauthorized = 401, kTooMany = 429, kUnavailable = 503;
  if (http_status == kUnauthorized) {
    const bool none = base::ReasonOf(rpc::FromAnswer(answer)) == "IDENTITY_REQUIRED";
    fields->Add("www-authenticate", none ? "Bearer" : "Bearer error=\"invalid_token\"");
  } else if (http_status == kTooMany || http_status == kUnavailable) {
    google::rpc::RetryInfo retry;
    const auto payload = rpc::FromAnswer(answer).GetPayload(base::TypeUrl(retry));
    if (!payload.has_value() || !retry.ParseFromString(std::string(*payload))) return;
    const auto& delay = retry.retry_delay();
    fields->Add("retry-after", absl::StrCat(delay.seconds() + (delay.nanos() > 0 ? 1 : 0)));
  }
}

}  // namespace

void RespondError(const WebRequest& request, int http_status, const http2::Answer& answer) {
  http2::Fields fields = request.fields;
  fields.Add(kContentType, kJson);
  AddHttpFields(http_status, answer, &fields);
  AddTrailers(answer, &fields);
  request.responder->Respond(http_status, std::move(fields), ConnectError(answer));
}

std::shared_ptr<http2::RequestTaker> UnaryCall::Take(WebRequest request, http2::CallHead head,
                                                     std::optional<std::string> message) {
  const size_t max_bytes = MaxRequestBytes(*request.hub, head.path);
  const auto call = std::make_shared<UnaryCall>(std::move(request), max_bytes);
  if (!call->Begin(std::move(head))) return nullptr;
  if (message.has_value()) call->Ask(*std::move(message));
  return call;
}

void UnaryCall::OnBody(absl::string_view bytes) {
  request_.responder->Consume(bytes.size());
  if (over() || asked_) return;
  body_.append(bytes.data(), bytes.size());
  if (body_.size() <= max_bytes_) {
    (void)Keep(body_.capacity());
    return;
  }
  asked_ = true;
  const std::shared_ptr<ForwardedCall> call = call_;
  call->OnFault(http2::Fault::kMessageTooLarge);
}

void UnaryCall::OnBodyEnd() {
  if (!over() && !asked_) Ask(std::exchange(body_, std::string()));
}

void UnaryCall::Ask(std::string message) {
  asked_ = true;
  const std::shared_ptr<ForwardedCall> call = call_;
  if (!Decode(&message)) return;
  call->OnMessage(std::move(message));
  call->OnEnd();
}

void UnaryCall::Conclude(std::string* message, const http2::Answer& answer) {
  if (message == nullptr) {
    return RespondError(request_, HttpStatusOf(answer.code), answer);
  }
  if (!Encode(message)) {
    return RespondError(request_, HttpStatusOf(absl::StatusCode::kInternal), NoMessage());
  }
  http2::Fields fields = request_.fields;
  fields.Add(kContentType, request_.content_type);
  AddTrailers(answer, &fields);
  request_.responder->Respond(HttpStatusOf(absl::StatusCode::kOk), std::move(fields),
                              std::move(*message));
}

}  // namespace nisi::gateway
