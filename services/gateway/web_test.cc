// Every protocol that is no gRPC, by libcurl in both versions of HTTP.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <thread>

#include "absl/strings/escaping.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "common/http2/message_reader.h"
#include "services/gateway/test_gateway.h"
#include "services/gateway/test_http.h"

namespace nisi::gateway {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kCreate[] = "/nisi.testing.v1.WidgetService/CreateWidget";
constexpr char kBadRequest[] = "google.rpc.BadRequest";
constexpr size_t kLargeField = 9000;
constexpr char kTraceparent[] =
    "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
constexpr char kTraceId[] = "0af7651916cd43dd8448eb211c80319c";

// What the caller of a failed call can quote; "" where it got nothing.
std::string TraceIdOf(const HttpAnswer& answer) {
  return answer.Detail("google.rpc.RequestInfo").value("requestId", "");
}

std::string Frame(const std::string& message, int flags = 0) {
  auto prefix = http2::PrefixFor(message.size());
  prefix[0] = static_cast<char>(flags);
  return std::string(prefix.data(), prefix.size()) + message;
}

struct Framed {
  int flags;
  std::string message;
};
std::vector<Framed> FramesOf(std::string bytes) {
  std::vector<Framed> frames;
  while (bytes.size() >= http2::kPrefixBytes) {
    uint32_t size = 0;
    std::memcpy(&size, bytes.data() + 1, sizeof size);
    size = ntohl(size);
    frames.push_back(
        {static_cast<unsigned char>(bytes[0]), bytes.substr(http2::kPrefixBytes, size)});
    bytes.erase(0, http2::kPrefixBytes + size);
  }
  EXPECT_TRUE(bytes.empty());
  return frames;
}

class WebTest : public GatewayTest, public ::testing::WithParamInterface<HttpVersion> {
 protected:
  void Start(const Limits& limits = Limits(), std::vector<std::string> origins = {}) {
    StartGateway(limits, std::move(origins));
    client_ = std::make_unique<HttpClient>(gateway_->port(), GetParam());
  }
  HttpClient& client() { return *client_; }
  std::string Bearer(rpc::Role role) { return absl::StrCat("authorization: ", Token(role)); }

  std::unique_ptr<HttpClient> client_;
};

INSTANTIATE_TEST_SUITE_P(Http, WebTest, ::testing::Values(HttpVersion::k1, HttpVersion::k2),
                         [](const auto& of) {
                           return of.param == HttpVersion::k1 ? "Version1" : "Version2";
                         });

TEST_P(WebTest, JsonAndBytes) {
  Start();
  const HttpAnswer answer = client().PostJson(kEcho, R"({"text": "hello"})");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.Field("content-type"), "application/json");
  EXPECT_EQ(answer.Json(), json({{"text", "hello"}}));
  EXPECT_EQ(answer.Field("trailer-nisi-position"), "42");
  const HttpAnswer bytes =
      client().Post(kEcho, Message("hello"), {"content-type: application/proto"});
  EXPECT_EQ(bytes.status, 200);
  EXPECT_EQ(bytes.Field("content-type"), "application/proto");
  EXPECT_EQ(bytes.body, Message("hello"));
  if (GetParam() == HttpVersion::k1) {
    EXPECT_EQ(client().connections(), 0) << "the connection is kept";
  }
  EXPECT_EQ(client()
                .Post(kEcho, R"({"text":"x"})", {"content-type: application/json; charset=utf-8"})
                .status,
            200);
  EXPECT_EQ(client().PostJson("/grpc.health.v1.Health/Check", "{}").Json(),
            json({{"status", "SERVING"}}));
}

TEST_P(WebTest, LargeOnesPass) {
  Start();
  const std::string large(1 << 20, 'x');
  const HttpAnswer answer = client().PostJson(kEcho, json({{"text", large}}).dump());
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.Json(), json({{"text", large}}));
}

TEST_P(WebTest, AServicesRefusalIsWhole) {
  Start();
  const HttpAnswer answer = client().PostJson(kEcho, R"({"text": "fail"})");
  EXPECT_EQ(answer.status, 409);
  EXPECT_EQ(answer.Field("content-type"), "application/json");
  EXPECT_EQ(answer.Json()["code"], "aborted");
  EXPECT_EQ(answer.Json().value("message", ""), base::EtagMismatch("abc").message());
  EXPECT_EQ(answer.Reason(), base::ReasonOf(base::EtagMismatch("abc")));
  EXPECT_EQ(answer.Field("trailer-nisi-position"), "7");
  google::rpc::ErrorInfo info;
  std::string bytes;
  const std::string value = answer.Json()["details"][0]["value"];
  ASSERT_TRUE(absl::Base64Unescape(value, &bytes) && info.ParseFromString(bytes));
  EXPECT_EQ(info.reason(), answer.Reason());
}

