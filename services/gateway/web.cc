#include "services/gateway/web.h"

#include <array>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/base/steady.h"
#include "common/rpc/answer.h"
#include "common/rpc/call_errors.h"
#include "services/gateway/calls.h"
#include "services/gateway/connect.h"
#include "services/gateway/errors.h"
#include "services/gateway/framed_call.h"
#include "services/gateway/reference.h"
#include "services/gateway/unary_call.h"

namespace nisi::gateway {
namespace {

constexpr int kNotFound = 404;
constexpr int kMethodNotAllowed = 405;

enum class Protocol { kUnary, kConnectStream, kGrpcWeb, kGrpcWebText };

struct ContentType {
  absl::string_view name;
  Protocol protocol;
  bool json;
};

constexpr std::array<ContentType, 8> kContentTypes{{
    {"application/json", Protocol::kUnary, true},
    {"application/proto", Protocol::kUnary, false},
    {"application/connect+json", Protocol::kConnectStream, true},
    {"application/connect+proto", Protocol::kConnectStream, false},
    {"application/grpc-web", Protocol::kGrpcWeb, false},
    {"application/grpc-web+proto", Protocol::kGrpcWeb, false},
    {"application/grpc-web-text", Protocol::kGrpcWebText, false},
    {"application/grpc-web-text+proto", Protocol::kGrpcWebText, false},
}};

// Null for what is none of them; parameters are dropped, JSON being UTF-8 whatever they say.
const ContentType* Find(absl::string_view text) {
  const std::string name =
      absl::AsciiStrToLower(absl::StripAsciiWhitespace(text.substr(0, text.find(';'))));
  for (const ContentType& type : kContentTypes) {
    if (type.name == name) return &type;
  }
  return nullptr;
}

bool Streams(const google::protobuf::MethodDescriptor& method) {
  return method.client_streaming() || method.server_streaming();
}

// Whether a method is called by that protocol: unary ones have a form of their own in Connect.
bool Takes(const google::protobuf::MethodDescriptor& method, Protocol protocol) {
  return Streams(method) ? protocol != Protocol::kUnary : protocol != Protocol::kConnectStream;
}

std::string Accepted(const google::protobuf::MethodDescriptor* method) {
  std::string names;
  for (const ContentType& type : kContentTypes) {
    if (method != nullptr && !Takes(*method, type.protocol)) continue;
    absl::StrAppend(&names, names.empty() ? "" : ", ", type.name);
  }
  return absl::StrCat(names, ", application/grpc");
}

// What is refused here becomes no call, which would count itself; it takes no time to speak of.
void Count(const WebRequest& request, absl::StatusCode code) {
  request.metrics->Started();
  request.metrics->Handled(code, absl::ZeroDuration());
}

void Refuse(const WebRequest& request, int http_status, const absl::Status& status) {
  Count(request, status.code());
  RespondError(request, http_status, rpc::ToAnswer(status, request.trace.id()));
}

void Refuse(const WebRequest& request, const absl::Status& status) {
  Refuse(request, HttpStatusOf(status.code()), status);
}

void RefuseContentType(WebRequest request) {
  constexpr int kUnsupportedMediaType = 415;
  const std::string accepted = Accepted(request.method);
  request.fields.Add("accept-post", accepted);
  Refuse(request, kUnsupportedMediaType, ContentTypeUnsupported(accepted));
}

void RefuseMethod(WebRequest request, const char* allowed) {
  request.fields.Add("allow", allowed);
  Refuse(request, kMethodNotAllowed, HttpMethodUnsupported(allowed));
}

bool IsCompressed(const http2::Fields& fields, absl::string_view name) {
  const std::string* const coding = fields.Find(name);
  return coding != nullptr && !coding->empty() && *coding != "identity";
}

// What Connect says in fields of its own.
absl::Status ReadConnectFields(http2::CallHead* head) {
  const std::string* const version = head->fields.Find("connect-protocol-version");
  if (version != nullptr && *version != "1") return ProtocolVersionUnsupported();
  if (const std::string* text = head->fields.Find("connect-timeout-ms"); text != nullptr) {
    // What is junk is none, as of gRPC.
    if (const auto timeout = ParseConnectTimeout(*text); timeout.has_value()) {
      head->deadline = base::SteadyNow() + *timeout;
    }
  }
  return absl::OkStatus();
}

void MarkCompressed(http2::CallHead* head) {
  if (head->fault == http2::Fault::kNone) head->fault = http2::Fault::kCompressed;
}

std::shared_ptr<http2::RequestTaker> TakeGet(WebRequest request, http2::CallHead head,
                                             absl::string_view query_text) {
  // A browser asks for all kinds of things, as the icon of a page.
  if (request.method == nullptr) {
    Refuse(request, kNotFound, rpc::MethodUnknown());
    return nullptr;
  }
  if (Streams(*request.method) || !ChangesNothing(*request.hub, head.path)) {
    RefuseMethod(std::move(request), "POST");
    return nullptr;
  }
  ConnectQuery query;
  if (const absl::Status parsed = ParseConnectQuery(query_text, &query); !parsed.ok()) {
    Refuse(request, parsed);
    return nullptr;
  }
  // As by whoever opens its address in a browser.
  if (query.encoding.empty()) {
    Refuse(request, QueryInvalid("encoding"));
    return nullptr;
  }
  if (query.encoding != "json" && query.encoding != "proto") {
    RefuseContentType(std::move(request));
    return nullptr;
  }
  request.json = query.encoding == "json";
  request.content_type = absl::StrCat("application/", query.encoding);
  request.fields.Add("cache-control", "no-store");
  if (!query.compression.empty() && query.compression != "identity") MarkCompressed(&head);
  if (!query.message.has_value()) {
    Refuse(request, QueryInvalid("message"));
    return nullptr;
  }
  return UnaryCall::Take(std::move(request), std::move(head), std::move(query.message));
}

std::shared_ptr<http2::RequestTaker> TakePost(WebRequest request, http2::RequestHead head) {
  const ContentType* const type = Find(head.content_type);
  if (type == nullptr || (request.method != nullptr && !Takes(*request.method, type->protocol))) {
    RefuseContentType(std::move(request));
    return nullptr;
  }
  request.json = type->json;
  request.content_type = std::string(type->name);
  http2::CallHead& call = head.call;
  switch (type->protocol) {
    case Protocol::kUnary:
      if (IsCompressed(call.fields, "content-encoding")) MarkCompressed(&call);
      return UnaryCall::Take(std::move(request), std::move(call), std::nullopt);
    case Protocol::kConnectStream:
      if (IsCompressed(call.fields, "connect-content-encoding")) MarkCompressed(&call);
      return FramedCall::Take(std::move(request), std::move(call), FramedCall::Form::kConnect);
    case Protocol::kGrpcWeb:
    case Protocol::kGrpcWebText:
      if (!head.encoding.empty() && head.encoding != "identity") MarkCompressed(&call);
      return FramedCall::Take(std::move(request), std::move(call),
                              type->protocol == Protocol::kGrpcWeb
                                  ? FramedCall::Form::kGrpcWeb
                                  : FramedCall::Form::kGrpcWebText);
  }
  return nullptr;
}

absl::string_view ValueOf(const http2::Fields& fields, absl::string_view name) {
  const std::string* const value = fields.Find(name);
  return value == nullptr ? absl::string_view() : *value;
}

// By which methods of HTTP a path is asked for.
const char* AllowedOf(const WebRequest& request, absl::string_view path) {
  if (FindPage(path, "", "").has_value()) return "GET, HEAD";
  const bool readable =
      request.method != nullptr && !Streams(*request.method) && ChangesNothing(*request.hub, path);
  return readable ? "GET, POST" : "POST";
}

// Whether it asked for a page, which anybody may have, and no call. Pages are larger than most
// answers, so they take from the same rate.
bool RespondPage(const WebRequest& request, const http2::CallHead& head) {
  const auto page = FindPage(head.path, ValueOf(head.fields, "accept-encoding"),
                             ValueOf(head.fields, "if-none-match"));
  if (!page.has_value()) return false;
  absl::Status admitted = request.hub->admission->AdmitPage(*head.peer, base::SteadyNow());
  if (admitted.ok() && !request.hub->memory.HasRoomFor(Rank::kPublic)) {
    ++request.hub->refused[static_cast<size_t>(Rank::kPublic)];
    admitted = base::Overloaded("memory", absl::Seconds(1));
  }
  if (!admitted.ok()) {
    Refuse(request, admitted);
    return true;
  }
  request.responder->Respond(page->status, page->headers, std::string(page->body));
  return true;
}

}  // namespace

std::shared_ptr<http2::RequestTaker> TakeRequest(Hub* hub, Ways* ways, http2::RequestHead head,
                                                 std::shared_ptr<http2::Responder> responder) {
  constexpr int kNoContent = 204;
  if (Cors::IsPreflight(head)) {
    responder->Respond(kNoContent, hub->cors->Preflight(head.call.fields), "");
    return nullptr;
  }
  WebRequest request;
  request.hub = hub;
  request.ways = ways;
  request.responder = std::move(responder);
  request.trace = TraceOf(head.call);
  request.fields = hub->cors->For(head.call.fields);
  const std::string target = std::exchange(head.call.path, std::string());
  const size_t question = target.find('?');
  head.call.path = target.substr(0, question);
  request.method = FindMethod(*hub, head.call.path);
  request.metrics = &MetricsOf(*hub, head.call.path);
  // First: what was over the bound is not there, as the content type may be.
  if (head.call.fault == http2::Fault::kMetadataTooLarge) {
    Refuse(request, rpc::MetadataTooLarge(kMaxMetadataBytes));
    return nullptr;
  }
  if (const absl::Status read = ReadConnectFields(&head.call); !read.ok()) {
    Refuse(request, read);
    return nullptr;
  }
  const bool gets = head.method == "GET";
  if ((gets || head.method == "HEAD") && RespondPage(request, head.call)) return nullptr;
  if (gets) {
    return TakeGet(std::move(request), std::move(head.call),
                   question == std::string::npos ? absl::string_view()
                                                 : absl::string_view(target).substr(question + 1));
  }
  if (head.method != "POST") {
    const char* const allowed = AllowedOf(request, head.call.path);
    RefuseMethod(std::move(request), allowed);
    return nullptr;
  }
  return TakePost(std::move(request), std::move(head));
}

}  // namespace nisi::gateway
