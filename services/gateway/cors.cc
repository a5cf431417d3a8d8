#include "services/gateway/cors.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "services/gateway/errors.h"

namespace nisi::gateway {
namespace {

constexpr char kOrigin[] = "origin";
constexpr char kVary[] = "vary";
constexpr char kAskedMethod[] = "access-control-request-method";
// What clients of gRPC-Web and Connect send, and what the gateway reads.
constexpr char kHeaders[] =
    "authorization, content-type, connect-protocol-version, connect-timeout-ms, grpc-timeout, "
    "nisi-service, traceparent, tracestate, x-grpc-web, x-user-agent";
constexpr char kSeconds[] = "7200";  // the longest that Chromium keeps it

bool IsOrigin(absl::string_view text) {
  if (!absl::ConsumePrefix(&text, "https://") && !absl::ConsumePrefix(&text, "http://")) {
    return false;
  }
  return !text.empty() && text.find_first_of("/?#@* \t") == absl::string_view::npos;
}

}  // namespace

absl::Status Cors::Check(const std::vector<std::string>& origins) {
  for (const std::string& origin : origins) {
    if (!IsOrigin(origin)) {
      return BadSetup(absl::StrCat("--origin ", origin, ": as https://portal.example"));
    }
  }
  return absl::OkStatus();
}

bool Cors::IsPreflight(const http2::RequestHead& head) {
  return head.method == "OPTIONS" && head.call.fields.Find(kOrigin) != nullptr &&
         head.call.fields.Find(kAskedMethod) != nullptr;
}

std::string Cors::OriginOf(const http2::Fields& asked) const {
  const std::string* const origin = asked.Find(kOrigin);
  return origin != nullptr && origins_.contains(*origin) ? *origin : "";
}

http2::Fields Cors::Preflight(const http2::Fields& asked) const {
  http2::Fields fields;
  fields.Add(kVary, "origin, access-control-request-method, access-control-request-headers");
  if (std::string origin = OriginOf(asked); !origin.empty()) {
    fields.Add("access-control-allow-origin", std::move(origin));
    fields.Add("access-control-allow-methods", "GET, POST");
    fields.Add("access-control-allow-headers", kHeaders);
    fields.Add("access-control-max-age", kSeconds);
  }
  return fields;
}

http2::Fields Cors::For(const http2::Fields& asked) const {
  http2::Fields fields;
  if (origins_.empty()) return fields;
  fields.Add(kVary, kOrigin);
  if (std::string origin = OriginOf(asked); !origin.empty()) {
    fields.Add("access-control-allow-origin", std::move(origin));
    fields.Add("access-control-expose-headers", "*");  // all: it has no cookies to guard
  }
  return fields;
}

}  // namespace nisi::gateway