TEST_P(WebTest, RefusesBeforeTheBackend) {
  Start();
  const auto refused = [&](const std::string& path, const std::string& body,
                           std::vector<std::string> headers, long status,
                           const std::string& reason) {
    headers.insert(headers.begin(), kTraceparent);
    const HttpAnswer answer = client().PostJson(path, body, std::move(headers));
    EXPECT_EQ(answer.status, status) << answer.body;
    EXPECT_EQ(answer.Reason(), reason) << answer.body;
    EXPECT_EQ(TraceIdOf(answer), kTraceId) << answer.body;
    if (reason == "METADATA_TOO_LARGE") {
      EXPECT_EQ(answer.Detail("google.rpc.ErrorInfo")["metadata"]["maxBytes"], "8192");
    }
  };
  const std::string token = Bearer(rpc::v1::CUSTOMER);
  refused("/no.Service/No", "{}", {}, 501, "METHOD_UNKNOWN");
  refused(kGet, "{}", {}, 401, "IDENTITY_REQUIRED");
  refused(kGet, "{}", {token}, 403, "ACCESS_DENIED");
  refused(kEcho, "{}", {"authorization: Bearer x"}, 401, "TOKEN_INVALID");
  refused(kEcho, "{}", {"nisi-position: 1"}, 400, "RESERVED_METADATA");
  refused(kEcho, "{}", {absl::StrCat("large: ", std::string(kLargeField, 'v'))}, 429,
          "METADATA_TOO_LARGE");
  // 70,000 bytes, each entry with its 32: more than the carrier keeps.
  std::vector<std::string> entries(2000, "abc;");
  refused(kEcho, "{}", entries, 429, "METADATA_TOO_LARGE");
  refused(kEcho, "{}", {"content-encoding: gzip"}, 501, "COMPRESSION_UNSUPPORTED");
  refused(kEcho, "{}", {"connect-protocol-version: 2"}, 400, "PROTOCOL_VERSION_UNSUPPORTED");
  refused(kEcho, std::string((4 << 20) + 1, ' '), {}, 429, "MESSAGE_TOO_LARGE");
  refused(kEcho, "", {}, 400, "MALFORMED_MESSAGE");
  refused(kCount, "{}", {}, 415, "CONTENT_TYPE_UNSUPPORTED");
  EXPECT_EQ(seen_.Count("message"), 0);
  EXPECT_EQ(client().PostJson(kEcho, "{}").status, 200);
}

// Who reads no more of an answer than HTTP says: to sign in, and when to come again.
TEST_P(WebTest, ErrorsSayWhatHttpHasFieldsFor) {
  Start();
  EXPECT_EQ(client().PostJson(kGet, "{}").Field("www-authenticate"), "Bearer");
  EXPECT_EQ(client().PostJson(kEcho, "{}", {"authorization: Bearer x"}).Field("www-authenticate"),
            "Bearer error=\"invalid_token\"");
  EXPECT_EQ(client().PostJson(kGet, "{}", {Bearer(rpc::v1::CUSTOMER)}).Field("www-authenticate"),
            "");
  // One that would be as large the next time has no time to come again.
  const HttpAnswer large = client().PostJson(kEcho, std::string((4 << 20) + 1, ' '));
  EXPECT_EQ(large.status, 429);
  EXPECT_EQ(large.Field("retry-after"), "");
  StopBackend();
  const HttpAnswer away = client().PostJson(kEcho, "{}");
  ASSERT_EQ(away.status, 503) << away.body;
  EXPECT_EQ(away.Reason(), "BACKEND_UNAVAILABLE");
  EXPECT_EQ(away.Field("retry-after"), "1");
}

TEST_P(WebTest, WhatIsNoCallIsToldWhatIs) {
  Start();
  const HttpAnswer type = client().Post(kEcho, "x", {"content-type: text/plain", kTraceparent});
  EXPECT_EQ(type.status, 415);
  EXPECT_EQ(type.Reason(), "CONTENT_TYPE_UNSUPPORTED");
  EXPECT_THAT(type.Field("accept-post"), HasSubstr("application/json"));
  const HttpAnswer head = client().Other("HEAD", kEcho);
  EXPECT_EQ(head.status, 405);
  EXPECT_EQ(head.Field("allow"), "GET, POST");
  EXPECT_EQ(client().Other("PUT", "/openapi.json").Field("allow"), "GET, HEAD");
  const HttpAnswer put = client().Other("PUT", kEcho);
  EXPECT_EQ(put.status, 405);
  EXPECT_EQ(put.Field("allow"), "GET, POST");
  EXPECT_EQ(client().Other("DELETE", kCreate).Field("allow"), "POST");
  // None of it became a call: it is counted and can be quoted as those are.
  EXPECT_EQ(TraceIdOf(type), kTraceId);
  EXPECT_EQ(TraceIdOf(put).size(), std::strlen(kTraceId));
  EXPECT_NE(TraceIdOf(put), TraceIdOf(client().Other("PUT", kEcho)));
  EXPECT_EQ(Handled("Echo", "Unimplemented"), 4);
  EXPECT_EQ(Handled("CreateWidget", "Unimplemented"), 1);
  EXPECT_EQ(TraceIdOf(client().Post("/no", "x", {"content-type: text/plain", kTraceparent})),
            kTraceId);
  EXPECT_EQ(Handled("unknown", "Unimplemented"), 2);
}

