#include "tools/nisi/errors.h"

#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "google/protobuf/field_mask.pb.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "nisi/rpc/v1/legal_basis.pb.h"
#include "tools/nisi/names.h"
#include "tools/nisi/packages.h"

namespace nisi::cli {
namespace {

struct Details {
  google::rpc::ErrorInfo info;
  google::rpc::BadRequest bad_request;
  google::rpc::PreconditionFailure precondition;
  google::rpc::ResourceInfo resource;
  google::rpc::QuotaFailure quota;
  google::rpc::RetryInfo retry;
  google::rpc::RequestInfo request;
  nisi::rpc::v1::LegalBasis basis;
};

Details DetailsOf(const grpc::Status& status) {
  Details details;
  google::rpc::Status packed;
  if (!packed.ParseFromString(status.error_details())) return details;
  for (const auto& any : packed.details()) {
    // Each takes what is its own kind.
    any.UnpackTo(&details.info) || any.UnpackTo(&details.bad_request) ||
        any.UnpackTo(&details.precondition) || any.UnpackTo(&details.resource) ||
        any.UnpackTo(&details.quota) || any.UnpackTo(&details.retry) ||
        any.UnpackTo(&details.request) || any.UnpackTo(&details.basis);
  }
  return details;
}

std::string CodeName(grpc::StatusCode code) {
  if (code == grpc::StatusCode::CANCELLED) return "CANCELLED";
  return absl::StatusCodeToString(static_cast<absl::StatusCode>(code));
}

double RetrySeconds(const Details& details) {
  return static_cast<double>(details.retry.retry_delay().seconds()) +
         static_cast<double>(details.retry.retry_delay().nanos()) * 1e-9;
}

nlohmann::json JsonOf(const grpc::Status& status, const Details& details) {
  nlohmann::json error = {{"code", CodeName(status.error_code())},
                          {"status", static_cast<int>(status.error_code())},
                          {"message", status.error_message()}};
  if (!details.info.reason().empty()) error["reason"] = details.info.reason();
  for (const auto& [key, value] : details.info.metadata()) error["metadata"][key] = value;
  for (const auto& violation : details.bad_request.field_violations()) {
    error["fieldViolations"].push_back(
        {{"field", violation.field()}, {"description", violation.description()}});
  }
  for (const auto& violation : details.precondition.violations()) {
    error["preconditions"].push_back({{"type", violation.type()},
                                      {"subject", violation.subject()},
                                      {"description", violation.description()}});
  }
  for (const auto& violation : details.quota.violations()) {
    error["quota"].push_back(
        {{"subject", violation.subject()}, {"description", violation.description()}});
  }
  if (!details.resource.resource_type().empty()) {
    error["resource"] = {{"type", details.resource.resource_type()},
                         {"name", details.resource.resource_name()}};
  }
  if (details.retry.has_retry_delay()) error["retryDelaySeconds"] = RetrySeconds(details);
  if (!details.basis.article().empty()) {
    error["legalBasis"] = {{"act", details.basis.act()},
                           {"article", details.basis.article()},
                           {"summary", details.basis.summary()}};
  }
  if (!details.request.request_id().empty()) error["trace"] = details.request.request_id();
  return {{"error", error}};
}

// As `nisi describe` takes it.
std::string NameOf(const google::protobuf::MethodDescriptor* method) {
  for (const Service& service : Services()) {
    for (const auto* other : MethodsOf(service)) {
      if (other == method) return absl::StrCat(service.name, ".", Kebab(other->name()));
    }
  }
  return "SERVICE.METHOD";
}

// What whoever typed the command can do about it, where the answer does not say it itself: it is
// written for all kinds of clients.
std::string NextStep(const grpc::Status& status, const Details& details, const Asked& asked) {
  const std::string& reason = details.info.reason();
  // An error of the client's own library: nobody answered.
  if (reason.empty() && status.error_code() == grpc::StatusCode::UNAVAILABLE)
    return "see that a gateway serves at --address (or NISI_ADDRESS); one with TLS wants --tls-ca";
  const bool reads = asked.method != nullptr && !PolicyOf(*asked.method).mutation();
  if (reason.empty() && status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED && reads)
    return "its time was over: a longer --timeout gives it more";
  if (reason.empty() && status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED)
    return "nobody knows whether it was done: again with the same --request-id, or a longer "
           "--timeout";
  if (reason == "IDENTITY_REQUIRED")
    return "say who calls: --token, --token-file or NISI_TOKEN; in development --as ROLE";
  if (reason == "TOKEN_INVALID" || reason == "TOKEN_EXPIRED")
    return "get a new token where you sign in; in development nisi token --role ROLE, or --as ROLE";
  if (reason == "ACCESS_DENIED") {
    const char* nobody =
        "nobody is signed in: --token, --token-file or NISI_TOKEN; in development "
        "--as ROLE. ";
    return absl::StrCat(asked.signed_in ? "" : nobody, "nisi describe ", NameOf(asked.method),
                        " says who may call it; a record of others and one that is not there are "
                        "answered alike");
  }
  if (reason == "PROCESS_UNKNOWN")
    return absl::StrCat("--service takes one of ", absl::StrJoin(Owners(), ", "));
  if (reason == "FILTER_INVALID")
    return "a filter reads as --filter 'state = DRAFT AND order_date >= 2026-01-31', by the fields "
           "of "
           "what is listed";
  return "";
}

// A place in the mask, which the command line makes of its flags, is no name to whoever gave these.
std::string FieldOf(const std::string& path, const Asked& asked) {
  int at = 0;
  const bool in_mask = absl::StartsWith(path, "update_mask.paths[") && absl::EndsWith(path, "]") &&
                       absl::SimpleAtoi(path.substr(18, path.size() - 19), &at);
  if (!in_mask || asked.request == nullptr) return path;
  const auto* field = asked.request->GetDescriptor()->FindFieldByName("update_mask");
  if (field == nullptr || field->message_type() == nullptr ||
      field->message_type()->full_name() != "google.protobuf.FieldMask") {
    return path;
  }
  google::protobuf::FieldMask mask;
  mask.ParseFromString(
      asked.request->GetReflection()->GetMessage(*asked.request, field).SerializeAsString());
  if (at < 0 || at >= mask.paths_size()) return path;
  return absl::StrCat(mask.paths(at), " (", path, ")");
}

std::string WordsOf(const grpc::Status& status, const Details& details, const Asked& asked) {
  std::string out = absl::StrCat("Refused: ", CodeName(status.error_code()));
  // Some reasons are named as their code is.
  if (!details.info.reason().empty() && details.info.reason() != CodeName(status.error_code()))
    absl::StrAppend(&out, " ", OneLine(details.info.reason()));
  absl::StrAppend(&out, "\n  ", OneLine(status.error_message()), "\n");
  auto line = [&](absl::string_view name, absl::string_view text) {
    absl::StrAppend(&out, "  ", absl::StrFormat("%-11s ", name), OneLine(text), "\n");
  };
  for (const auto& violation : details.bad_request.field_violations()) {
    line("field", absl::StrCat(FieldOf(violation.field(), asked), ": ", violation.description()));
  }
  for (const auto& violation : details.precondition.violations()) {
    line("state", absl::StrCat(violation.subject(), ": ", violation.description(), " (",
                               violation.type(), ")"));
  }
  for (const auto& violation : details.quota.violations()) {
    line("limit", absl::StrCat(violation.subject(), ": ", violation.description()));
  }
  if (!details.resource.resource_type().empty()) {
    line("record",
         absl::StrCat(details.resource.resource_type(), " ", details.resource.resource_name()));
  }
  // A map of a message has its own order each time.
  const std::map<std::string, std::string> metadata(details.info.metadata().begin(),
                                                    details.info.metadata().end());
  for (const auto& [key, value] : metadata) line(key, value);
  if (!details.basis.article().empty()) {
    line("law", absl::StrCat(details.basis.article(), ": ", details.basis.summary()));
  }
  if (details.retry.has_retry_delay()) {
    const bool reads = asked.method != nullptr && !PolicyOf(*asked.method).mutation();
    line("retry", absl::StrFormat("in %g s%s", RetrySeconds(details),
                                  reads ? "" : ", with the same --request-id"));
  }
  if (const std::string next = NextStep(status, details, asked); !next.empty()) line("next", next);
  if (!details.request.request_id().empty()) line("trace", details.request.request_id());
  return out;
}

// Text of a server may be anything; a broken byte must not break the report.
std::string Dump(const nlohmann::json& value) {
  return value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

std::string ReasonOf(const grpc::Status& status) {
  return DetailsOf(status).info.reason();
}

int ReportRefusal(const grpc::Status& status, Format format, const Io& io, const Asked& asked) {
  const Details details = DetailsOf(status);
  if (format == Format::kJson) {
    *io.err << Dump(JsonOf(status, details)) << "\n";
  } else {
    *io.err << WordsOf(status, details, asked);
  }
  const bool away = status.error_code() == grpc::StatusCode::UNAVAILABLE ||
                    status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED;
  return away ? kUnavailable : kRefused;
}

int ReportUsage(const absl::Status& status, const std::string& help, Format format, const Io& io) {
  const std::string message(status.message());
  if (format == Format::kJson) {
    *io.err << Dump({{"error", {{"code", "USAGE"}, {"message", message}}}}) << "\n";
  } else {
    *io.err << "nisi: " << OneLine(message) << "\n";
    if (!help.empty()) *io.err << "Help: " << help << "\n";
  }
  return kUsage;
}

}  // namespace nisi::cli
