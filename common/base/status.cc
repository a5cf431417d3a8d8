#include "common/base/status.h"

#include <optional>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"

namespace nisi::base {
namespace {

constexpr int kMaxFieldViolations = 20;
constexpr char kAct[] = "Law of the Republic of Kazakhstan No. 86-VII On industrial policy";

void Attach(absl::Status& status, const google::protobuf::Message& detail) {
  status.SetPayload(TypeUrl(detail), absl::Cord(detail.SerializeAsString()));
}

template <class M>
M Detail(const absl::Status& status) {
  M message;
  if (const auto payload = status.GetPayload(TypeUrl(message))) {
    message.ParseFromString(std::string(*payload));
  }
  return message;
}

}  // namespace

std::string TypeUrl(const google::protobuf::Message& message) {
  return absl::StrCat("type.googleapis.com/", message.GetDescriptor()->full_name());
}

LegalBasis Law(absl::string_view article, absl::string_view summary) {
  LegalBasis basis;
  basis.set_act(kAct);
  basis.set_article(std::string(article));
  basis.set_summary(std::string(summary));
  return basis;
}

Refusal::Refusal(absl::StatusCode code, absl::string_view reason, absl::string_view message)
    : code_(code), message_(message) {
  info_.set_reason(std::string(reason));
  info_.set_domain("nisi");
}

Refusal& Refusal::With(absl::string_view key, absl::string_view value) {
  (*info_.mutable_metadata())[std::string(key)] = std::string(value);
  return *this;
}

Refusal& Refusal::Field(absl::string_view path, absl::string_view description) {
  if (bad_request_.field_violations_size() < kMaxFieldViolations) {
    auto* violation = bad_request_.add_field_violations();
    violation->set_field(std::string(path));
    violation->set_description(std::string(description));
  }
  return *this;
}

Refusal& Refusal::Precondition(absl::string_view type, absl::string_view subject,
                               absl::string_view description) {
  auto* violation = precondition_.add_violations();
  violation->set_type(std::string(type));
  violation->set_subject(std::string(subject));
  violation->set_description(std::string(description));
  return *this;
}

Refusal& Refusal::Resource(absl::string_view type, absl::string_view name) {
  resource_.set_resource_type(std::string(type));
  resource_.set_resource_name(std::string(name));
  return *this;
}

Refusal& Refusal::Quota(absl::string_view subject, absl::string_view description) {
  auto* violation = quota_.add_violations();
  violation->set_subject(std::string(subject));
  violation->set_description(std::string(description));
  return *this;
}

Refusal& Refusal::RetryAfter(absl::Duration delay) {
  const int64_t nanos = absl::ToInt64Nanoseconds(delay);
  retry_.mutable_retry_delay()->set_seconds(nanos / 1'000'000'000);
  retry_.mutable_retry_delay()->set_nanos(static_cast<int32_t>(nanos % 1'000'000'000));
  has_retry_ = true;
  return *this;
}

Refusal& Refusal::Cite(const LegalBasis& basis) {
  basis_ = basis;
  return *this;
}

Refusal::operator absl::Status() const {
  absl::Status status(code_, message_);
  Attach(status, info_);
  if (bad_request_.field_violations_size() > 0) Attach(status, bad_request_);
  if (precondition_.violations_size() > 0) Attach(status, precondition_);
  if (!resource_.resource_type().empty()) Attach(status, resource_);
  if (quota_.violations_size() > 0) Attach(status, quota_);
  if (has_retry_) Attach(status, retry_);
  if (!basis_.article().empty()) Attach(status, basis_);
  return status;
}

absl::Status InvalidField(absl::string_view path, absl::string_view description) {
  return Refusal(absl::StatusCode::kInvalidArgument, "INVALID_FIELD",
                 "The request is not well formed.")
      .Field(path, description);
}

absl::Status NotFound(absl::string_view type, absl::string_view name) {
  return Refusal(absl::StatusCode::kNotFound, "NOT_FOUND", "There is no such record.")
      .Resource(type, name);
}

absl::Status AccessDenied() {
  return Refusal(absl::StatusCode::kPermissionDenied, "ACCESS_DENIED",
                 "The caller may not do this.");
}

absl::Status EtagMismatch(absl::string_view current) {
  return Refusal(absl::StatusCode::kAborted, "VERSION_MISMATCH",
                 "The record has changed since it was read: read it again.")
      .With("currentEtag", current);
}

absl::Status StoreCorrupt(absl::string_view what) {
  return Refusal(absl::StatusCode::kDataLoss, "STORE_CORRUPT", "Stored data is damaged.")
      .With("what", what);
}

absl::Status Unavailable(absl::string_view reason, absl::string_view message,
                         absl::Duration retry) {
  return Refusal(absl::StatusCode::kUnavailable, reason, message).RetryAfter(retry);
}

absl::Status Overloaded(absl::string_view what, absl::Duration retry) {
  return Refusal(absl::StatusCode::kResourceExhausted, "OVERLOADED",
                 "Too much work at once: retry later.")
      .With("limit", what)
      .Quota(what, "the bound of this queue is reached")
      .RetryAfter(retry);
}

google::rpc::ErrorInfo InfoOf(const absl::Status& status) {
  return Detail<google::rpc::ErrorInfo>(status);
}
std::string ReasonOf(const absl::Status& status) {
  return InfoOf(status).reason();
}
google::rpc::BadRequest BadRequestOf(const absl::Status& status) {
  return Detail<google::rpc::BadRequest>(status);
}
LegalBasis LegalBasisOf(const absl::Status& status) {
  return Detail<LegalBasis>(status);
}

}  // namespace nisi::base