TEST_P(WebTest, WhoCompressesIsToldWhatIsTaken) {
  if (GetParam() == HttpVersion::k1) return;  // gRPC is of HTTP/2
  Start();
  constexpr char kUnimplemented[] = "12";
  const auto call = [&](int flags, HttpClient::Headers headers) {
    headers.insert(headers.end(), {"content-type: application/grpc", "te: trailers"});
    HttpAnswer answer;
    // Debian's curl fails where the answer and the end of the stream come before it has sent all.
    for (int tries = 0; answer.status == 0 && tries < 100; ++tries) {
      answer = client().Post(kEcho, Frame("x", flags), headers);
    }
    return answer;
  };
  for (const HttpAnswer& answer : {call(1, {"grpc-encoding: gzip"}), call(1, {})}) {
    EXPECT_EQ(answer.Field("grpc-status"), kUnimplemented);
    EXPECT_EQ(answer.Field("grpc-accept-encoding"), "identity");
  }
  EXPECT_EQ(call(0, {}).Field("grpc-accept-encoding"), "");
}

TEST_P(WebTest, WhatFindsNoRoomCanBeQuoted) {
  Limits limits;
  limits.clients.max_held_bytes = 512 << 10;
  Start(limits);
  const std::string large = json({{"text", std::string(600'000, 'x')}}).dump();
  const HttpAnswer answer = client().PostJson(kEcho, large, {kTraceparent});
  ASSERT_EQ(answer.status, 429);
  EXPECT_EQ(answer.Reason(), "OVERLOADED");
  EXPECT_EQ(TraceIdOf(answer), kTraceId);
  EXPECT_EQ(Handled("Echo", "ResourceExhausted"), 1);
}

TEST_P(WebTest, AnAnswerNeedsNoRoomBesideThatOfItsRequest) {
  Limits limits;
  limits.clients.max_held_bytes = 1 << 20;
  Start(limits);
  const std::string text(300'000, 'x');
  const HttpAnswer answer = client().PostJson(kEcho, json({{"text", text}}).dump());
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(json::parse(answer.body).value("text", ""), text);
}

TEST_P(WebTest, JsonIsReadStrictlyAndNamesTheField) {
  Start();
  const std::string token = Bearer(rpc::v1::ENTITY);
  const auto field_of = [&](const std::string& body) {
    const HttpAnswer answer = client().PostJson(kCreate, body, {token});
    EXPECT_EQ(answer.status, 400) << body;
    EXPECT_EQ(answer.Reason(), "MALFORMED_MESSAGE") << body;
    const json violations = answer.Detail(kBadRequest).value("fieldViolations", json::array());
    return violations.empty() ? "" : violations[0].value("field", "");
  };
  EXPECT_EQ(field_of(R"({"widgett": {}})"), "widgett");
  EXPECT_EQ(field_of(R"({"widget": {"colour": "red"}})"), "widget.colour");
  EXPECT_EQ(field_of(R"({"widget": {"weight": "heavy"}})"), "widget.weight");
  EXPECT_EQ(field_of(R"({"widget": {"weight": 1.5}})"), "widget.weight");
  EXPECT_EQ(field_of(R"({"widget": {"tags": ["a", 2]}})"), "widget.tags[1]");
  EXPECT_EQ(field_of(R"({"widget": {"size": "HUGE"}})"), "widget.size");
  EXPECT_EQ(field_of(R"({"widget": 7})"), "widget");
  EXPECT_EQ(field_of(R"({"widget": {"update_time": "yesterday"}})"), "widget.update_time");
  EXPECT_EQ(field_of(R"({"widget": {"color": "a", "color": "b"}})"), "widget.color");
  EXPECT_EQ(field_of("[]"), "");
  EXPECT_EQ(field_of(R"({"widget": {})"), "");
  EXPECT_EQ(field_of(R"({"widget": {},})"), "");
  EXPECT_EQ(field_of(R"({'widget': {}})"), "");
  EXPECT_EQ(field_of("{\"requestId\": \"\xff\"}"), "");
  EXPECT_EQ(seen_.Count("message"), 0);
}

TEST_P(WebTest, GetReadsAndChangesNothing) {
  Start();
  const std::string query = "?connect=v1&encoding=json&message=";
  const HttpAnswer answer =
      client().Get(absl::StrCat(kEcho, query, "%7B%22text%22%3A%22a%20b%22%7D"));
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(answer.Json(), json({{"text", "a b"}}));
  EXPECT_EQ(answer.Field("cache-control"), "no-store");
  const HttpAnswer bytes = client().Get(absl::StrCat(
      kEcho,
      "?encoding=proto&base64=1&message=", absl::WebSafeBase64Escape(Message("\xd0\xb6?>"))));
  EXPECT_EQ(bytes.status, 200) << bytes.body;
  EXPECT_EQ(bytes.body, Message("\xd0\xb6?>"));
  EXPECT_EQ(client().Get(absl::StrCat(kEcho, "?encoding=proto&message=")).status, 200);
  const HttpAnswer change =
      client().Get(absl::StrCat(kCreate, query, "%7B%7D"), {Bearer(rpc::v1::ENTITY)});
  EXPECT_EQ(change.status, 405);
  EXPECT_EQ(change.Field("allow"), "POST");
  EXPECT_EQ(change.Reason(), "HTTP_METHOD_UNSUPPORTED");
  EXPECT_EQ(client().Get(absl::StrCat(kCount, query, "%7B%7D")).status, 405);
  EXPECT_EQ(client().Get(absl::StrCat(kGet, query, "%7B%7D")).Reason(), "IDENTITY_REQUIRED");
  for (const char* path :
       {"/no.Service/No?encoding=json&message=%7B%7D", "/no.Service/No", "/favicon.ico", "/docs"}) {
    const HttpAnswer none = client().Get(path);
    EXPECT_EQ(none.status, 404) << path;
    EXPECT_EQ(none.Reason(), "METHOD_UNKNOWN") << path;
  }
  EXPECT_EQ(
      client().Get(absl::StrCat(kEcho, "?compression=gzip&encoding=json&message=%7B%7D")).Reason(),
      "COMPRESSION_UNSUPPORTED");
  EXPECT_EQ(client().Get(absl::StrCat(kEcho, "?encoding=xml&message=")).status, 415);
  for (const std::string bad :
       {"", "?message=%7B%7D", "?encoding=json", "?encoding=json&message=%7B%7D&message=%7B%7D",
        "?connect=v2", "?encoding=json&message=%zz", "?encoding=proto&base64=1&message=***",
        "?encoding=proto&base64=1&message=CgFhCgF.", "?encoding=proto&base64=1&message=CgFh%0A",
        "?unheard=of"}) {
    const HttpAnswer refused = client().Get(absl::StrCat(kEcho, bad), {kTraceparent});
    EXPECT_EQ(refused.status, 400) << bad;
    EXPECT_EQ(refused.Reason(), "QUERY_INVALID") << bad;
    EXPECT_THAT(refused.Json()["message"].get<std::string>(),
                HasSubstr("?encoding=json&message={}"));
    EXPECT_EQ(TraceIdOf(refused), kTraceId) << bad;
  }
}

TEST_P(WebTest, APageIsAskedForWithoutItsBody) {
  Start();
  const HttpAnswer whole = client().Get("/openapi.json");
  const HttpAnswer head = client().Other("HEAD", "/openapi.json");
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.body, "");
  for (const char* field : {"etag", "content-type", "content-length"}) {
    EXPECT_EQ(head.Field(field), whole.Field(field)) << field;
  }
  EXPECT_EQ(client().Other("HEAD", "/").status, 302);
  EXPECT_EQ(client().Get("/openapi.json").body, whole.body);
}

TEST_P(WebTest, AStreamOfTheConnectProtocol) {
  Start();
  const HttpAnswer answer =
      client().Post(kCount, Frame(R"({"count": 3})"), {"content-type: application/connect+json"});
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.Field("content-type"), "application/connect+json");
  const std::vector<Framed> frames = FramesOf(answer.body);
  ASSERT_EQ(frames.size(), 4U);
  EXPECT_EQ(json::parse(frames[0].message), json({{"name", "widget"}}));
  EXPECT_EQ(frames[0].flags, 0);
  EXPECT_EQ(frames[3].flags, 2);
  EXPECT_EQ(frames[3].message, "{}");
  const HttpAnswer refused = client().Post("/nisi.testing.v1.WidgetService/No", Frame("{}"),
                                           {"content-type: application/connect+json"});
  EXPECT_EQ(refused.status, 200);
  const json end = json::parse(FramesOf(refused.body).at(0).message);
  EXPECT_EQ(end["error"]["code"], "unimplemented");
  EXPECT_EQ(end["error"]["details"][0]["debug"]["reason"], "METHOD_UNKNOWN");
  const auto error_of = [&](const std::string& body) {
    const HttpAnswer got = client().Post(kCount, body, {"content-type: application/connect+proto"});
    EXPECT_EQ(got.status, 200);
    const json error = json::parse(FramesOf(got.body).back().message)["error"];
    return error["details"][0]["debug"].value("reason", "");
  };
  EXPECT_EQ(error_of(""), "MESSAGE_COUNT");
  EXPECT_EQ(error_of(Frame("") + Frame("")), "MESSAGE_COUNT");
  EXPECT_EQ(error_of(Frame("x").substr(0, 5)), "MESSAGE_COUNT");
  EXPECT_EQ(error_of(Frame("x", 1)), "COMPRESSION_UNSUPPORTED");
  EXPECT_EQ(client().Post(kEcho, Frame("{}"), {"content-type: application/connect+json"}).status,
            415);
}

TEST_P(WebTest, AnUploadOfTheConnectProtocol) {
  Start();
  std::string body;
  for (int i = 0; i < 100; ++i) body += Frame(std::string(10'000, 'x'));
  const HttpAnswer answer = client().Post(
      kCollect, body, {"content-type: application/connect+proto", Bearer(rpc::v1::ENTITY)});
  EXPECT_EQ(answer.status, 200);
  const std::vector<Framed> frames = FramesOf(answer.body);
  ASSERT_EQ(frames.size(), 2U);
  EXPECT_EQ(frames[0].message, "100");
}

TEST_P(WebTest, GrpcWeb) {
  Start();
  const HttpAnswer answer =
      client().Post(kEcho, Frame(Message("hi")), {"content-type: application/grpc-web+proto"});
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.Field("content-type"), "application/grpc-web+proto");
  std::vector<Framed> frames = FramesOf(answer.body);
  ASSERT_EQ(frames.size(), 2U);
  EXPECT_EQ(frames[0].message, Message("hi"));
  EXPECT_EQ(frames[1].flags, 0x80);
  EXPECT_THAT(frames[1].message, HasSubstr("grpc-status: 0\r\n"));
  EXPECT_THAT(frames[1].message, HasSubstr("nisi-position: 42\r\n"));
  const HttpAnswer failed =
      client().Post(kEcho, Frame(Message("fail")), {"content-type: application/grpc-web"});
  EXPECT_EQ(failed.status, 200);
  frames = FramesOf(failed.body);
  ASSERT_EQ(frames.size(), 1U);
  EXPECT_THAT(frames[0].message, HasSubstr("grpc-status: 10\r\n"));
  EXPECT_THAT(frames[0].message, HasSubstr("grpc-status-details-bin: "));
  const HttpAnswer stream =
      client().Post(kCount, Frame("\x08\x02"), {"content-type: application/grpc-web"});
  EXPECT_EQ(FramesOf(stream.body).size(), 3U);
  const HttpAnswer hanging = client().Post(
      kEcho, Frame(Message("hang")), {"content-type: application/grpc-web", "grpc-timeout: 100m"});
  EXPECT_THAT(FramesOf(hanging.body).at(0).message, HasSubstr("grpc-status: 4\r\n"));
}

TEST_P(WebTest, GrpcWebAsText) {
  Start();
  // Two pieces, each padded by itself, as a stream of them is.
  const std::string frame = Frame(Message("hello"));
  const std::string text =
      absl::Base64Escape(frame.substr(0, 5)) + absl::Base64Escape(frame.substr(5));
  const HttpAnswer answer = client().Post(kEcho, text, {"content-type: application/grpc-web-text"});
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.Field("content-type"), "application/grpc-web-text");
  const size_t first = absl::Base64Escape(frame).size();
  std::string message;
  std::string end;
  ASSERT_TRUE(absl::Base64Unescape(answer.body.substr(0, first), &message));
  ASSERT_TRUE(absl::Base64Unescape(answer.body.substr(first), &end));
  EXPECT_EQ(message, frame);
  EXPECT_THAT(end, HasSubstr("grpc-status: 0\r\n"));
  for (const std::string& bad : {std::string("!!!!"), absl::StrReplaceAll(text, {{"=", "."}})}) {
    const HttpAnswer refused =
        client().Post(kEcho, bad, {"content-type: application/grpc-web-text"});
    ASSERT_TRUE(absl::Base64Unescape(refused.body, &end));
    EXPECT_THAT(end, HasSubstr("grpc-status: 3\r\n"));
  }
}

TEST_P(WebTest, PagesOfNamedOriginsMayCall) {
  Start(Limits(), {"https://portal.example"});
  const std::vector<std::string> ask{"origin: https://portal.example",
                                     "access-control-request-method: POST",
                                     "access-control-request-headers: content-type"};
  const HttpAnswer may = client().Other("OPTIONS", kEcho, ask);
  EXPECT_EQ(may.status, 204);
  EXPECT_EQ(may.Field("access-control-allow-origin"), "https://portal.example");
  EXPECT_THAT(may.Field("access-control-allow-headers"), HasSubstr("authorization"));
  EXPECT_THAT(may.Field("vary"), HasSubstr("origin"));
  const HttpAnswer may_not = client().Other(
      "OPTIONS", kEcho, {"origin: https://other.example", "access-control-request-method: POST"});
  EXPECT_EQ(may_not.status, 204);
  EXPECT_EQ(may_not.Field("access-control-allow-origin"), "");
  const HttpAnswer called =
      client().PostJson(kEcho, R"({"text":"x"})", {"origin: https://portal.example"});
  EXPECT_EQ(called.Field("access-control-allow-origin"), "https://portal.example");
  EXPECT_EQ(called.Field("access-control-expose-headers"), "*");
  const HttpAnswer refused =
      client().PostJson("/no.Service/No", "{}", {"origin: https://portal.example"});
  EXPECT_EQ(refused.Field("access-control-allow-origin"), "https://portal.example");
  EXPECT_EQ(client()
                .PostJson(kEcho, "{}", {"origin: https://other.example"})
                .Field("access-control-allow-origin"),
            "");
}

TEST_P(WebTest, DeadlinesHold) {
  Start();
  const HttpAnswer answer =
      client().PostJson(kEcho, R"({"text":"hang"})", {"connect-timeout-ms: 200"});
  EXPECT_EQ(answer.status, 504);
  EXPECT_EQ(answer.Reason(), "DEADLINE_EXCEEDED");
  seen_.Wait("cancelled");
}

TEST_P(WebTest, AClientThatGoesCancels) {
  Start();
  client().SetPatience(200);
  EXPECT_EQ(client().PostJson(kEcho, R"({"text":"hang"})").status, 0);
  seen_.Wait("cancelled");
  EXPECT_EQ(
      client().Post(kCount, Frame("forever"), {"content-type: application/connect+proto"}).status,
      0);
  seen_.Wait("cancelled", 2);
}

TEST_P(WebTest, DrainAnswersWhatIsUnderWay) {
  Start();
  HttpAnswer held;
  std::thread holder([&] { held = client().PostJson(kEcho, R"({"text":"hold"})"); });
  seen_.Wait("holding");
  HttpAnswer stream;
  std::thread watcher([&] {
    HttpClient other(gateway_->port(), GetParam());
    stream = other.Post(kCount, Frame("watch"), {"content-type: application/connect+proto"});
  });
  seen_.Wait("written");
  std::thread drain([&] { gateway_->Drain(absl::Seconds(30)); });
  watcher.join();
  service_->Release();
  holder.join();
  drain.join();
  EXPECT_EQ(held.status, 200);
  EXPECT_EQ(held.Json(), json({{"text", "held"}}));
  EXPECT_THAT(FramesOf(stream.body).back().message, HasSubstr("SHUTTING_DOWN"));
}

TEST_P(WebTest, OneCallerHasItsShareOverAllProtocols) {
  Limits limits;
  limits.calls_per_second = 1e-6;
  limits.burst = 2;
  Start(limits);
  EXPECT_EQ(client().PostJson(kEcho, "{}").status, 200);
  EXPECT_TRUE(Call(kEcho, {"x"}).ok());
  EXPECT_EQ(client().PostJson(kEcho, "{}").Reason(), "RATE_LIMITED");
}

TEST_P(WebTest, PagesCountAsCallsOfTheirAddress) {
  Limits limits;
  limits.calls_per_second = 1e-6;
  limits.burst = 3;
  Start(limits);
  EXPECT_EQ(client().Get("/reference/").status, 200);
  EXPECT_EQ(client().Get("/").status, 302);
  EXPECT_EQ(client().PostJson(kEcho, "{}").status, 200);
  const HttpAnswer refused = client().Get("/reference/", {kTraceparent});
  EXPECT_EQ(TraceIdOf(refused), kTraceId);
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(refused.Reason(), "RATE_LIMITED");
  EXPECT_EQ(client().PostJson(kEcho, "{}").Reason(), "RATE_LIMITED");
  EXPECT_EQ(client().PostJson(kEcho, "{}", {Bearer(rpc::v1::AUDITOR)}).status, 200);
}

// HTTP/1.1 by hand.

class Http1Test : public GatewayTest {
 protected:
  static std::string Post(const std::string& body, const std::string& more = "") {
    return absl::StrCat("POST ", kEcho,
                        " HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n", more,
                        "Content-Length: ", body.size(), "\r\n\r\n", body);
  }
  // What a terminator says of a connection of IPv6.
  static std::string From(const std::string& network, char machine) {
    return std::string("\r\n\r\n\0\r\nQUIT\n\x21\x21\0\x24", 16) + network + std::string(7, '\0') +
           machine + std::string(20, '\1');
  }
  double Metric(const std::string& name) const {
    const std::string text = metrics_.Text();
    const size_t at = text.find("\n" + name + "{");
    if (at == std::string::npos) return -1;
    return std::atof(text.c_str() + text.find("} ", at) + 2);
  }
  std::string Answer(const std::string& sent) {
    RawConnection connection(gateway_->port());
    connection.Send(sent);
    return connection.ReadAll();
  }
};

TEST_F(Http1Test, RequestsSentAtOnceAreAnsweredInTheirOrder) {
  StartGateway();
  std::string sent;
  for (int i = 0; i < 50; ++i) sent += Post(absl::StrCat("{\"text\":\"<", i, ">\"}"));
  sent += Post("{\"text\":\"last\"}", "Connection: close\r\n");
  const std::string got = Answer(sent);
  size_t at = 0;
  for (int i = 0; i < 50; ++i) {
    at = got.find(absl::StrCat("<", i, ">"), at);
    ASSERT_NE(at, std::string::npos) << i << got;
  }
  EXPECT_NE(got.find("last", at), std::string::npos);
  EXPECT_EQ(seen_.Count("message"), 51);
}

// Whose calls are mostly refused is read when others were answered, and loses nothing by it.
TEST_F(Http1Test, WhoIsRefusedIsReadLater) {
  Limits limits;
  limits.calls_per_second = 1e-6;
  limits.burst = 1;
  StartGateway(limits);
  std::string sent;
  for (int i = 0; i < 200; ++i) sent += Post("{}");
  const std::string got = Answer(sent + Post("{}", "Connection: close\r\n"));
  size_t refused = 0;
  for (size_t at = got.find("HTTP/1.1 429"); at != std::string::npos;
       at = got.find("HTTP/1.1 429", at + 1)) {
    ++refused;
  }
  EXPECT_EQ(refused, 200U);
  EXPECT_GT(Metric("nisi_gateway_rests_total"), 0);
  EXPECT_EQ(Metric("nisi_gateway_resting_connections"), 0);
}

// Many answers are not made for whoever takes none.
TEST_F(Http1Test, ARequestWaitsUntilTheAnswersBeforeItAreTaken) {
  Limits limits;
  limits.clients.max_held_bytes = 8 << 20;
  StartGateway(limits);
  constexpr int kCount = 10;
  RawConnection connection(gateway_->port());
  for (int i = 0; i < kCount; ++i) {
    connection.Send(absl::StrCat("GET /openapi.json HTTP/1.1\r\nHost: x\r\n",
                                 i + 1 == kCount ? "Connection: close\r\n" : "", "\r\n"));
  }
  const std::string got = connection.ReadAll();
  int whole = 0;
  for (size_t at = got.find("HTTP/1.1 200"); at != std::string::npos;
       at = got.find("HTTP/1.1 200", at + 1)) {
    ++whole;
  }
  EXPECT_EQ(whole, kCount);
  const size_t close = std::string("connection: close\r\n").size();
  EXPECT_EQ((got.size() - close) % kCount, 0U) << "all are whole";
}

TEST_F(Http1Test, AnOldConnectionEndsWithItsNextAnswer) {
  Limits limits;
  limits.clients.age = absl::Nanoseconds(1);
  StartGateway(limits);
  const std::string got = Answer(Post(R"({"text":"first"})") + Post(R"({"text":"second"})"));
  EXPECT_THAT(got, HasSubstr("connection: close\r\n"));
  EXPECT_THAT(got, HasSubstr(R"({"text":"first"})"));
  EXPECT_THAT(got, Not(HasSubstr("second")));
}

// Whoever has one address of IPv6 has 2^64 of them.
TEST_F(Http1Test, AllAddressesOfANetworkAreOne) {
  edges_ = {"127.0.0.1"};
  Limits limits;
  limits.calls_per_second = 1e-6;
  limits.burst = 2;
  limits.bad_tokens = {2, 1e-6};
  StartGateway(limits);
  const std::string here("\x20\x01\x0d\xb8\0\0\0\1", 8);
  const std::string there("\x20\x01\x0d\xb8\0\0\0\2", 8);
  const auto call = [&](const std::string& network, char machine, const std::string& more) {
    return Answer(From(network, machine) + Post("{}", more + "Connection: close\r\n"));
  };
  EXPECT_THAT(call(here, 1, ""), HasSubstr("HTTP/1.1 200"));
  EXPECT_THAT(call(here, 2, ""), HasSubstr("HTTP/1.1 200"));
  EXPECT_THAT(call(here, 3, ""), HasSubstr("RATE_LIMITED"));
  EXPECT_THAT(call(there, 1, ""), HasSubstr("HTTP/1.1 200"));
  const std::string bad = "Authorization: Bearer x\r\n";
  EXPECT_THAT(call(here, 4, bad), HasSubstr("TOKEN_INVALID"));
  EXPECT_THAT(call(here, 5, bad), HasSubstr("TOKEN_INVALID"));
  EXPECT_THAT(call(here, 6, bad), HasSubstr("RATE_LIMITED"));
  EXPECT_THAT(call(there, 2, bad), HasSubstr("TOKEN_INVALID"));
}

TEST_F(Http1Test, ByteByByteAndInChunks) {
  StartGateway();
  RawConnection connection(gateway_->port());
  const std::string sent = absl::StrCat("POST ", kEcho,
                                        " HTTP/1.1\r\nHost: x\r\ncontent-type: application/json\r\n"
                                        "transfer-encoding: chunked\r\nconnection: close\r\n\r\n"
                                        "5\r\n{\"tex\r\n7\r\nt\":\"a\"}\r\n0\r\n\r\n");
  for (const char c : sent) connection.Send(std::string(1, c));
  EXPECT_THAT(connection.ReadAll(), HasSubstr("{\"text\":\"a\"}"));
}

TEST_F(Http1Test, AStreamComesInChunks) {
  StartGateway();
  const std::string body = Frame("\x08\x02");
  const std::string got = Answer(absl::StrCat(
      "POST ", kCount, " HTTP/1.1\r\nHost: x\r\nContent-Type: application/connect+proto\r\n",
      "Connection: close\r\nContent-Length: ", body.size(), "\r\n\r\n", body));
  EXPECT_THAT(got, HasSubstr("transfer-encoding: chunked\r\n"));
  EXPECT_THAT(got, HasSubstr("\r\n0\r\n\r\n"));
  // One of HTTP/1.0 knows no chunks: its answer ends with the connection.
  const std::string old = Answer(absl::StrCat(
      "POST ", kCount, " HTTP/1.0\r\nContent-Type: application/connect+proto\r\nContent-Length: ",
      body.size(), "\r\n\r\n", body));
  EXPECT_EQ(old.find("chunked"), std::string::npos);
  EXPECT_THAT(old, HasSubstr("connection: close\r\n"));
  EXPECT_EQ(FramesOf(old.substr(old.find("\r\n\r\n") + 4)).size(), 3U);
}

TEST_F(Http1Test, TheBodyIsAskedFor) {
  StartGateway();
  RawConnection connection(gateway_->port());
  const std::string body = R"({"text":"x"})";
  const std::string post = Post(body, "Expect: 100-continue\r\n");
  connection.Send(post.substr(0, post.size() - body.size()));
  EXPECT_THAT(connection.Read("\r\n\r\n"), HasSubstr("HTTP/1.1 100 Continue\r\n\r\n"));
  connection.Send(body);
  EXPECT_THAT(connection.Read(body), HasSubstr("HTTP/1.1 200 OK"));
  // One that is refused without it is not.
  const std::string refused = Answer(
      "POST /no.Service/No HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
      "Expect: 100-continue\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(refused.find("100 Continue"), std::string::npos);
  EXPECT_THAT(refused, HasSubstr("HTTP/1.1 501"));
}

TEST_F(Http1Test, WhatTwoReadersCouldReadInTwoWaysIsRefused) {
  StartGateway();
  const std::string start = absl::StrCat("POST ", kEcho, " HTTP/1.1\r\n");
  for (const std::string& bad :
       {std::string("GET\r\n\r\n"), start + "\r\n", start + "Host: a\r\nHost: b\r\n\r\n",
        start + "Host: x\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        start + "Host: x\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        start + "Host: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n0\r\n\r\n",
        start + "Host: x\r\nTransfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
        start + "Host: x\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        start + "Host: x\r\nContent-Length: +2\r\n\r\n{}", start + "Host : x\r\n\r\n",
        start + "Host: x\r\nbad\x01name: x\r\n\r\n", start + "Host: x\r\nname: a\x01z\r\n\r\n",
        start + "Host: x\r\nlarge: " + std::string(100'000, 'x') + "\r\n\r\n",
        // HTTP/0.9, and lines that end with LF alone.
        std::string("GET /\r\n\r\n"), std::string("GET /openapi.json\r\nHost: x\r\n\r\n"),
        std::string("GET / HTTP/1.1\nHost: x\n\n"),
        std::string("GET / HTTP/1.1\r\nHost: x\nname: a\r\n\r\n"),
        std::string("GET / HTTP/1.1\r\nHost: x\r\n\n"),
        std::string("\nGET / HTTP/1.1\r\nHost: x\r\n\r\n")}) {
    const std::string got = Answer(bad);
    EXPECT_THAT(got, ::testing::StartsWith("HTTP/1.1 400 Bad Request\r\n")) << bad.substr(0, 200);
  }
  EXPECT_EQ(seen_.Count("message"), 0);
}

// The head of each request is looked at, and no body.
TEST_F(Http1Test, OnlyLinesOfHeadsEndAsTheyMust) {
  StartGateway();
  const std::string spread = "{\n\"text\":\n\"x\"\n}\n";
  EXPECT_THAT(Answer("\r\n" + Post(spread) + Post(spread, "Connection: close\r\n")),
              HasSubstr("connection: close\r\n\r\n{\"text\":\"x\"}"));
  EXPECT_THAT(Answer(Post(spread) + "GET / HTTP/1.1\nHost: x\r\n\r\n"),
              HasSubstr("HTTP/1.1 400 Bad Request\r\n"));
  // A request of HEAD leaves nothing behind that the next answer would be taken for.
  const std::string heads = Answer(
      "HEAD /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n"
      "HEAD /no HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(heads, HasSubstr("\r\n\r\nHTTP/1.1 405 "));
  EXPECT_THAT(heads, ::testing::EndsWith("\r\n\r\n"));
}

// A large answer to a client that reads late, and a large body that is refused: both are whole.
TEST_F(Http1Test, ASlowClientLosesNothing) {
  StartGateway();
  RawConnection connection(gateway_->port());
  const std::string large(3 << 20, 'x');
  connection.Send(Post(absl::StrCat("{\"text\":\"", large, "\"}"), "Connection: close\r\n"));
  seen_.Wait("message");
  EXPECT_THAT(connection.ReadAll(), HasSubstr(large));
  const std::string refused = Answer(
      absl::StrCat("POST ", kGet, " HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n",
                   "Connection: close\r\nContent-Length: ", large.size(), "\r\n\r\n", large));
  EXPECT_THAT(refused, HasSubstr("IDENTITY_REQUIRED"));
}

// Who makes place for a newcomer is who has had no call for longest.
TEST_F(Http1Test, WhoHasACallKeepsItsPlace) {
  Limits limits;
  limits.clients.max_connections_of_source = 2;
  StartGateway(limits);
  RawConnection first(gateway_->port());
  first.Send(Post(R"({"text":"x"})"));
  EXPECT_THAT(first.Read("{\"text\":\"x\"}"), HasSubstr("HTTP/1.1 200"));
  RawConnection idle(gateway_->port());
  idle.Send(Post(R"({"text":"y"})"));
  EXPECT_THAT(idle.Read("{\"text\":\"y\"}"), HasSubstr("HTTP/1.1 200"));
  first.Send(Post(R"({"text":"hold"})"));
  seen_.Wait("holding");
  EXPECT_THAT(Answer(Post(R"({"text":"z"})", "Connection: close\r\n")), HasSubstr("HTTP/1.1 200"));
  service_->Release();
  EXPECT_THAT(first.Read("held"), HasSubstr("held"));
}

TEST_F(Http1Test, WhoTakesNothingDoesNotKeepItFromEnding) {
  Limits limits;  // that would cut it off are far away
  limits.clients.answer = absl::InfiniteDuration();
  limits.clients.ping_after = absl::Hours(24);
  StartGateway(limits);
  RawConnection connection(gateway_->port(), 4096);
  const std::string large((4 << 20) - 100, 'x');
  connection.Send(Post(absl::StrCat("{\"text\":\"", large, "\"}")));
  while (Handled("Echo", "OK") != 1) std::this_thread::yield();
  gateway_->Drain(absl::ZeroDuration());
  EXPECT_LT(connection.ReadAll().size(), large.size());
}

}  // namespace
}  // namespace nisi::gateway
