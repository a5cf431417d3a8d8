// How a function here fails: absl::Status with the details of google.rpc as payloads.
//
// A refusal is built once, by a named function in the errors.h of its room, and travels unchanged
// to the wire: common/rpc turns the payloads into a google.rpc.Status. Exactly one ErrorInfo, a
// stable reason, the law.
#pragma once

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "google/rpc/error_details.pb.h"
#include "nisi/rpc/v1/legal_basis.pb.h"

#define NISI_CONCAT_INNER(a, b) a##b
#define NISI_CONCAT(a, b) NISI_CONCAT_INNER(a, b)

// Returns from the current function when `expr` (a Status) is not OK.
#define RETURN_IF_ERROR(expr)                                   \
  do {                                                          \
    if (absl::Status nisi_status = (expr); !nisi_status.ok()) { \
      return nisi_status;                                       \
    }                                                           \
  } while (false)

// ASSIGN_OR_RETURN(auto x, F()): x = *F(), or returns its status.
#define ASSIGN_OR_RETURN(lhs, expr) \
  NISI_ASSIGN_OR_RETURN(NISI_CONCAT(nisi_status_or_, __LINE__), lhs, expr)
#define NISI_ASSIGN_OR_RETURN(tmp, lhs, expr) \
  auto tmp = (expr);                          \
  if (!tmp.ok()) {                            \
    return std::move(tmp).status();           \
  }                                           \
  lhs = *std::move(tmp)

namespace nisi::base {

using LegalBasis = ::nisi::rpc::v1::LegalBasis;

// A citation of the law "On industrial policy": article as "Art. 26(1)", and what it says in one
// sentence.
LegalBasis Law(absl::string_view article, absl::string_view summary);

// Builds a failed Status. `reason` is UPPER_SNAKE and stable; the message is for people and holds
// no confidential value; every dynamic part of it also goes into With().
class Refusal {
 public:
  Refusal(absl::StatusCode code, absl::string_view reason, absl::string_view message);

  Refusal& With(absl::string_view key, absl::string_view value);
  // BadRequest; at most 20 are kept.
  Refusal& Field(absl::string_view path, absl::string_view description);
  Refusal& Precondition(absl::string_view type, absl::string_view subject,
                        absl::string_view description);
  Refusal& Resource(absl::string_view type, absl::string_view name);
  Refusal& Quota(absl::string_view subject, absl::string_view description);
  Refusal& RetryAfter(absl::Duration delay);
  Refusal& Cite(const LegalBasis& basis);

  bool has_fields() const { return bad_request_.field_violations_size() > 0; }

  operator absl::Status()
      const;  // NOLINT(google-explicit-constructor): reads as `return Refusal(...)`.
  template <class T>
  operator absl::StatusOr<T>() const {  // NOLINT(google-explicit-constructor)
    return static_cast<absl::Status>(*this);
  }

 private:
  absl::StatusCode code_;
  std::string message_;
  google::rpc::ErrorInfo info_;
  google::rpc::BadRequest bad_request_;
  google::rpc::PreconditionFailure precondition_;
  google::rpc::ResourceInfo resource_;
  google::rpc::QuotaFailure quota_;
  google::rpc::RetryInfo retry_;
  LegalBasis basis_;
  bool has_retry_ = false;
};

// The refusals that several rooms share.
absl::Status InvalidField(absl::string_view path, absl::string_view description);
absl::Status NotFound(absl::string_view type, absl::string_view name);
// Says nothing about whether the thing exists.
absl::Status AccessDenied();
absl::Status EtagMismatch(absl::string_view current);
absl::Status StoreCorrupt(absl::string_view what);
// The outcome is unknown; a retry with the same request id settles it.
absl::Status Unavailable(absl::string_view reason, absl::string_view message, absl::Duration retry);
absl::Status Overloaded(absl::string_view what, absl::Duration retry);

// The ErrorInfo of a failed status; empty where there is none.
google::rpc::ErrorInfo InfoOf(const absl::Status& status);
// ErrorInfo.reason of a failed status, "" where there is none.
std::string ReasonOf(const absl::Status& status);
google::rpc::BadRequest BadRequestOf(const absl::Status& status);
LegalBasis LegalBasisOf(const absl::Status& status);

// The payload key of a detail message: "type.googleapis.com/<full name>".
std::string TypeUrl(const google::protobuf::Message& message);

}  // namespace nisi::base
