#include "services/gateway/connect.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "google/protobuf/descriptor.h"
#include "google/rpc/status.pb.h"
#include "services/gateway/base64_reader.h"
#include "services/gateway/errors.h"
#include "services/gateway/transcode.h"

namespace nisi::gateway {
namespace {

using nlohmann::json;

constexpr std::array<absl::string_view, 5> kParameters{"message", "encoding", "base64",
                                                       "compression", "connect"};

json ErrorOf(const http2::Answer& answer) {
  json error{{"code", std::string(ConnectCodeOf(answer.code))}};
  if (!answer.text.empty()) error["message"] = answer.text;
  google::rpc::Status status;
  if (!status.ParseFromString(answer.details)) return error;
  for (const auto& detail : status.details()) {
    absl::string_view type = detail.type_url();
    type.remove_prefix(type.rfind('/') + 1);  // the whole where there is none
    json shown{{"type", std::string(type)}, {"value", http2::EncodeBinary(detail.value())}};
    const auto* descriptor =
        google::protobuf::DescriptorPool::generated_pool()->FindMessageTypeByName(
            std::string(type));
    if (descriptor != nullptr) {
      if (const auto debug = ToJson(*descriptor, detail.value()); debug.ok()) {
        shown["debug"] = json::parse(*debug, nullptr, /*allow_exceptions=*/false);
      }
    }
    error["details"].push_back(std::move(shown));
  }
  return error;
}

// A text that is no UTF-8 is shown as far as it is.
std::string Text(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::optional<std::string> PercentDecoded(absl::string_view text) {
  std::string decoded;
  decoded.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += text[i] == '+' ? ' ' : text[i];
      continue;
    }
    const absl::string_view digits = text.substr(i + 1, 2);
    if (digits.size() != 2 || !std::all_of(digits.begin(), digits.end(), [](char c) {
          return absl::ascii_isxdigit(static_cast<unsigned char>(c));
        })) {
      return std::nullopt;
    }
    decoded += absl::HexStringToBytes(digits);
    i += 2;
  }
  return decoded;
}

}  // namespace

int HttpStatusOf(absl::StatusCode code) {
  switch (code) {
    case absl::StatusCode::kOk:
      return 200;
    case absl::StatusCode::kCancelled:
      return 499;
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kOutOfRange:
      return 400;
    case absl::StatusCode::kDeadlineExceeded:
      return 504;
    case absl::StatusCode::kNotFound:
      return 404;
    case absl::StatusCode::kAlreadyExists:
    case absl::StatusCode::kAborted:
      return 409;
    case absl::StatusCode::kPermissionDenied:
      return 403;
    case absl::StatusCode::kResourceExhausted:
      return 429;
    case absl::StatusCode::kUnimplemented:
      return 501;
    case absl::StatusCode::kUnavailable:
      return 503;
    case absl::StatusCode::kUnauthenticated:
      return 401;
    default:
      return 500;
  }
}

absl::string_view ConnectCodeOf(absl::StatusCode code) {
  switch (code) {
    case absl::StatusCode::kCancelled:
      return "canceled";
    case absl::StatusCode::kInvalidArgument:
      return "invalid_argument";
    case absl::StatusCode::kDeadlineExceeded:
      return "deadline_exceeded";
    case absl::StatusCode::kNotFound:
      return "not_found";
    case absl::StatusCode::kAlreadyExists:
      return "already_exists";
    case absl::StatusCode::kPermissionDenied:
      return "permission_denied";
    case absl::StatusCode::kResourceExhausted:
      return "resource_exhausted";
    case absl::StatusCode::kFailedPrecondition:
      return "failed_precondition";
    case absl::StatusCode::kAborted:
      return "aborted";
    case absl::StatusCode::kOutOfRange:
      return "out_of_range";
    case absl::StatusCode::kUnimplemented:
      return "unimplemented";
    case absl::StatusCode::kInternal:
      return "internal";
    case absl::StatusCode::kUnavailable:
      return "unavailable";
    case absl::StatusCode::kDataLoss:
      return "data_loss";
    case absl::StatusCode::kUnauthenticated:
      return "unauthenticated";
    default:
      return "unknown";
  }
}

std::string ConnectError(const http2::Answer& answer) {
  return Text(ErrorOf(answer));
}

std::string ConnectEnd(const http2::Answer& answer) {
  json end = json::object();
  if (answer.code != absl::StatusCode::kOk) end["error"] = ErrorOf(answer);
  for (const http2::Field& field : answer.trailers) {
    end["metadata"][field.name].push_back(field.WireValue());
  }
  return Text(end);
}

std::optional<absl::Duration> ParseConnectTimeout(absl::string_view text) {
  constexpr size_t kMaxDigits = 10;
  int64_t milliseconds = 0;
  if (text.empty() || text.size() > kMaxDigits ||
      !std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; }) ||
      !absl::SimpleAtoi(text, &milliseconds)) {
    return std::nullopt;
  }
  return absl::Milliseconds(milliseconds);
}

absl::Status ParseConnectQuery(absl::string_view text, ConnectQuery* query) {
  bool base64 = false;
  for (const absl::string_view part : absl::StrSplit(text, '&', absl::SkipEmpty())) {
    const std::pair<absl::string_view, absl::string_view> pair =
        absl::StrSplit(part, absl::MaxSplits('=', 1));
    std::optional<std::string> value = PercentDecoded(pair.second);
    if (std::find(kParameters.begin(), kParameters.end(), pair.first) == kParameters.end()) {
      return QueryInvalid("");  // its name may be no text
    }
    if (!value.has_value()) return QueryInvalid(pair.first);
    if (pair.first == "message" && !query->message.has_value()) {
      query->message = std::move(value);
    } else if (pair.first == "encoding" && query->encoding.empty()) {
      query->encoding = *std::move(value);
    } else if (pair.first == "compression" && query->compression.empty()) {
      query->compression = *std::move(value);
    } else if (pair.first == "base64" && (*value == "1" || *value == "0")) {
      base64 = *value == "1";
    } else if (pair.first != "connect" || *value != "v1") {
      return QueryInvalid(pair.first);
    }
  }
  if (base64 && query->message.has_value()) {
    // Of both alphabets; padded or not.
    const std::string plain =
        absl::StrReplaceAll(*query->message, {{"-", "+"}, {"_", "/"}, {" ", "+"}});
    query->message = DecodeBase64(plain);
    if (!query->message.has_value()) return QueryInvalid("message");
  }
  return absl::OkStatus();
}

}  // namespace nisi::gateway
