#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <thread>

#include "absl/strings/match.h"
#include "common/base/hash.h"
#include "common/http2/tls.h"
#include "common/rpc/certificates.h"
#include "common/rpc/key_files.h"
#include "common/rpc/tls.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "services/gateway/admission.h"
#include "services/gateway/test_gateway.h"
#include "services/gateway/test_raw_call.h"

namespace nisi::gateway {
namespace {

using base::ReasonOf;
using ::testing::HasSubstr;

constexpr char kChat[] = "/nisi.chat.v1.ChatService/Chat";
constexpr char kCheck[] = "/grpc.health.v1.Health/Check";
constexpr char kWatch[] = "/grpc.health.v1.Health/Watch";
constexpr char kReflection[] = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";
constexpr char kOldReflection[] = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo";
constexpr char kListServices[] = "\x3a\x01*";
constexpr char kRetryInfo[] = "type.googleapis.com/google.rpc.RetryInfo";
constexpr char kRequestInfo[] = "type.googleapis.com/google.rpc.RequestInfo";
constexpr char kSentTraceId[] = "0af7651916cd43dd8448eb211c80319c";
constexpr char kSentTrace[] = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

// What the caller of a failed call can quote; "" where it got nothing.
std::string TraceIdOf(const absl::Status& status) {
  google::rpc::RequestInfo request;
  if (const auto payload = status.GetPayload(kRequestInfo)) {
    EXPECT_TRUE(request.ParseFromString(std::string(*payload)));
  }
  return request.request_id();
}

TEST_F(GatewayTest, ForwardsEveryKind) {
  StartGateway();
  std::string answer;
  ClientCall unary(*stub_, kEcho);
  ASSERT_TRUE(unary.Run({"hello"}, &answer).ok());
  EXPECT_EQ(answer, "hello");
  EXPECT_EQ(unary.context().GetServerTrailingMetadata().count("nisi-position"), 1U);
  const std::string large(1 << 20, 'x');
  ASSERT_TRUE(Call(kEcho, {large}, &answer).ok());
  EXPECT_EQ(answer, large);
  ASSERT_TRUE(Call(kCount, {"5"}, &answer).ok());
  EXPECT_EQ(answer, "widget");
  EXPECT_EQ(seen_.Count("written"), 5);
  const std::vector<std::pair<std::string, std::string>> entity{
      {"authorization", Token(rpc::v1::ENTITY)}};
  ASSERT_TRUE(Call(kCollect, {"a", "b", large}, &answer, entity).ok());
  EXPECT_EQ(answer, "3");
  ASSERT_TRUE(Call(kCollect, {}, &answer, entity).ok());
  EXPECT_EQ(answer, "0");
  ClientCall chat(*stub_, kChat);
  ASSERT_TRUE(chat.Start());
  for (const std::string text : {"one", "two"}) {
    ASSERT_TRUE(chat.Write(text));
    EXPECT_EQ(chat.Read(), text);
  }
  ASSERT_TRUE(chat.CloseSending());
  EXPECT_EQ(chat.Read(), std::nullopt);
  EXPECT_TRUE(chat.Finish().ok());
}

TEST_F(GatewayTest, PassesFailuresUnchanged) {
  StartGateway();
  ClientCall call(*stub_, kEcho);
  const absl::Status status = call.Run({"fail"});
  EXPECT_EQ(status.code(), absl::StatusCode::kAborted);
  EXPECT_EQ(ReasonOf(status), ReasonOf(base::EtagMismatch("abc")));
  EXPECT_EQ(call.context().GetServerTrailingMetadata().count("nisi-position"), 1U);
  EXPECT_EQ(call.context().GetServerTrailingMetadata().count("grpc-status-details-bin"), 1U);
}

TEST_F(GatewayTest, SendsASignedContextAndATrace) {
  StartGateway();
  const std::string trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  ASSERT_TRUE(Call(kEcho, {"x"}, nullptr,
                   {{"authorization", Token(rpc::v1::AUDITOR)},
                    {"traceparent", trace},
                    {"nisi-service", "testing"},
                    {"other", "thing"}})
                  .ok());
  const auto metadata = seen_.metadata();
  EXPECT_EQ(metadata.at("traceparent"), trace);
  for (const char* gone : {"authorization", "other", "nisi-service"}) {
    EXPECT_EQ(metadata.count(gone), 0U) << gone;
  }
  const rpc::ContextVerifier verifier(rpc::FixedKeys(Keys("gateway")), "testing");
  const auto caller = verifier.Verify(metadata.at(rpc::kCallContextKey), clock_.Now());
  ASSERT_TRUE(caller.ok()) << caller.status();
  EXPECT_EQ((*caller)->subject, "someone");
  EXPECT_TRUE((*caller)->Has(rpc::v1::AUDITOR));
  ASSERT_TRUE(Call(kEcho, {"x"}).ok());
  const auto nobody = verifier.Verify(seen_.metadata().at(rpc::kCallContextKey), clock_.Now());
  ASSERT_TRUE(nobody.ok());
  EXPECT_TRUE((*nobody)->anonymous());
  EXPECT_EQ(seen_.metadata().at("traceparent").size(), trace.size());
}

TEST_F(GatewayTest, ItsErrorsCarryTheTrace) {
  StartGateway();
  const std::string unknown = "/no.Service/No";
  EXPECT_EQ(TraceIdOf(Call(unknown, {"x"}, nullptr, {{"traceparent", kSentTrace}})), kSentTraceId);
  EXPECT_EQ(TraceIdOf(Call(kGet, {"x"}, nullptr, {{"traceparent", kSentTrace}})), kSentTraceId);
  const absl::Status large =
      Call(kEcho, {"x"}, nullptr,
           {{"traceparent", kSentTrace}, {"large", std::string(kMaxMetadataBytes, 'v')}});
  EXPECT_EQ(ReasonOf(large), "METADATA_TOO_LARGE");
  EXPECT_EQ(TraceIdOf(large), kSentTraceId);
  // Without one the gateway makes one, for each call another.
  const std::string made = TraceIdOf(Call(unknown, {"x"}));
  EXPECT_EQ(made.size(), sizeof kSentTraceId - 1);
  EXPECT_NE(made, TraceIdOf(Call(unknown, {"x"})));
  // What a service says passes as it is; what gRPC says of one does not come from it.
  EXPECT_EQ(TraceIdOf(Call(kEcho, {"fail"}, nullptr, {{"traceparent", kSentTrace}})), "");
  StopBackend();
  const absl::Status away = Call(kEcho, {"x"}, nullptr, {{"traceparent", kSentTrace}});
  EXPECT_EQ(ReasonOf(away), "BACKEND_UNAVAILABLE");
  EXPECT_EQ(TraceIdOf(away), kSentTraceId);
}

// A tracestate is visible ASCII. What HTTP/2 forbids in any field is broken off by the carrier.
TEST_F(GatewayTest, ATracestateThatCannotGoOnIsDropped) {
  StartGateway();
  const std::string trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  int calls = 0;
  for (const std::string state : {"a=\xff", "a=\u0436"}) {
    const RawCall call(gateway_->port(), kEcho, {{"traceparent", trace}, {"tracestate", state}},
                       "x");
    EXPECT_TRUE(call.answered() && call.has_message());
    EXPECT_EQ(seen_.Count("message"), ++calls);
    EXPECT_EQ(seen_.metadata().at("traceparent"), trace);
    EXPECT_EQ(seen_.metadata().count("tracestate"), 0U);
  }
  for (const std::string& state : {std::string("a=\0", 3), std::string("a=\n")}) {
    const RawCall call(gateway_->port(), kEcho, {{"traceparent", trace}, {"tracestate", state}},
                       "x");
    EXPECT_FALSE(call.answered());
    EXPECT_EQ(seen_.Count("message"), calls);
  }
  const RawCall call(gateway_->port(), kEcho, {{"traceparent", trace}, {"tracestate", "a=b,c=~ d"}},
                     "x");
  EXPECT_TRUE(call.answered() && call.has_message());
  EXPECT_EQ(seen_.metadata().at("tracestate"), "a=b,c=~ d");
}

// Before it has to be refused: what it has not begun yet waits with it, and is not late here.
TEST_F(GatewayTest, InALineThatIsTooLongAClientIsToHaveFewerCalls) {
  Limits limits;
  limits.calls_at_once = 1;
  limits.wait = absl::Minutes(1);
  StartGateway(limits);
  RawHttp2 connection(gateway_->port());
  size_t stream = 1;
  const auto call = [&] {
    return connection.Call(std::exchange(stream, stream + 2), kEcho, {}, "hold");
  };
  while (stream < 60) ASSERT_TRUE(call());
  std::optional<RawHttp2::Frame> frame;
  do {
    frame = connection.Read();
  } while (frame.has_value() && frame->kind != RawHttp2::kHeaders &&
           (frame->kind != RawHttp2::kSettings || frame->payload.size() != 6));
  ASSERT_TRUE(frame.has_value());
  ASSERT_EQ(frame->kind, RawHttp2::kSettings);  // nothing was refused
  // One is served and eight are in line; of those behind, which is one, the client may keep two.
  EXPECT_EQ(frame->payload, absl::string_view("\0\3\0\0\0\13", 6));
}

// gRPC's clients give such a deadline as none; others send the largest number they can hold.
TEST_F(GatewayTest, AnOverlongDeadlineIsCut) {
  StartGateway();
  int calls = 0;
  for (const std::string timeout : {"2562047H", "2562048H", "99999999H", "99999999S"}) {
    const RawCall call(gateway_->port(), kEcho, {{"grpc-timeout", timeout}}, "x");
    EXPECT_TRUE(call.answered() && call.has_message()) << timeout;
    EXPECT_EQ(seen_.Count("message"), ++calls) << timeout;
  }
}

TEST_F(GatewayTest, CompressedRequestsAreRefused) {
  StartGateway();
  for (const auto algorithm : {GRPC_COMPRESS_GZIP, GRPC_COMPRESS_DEFLATE}) {
    ClientCall call(*stub_, kEcho);
    call.context().set_compression_algorithm(algorithm);
    EXPECT_EQ(call.Run({std::string(100'000, 'x')}).code(), absl::StatusCode::kUnimplemented);
  }
  EXPECT_EQ(seen_.Count("message"), 0);
}

TEST_F(GatewayTest, TooMuchMetadataCostsOneCallAndNotItsConnection) {
  StartGateway();
  ClientCall other(*stub_, kChat);
  ASSERT_TRUE(other.Start() && other.Write("one"));
  EXPECT_EQ(other.Read(), "one");
  const absl::Status status =
      Call(kEcho, {"x"}, nullptr, {{"large", std::string(kMaxMetadataBytes, 'v')}});
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ReasonOf(status), "METADATA_TOO_LARGE");
  EXPECT_EQ(base::InfoOf(status).metadata().at("maxBytes"), "8192");
  EXPECT_EQ(ReasonOf(Call(kEcho, {"x"}, nullptr, {{"large", std::string(60'000, 'v')}})),
            "METADATA_TOO_LARGE");
  // 70,000 bytes, each entry with its 32: more than the carrier keeps, and the bound is the same.
  const RawCall raw(gateway_->port(), kEcho, RawCall::Headers(2000, {"abc", ""}), "x");
  google::rpc::Status told;
  ASSERT_TRUE(
      told.ParseFromString(http2::DecodeBinary(raw.Field("grpc-status-details-bin")).value_or("")));
  google::rpc::ErrorInfo info;
  ASSERT_TRUE(told.details_size() > 0 && told.details(0).UnpackTo(&info))
      << told.ShortDebugString();
  EXPECT_EQ(info.reason(), "METADATA_TOO_LARGE");
  EXPECT_EQ(info.metadata().at("maxBytes"), "8192");
  EXPECT_TRUE(Call(kEcho, {"x"}, nullptr, {{"large", std::string(7'000, 'v')}}).ok());
  ASSERT_TRUE(other.Write("two"));
  EXPECT_EQ(other.Read(), "two");
  ASSERT_TRUE(other.CloseSending());
  EXPECT_EQ(other.Read(), std::nullopt);
  EXPECT_TRUE(other.Finish().ok());
}

TEST_F(GatewayTest, RefusesBeforeTheBackend) {
  StartGateway();
  const std::string token = Token(rpc::v1::CUSTOMER);
  EXPECT_EQ(ReasonOf(Call(kEcho, {})), "MESSAGE_COUNT");
  EXPECT_EQ(ReasonOf(Call(kEcho, {"1", "2"})), "MESSAGE_COUNT");
  EXPECT_EQ(ReasonOf(Call(kCount, {"1", "2"})), "MESSAGE_COUNT");
  EXPECT_EQ(ReasonOf(Call(kEcho, {std::string((4 << 20) + 1, 'x')})), "MESSAGE_TOO_LARGE");
  EXPECT_EQ(ReasonOf(Call("/nisi.testing.v1.WidgetService/No", {"x"})), "METHOD_UNKNOWN");
  EXPECT_EQ(ReasonOf(Call("/no.Service/No", {"x"})), "METHOD_UNKNOWN");
  EXPECT_EQ(ReasonOf(Call(kEcho, {"x"}, nullptr, {{rpc::kCallContextKey, "forged"}})),
            "RESERVED_METADATA");
  EXPECT_EQ(ReasonOf(Call(kEcho, {"x"}, nullptr, {{"nisi-position", "1"}})), "RESERVED_METADATA");
  EXPECT_EQ(
      ReasonOf(Call(kEcho, {"x"}, nullptr, {{"authorization", token}, {"authorization", token}})),
      "RESERVED_METADATA");
  EXPECT_EQ(ReasonOf(Call(kEcho, {"x"}, nullptr, {{"authorization", "Bearer x"}})),
            "TOKEN_INVALID");
  EXPECT_EQ(Call(kGet, {"x"}).code(), absl::StatusCode::kUnauthenticated);
  EXPECT_EQ(Call(kGet, {"x"}, nullptr, {{"authorization", token}}).code(),
            absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(seen_.Count("message"), 0);
}

TEST_F(GatewayTest, AStandardServiceIsNamed) {
  StartGateway();
  const std::string head = "/nisi.journal.v1.JournalService/GetTreeHead";
  const std::string token = Token(rpc::v1::AUDITOR);
  EXPECT_EQ(ReasonOf(Call(head, {""}, nullptr, {{"authorization", token}})), "SERVICE_NOT_NAMED");
  EXPECT_EQ(ReasonOf(Call(head, {""}, nullptr, {{"authorization", token}, {"nisi-service", "no"}})),
            "PROCESS_UNKNOWN");
  EXPECT_TRUE(
      Call(head, {""}, nullptr, {{"authorization", token}, {"nisi-service", "testing"}}).ok());
}

TEST_F(GatewayTest, CancellationReachesTheBackend) {
  StartGateway();
  ClientCall unary(*stub_, kEcho);
  ASSERT_TRUE(unary.Start() && unary.Write("hang") && unary.CloseSending());
  seen_.Wait("hanging");
  unary.context().TryCancel();
  EXPECT_EQ(unary.Finish().code(), absl::StatusCode::kCancelled);
  seen_.Wait("cancelled", 1);
  ClientCall stream(*stub_, kCount);
  ASSERT_TRUE(stream.Start() && stream.Write("forever") && stream.CloseSending());
  EXPECT_EQ(stream.Read(), "widget");
  stream.context().TryCancel();
  seen_.Wait("cancelled", 2);
}

// Half of what a client meant to send must never look like all of it.
TEST_F(GatewayTest, ABrokenOffUploadIsNotAnEnd) {
  StartGateway();
  ClientCall upload(*stub_, kCollect);
  upload.context().AddMetadata("authorization", Token(rpc::v1::ENTITY));
  ASSERT_TRUE(upload.Start() && upload.Write("a"));
  seen_.Wait("message");
  upload.context().TryCancel();
  seen_.Wait("cancelled");
}

TEST_F(GatewayTest, DeadlinesHold) {
  StartGateway();
  ClientCall call(*stub_, kEcho);
  call.context().set_deadline(std::chrono::system_clock::now() + std::chrono::milliseconds(200));
  EXPECT_EQ(call.Run({"hang"}).code(), absl::StatusCode::kDeadlineExceeded);
  seen_.Wait("cancelled");
  // The method's own, where the client names none: 5 s.
  const absl::Status status = Call(kEcho, {"hang"});
  EXPECT_EQ(ReasonOf(status), "DEADLINE_EXCEEDED");
}

TEST_F(GatewayTest, ADeadBackendIsUnavailableAndComesBack) {
  StartGateway();
  ASSERT_TRUE(Call(kEcho, {"x"}).ok());
  const int port = backend_port_;
  StopBackend();
  const absl::Status status = Call(kEcho, {"x"});
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ReasonOf(status), "BACKEND_UNAVAILABLE");
  EXPECT_TRUE(status.GetPayload(kRetryInfo).has_value());
  EXPECT_EQ(ReasonOf(Call(kCount, {"1"})), "BACKEND_UNAVAILABLE");
  StartBackend(port);
  // Each try ends, and the channel tries again within a second: so this ends.
  const absl::Time limit = absl::Now() + absl::Seconds(60);
  while (!Call(kEcho, {"x"}).ok()) {
    ASSERT_LT(absl::Now(), limit);
    std::this_thread::yield();
  }
}

TEST_F(GatewayTest, ItsMetricsSayWhoIsAway) {
  StartGateway();
  const auto wait_for = [this](const char* value) {
    const std::string line =
        absl::StrCat("nisi_gateway_backend_up{process=\"gateway\",peer=\"testing\"} ", value, "\n");
    const absl::Time limit = absl::Now() + absl::Seconds(60);
    while (!absl::StrContains(metrics_.Text(), line)) {
      ASSERT_LT(absl::Now(), limit) << metrics_.Text();
      std::this_thread::yield();
    }
  };
  ASSERT_TRUE(Call(kEcho, {"x"}).ok());
  ASSERT_NO_FATAL_FAILURE(wait_for("1"));
  const int port = backend_port_;
  StopBackend();  // nobody calls: it is seen by itself
  ASSERT_NO_FATAL_FAILURE(wait_for("0"));
  StartBackend(port);
  ASSERT_NO_FATAL_FAILURE(wait_for("1"));
}

// They may be asked for while the process ends.
TEST_F(GatewayTest, ItsMetricsOutliveIt) {
  StartGateway();
  gateway_.reset();
  EXPECT_THAT(metrics_.Text(),
              HasSubstr("nisi_gateway_refused_tokens_total{process=\"gateway\"} 0\n"));
}

TEST_F(GatewayTest, ABackendKilledInMidStreamEndsTheStream) {
  StartGateway();
  ClientCall stream(*stub_, kCount);
  ASSERT_TRUE(stream.Start() && stream.Write("forever") && stream.CloseSending());
  EXPECT_EQ(stream.Read(), "widget");
  std::thread reader([&] {
    while (stream.Read().has_value()) {
    }
  });
  StopBackend();
  reader.join();
  EXPECT_EQ(stream.Finish().code(), absl::StatusCode::kUnavailable);
}

// The token has a moment left when the stream begins, and the other one all of its life.
TEST_F(GatewayTest, AStreamEndsWithTheTokenThatBeganIt) {
  StartGateway();
  ClientCall stays(*stub_, kCount), ends(*stub_, kCount);
  rpc::Caller caller;
  caller.subject = "someone";
  const absl::Duration left = absl::Seconds(2);
  const absl::Time begun = clock_.Now() - absl::Minutes(5);
  const std::string token = rpc::MintToken(key_, "issuer", "nisi", "k1", caller, begun,
                                           clock_.Now() + left - rpc::kTokenSkew - begun, "jti");
  ends.context().AddMetadata("authorization", absl::StrCat("Bearer ", token));
  stays.context().AddMetadata("authorization", Token(rpc::v1::AUDITOR));
  for (ClientCall* stream : {&stays, &ends}) {
    ASSERT_TRUE(stream->Start() && stream->Write("watch") && stream->CloseSending());
    EXPECT_EQ(stream->Read(), "widget");
  }
  EXPECT_EQ(ends.Read(), std::nullopt);
  EXPECT_EQ(ReasonOf(ends.Finish()), "TOKEN_EXPIRED");
  seen_.Wait("cancelled");
  EXPECT_EQ(seen_.Count("cancelled"), 1);
  stays.context().TryCancel();
}

// The same of who is known by a certificate: one has a moment left, the other one its days.
TEST_F(GatewayTest, AStreamEndsWithTheCertificateThatBeganIt) {
  const std::string dir = absl::StrCat(::testing::TempDir(), "/ends_", base::RandomUuid());
  const absl::Duration left = absl::Seconds(3);
  ASSERT_TRUE(rpc::MakeCertificates(dir, {"gateway"}, absl::Now()).ok());
  ASSERT_TRUE(rpc::MakeClientCertificates(dir, {"stays"}, absl::Now()).ok());
  auto tls = http2::TlsAcceptor::Load(http2::TlsFiles::In(dir, "gateway"), false);
  ASSERT_TRUE(tls.ok()) << tls.status();
  tls_ = *std::move(tls);
  const std::string principals = dir + "/principals.json";
  ASSERT_TRUE(rpc::ReplaceFile(principals,
                               R"({"spiffe://nisi/client/stays": {"subject": "a"},
                                   "spiffe://nisi/client/ends": {"subject": "b"}})",
                               0644)
                  .ok());
  rpc::AuthenticatorOptions options;
  options.principals = *rpc::PrincipalsFile::Open(principals, &rpc::Principals::Parse, absl::Now());
  authenticator_ = std::make_unique<rpc::Authenticator>(std::move(options));
  StartGateway();
  ASSERT_TRUE(rpc::MakeClientCertificates(dir, {"ends"}, absl::Now(), left).ok());
  const auto as = [&](const std::string& name) {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    return grpc::GenericStub(grpc::CreateCustomChannel(
        absl::StrCat("127.0.0.1:", gateway_->port()),
        rpc::ClientTls(rpc::TlsFiles::In(dir, name), rpc::ServiceIdentity("gateway")), arguments));
  };
  grpc::GenericStub staying = as("stays"), ending = as("ends");
  ClientCall stays(staying, kCount), ends(ending, kCount);
  for (ClientCall* stream : {&stays, &ends}) {
    ASSERT_TRUE(stream->Start() && stream->Write("watch") && stream->CloseSending());
    ASSERT_EQ(stream->Read(), "widget");
  }
  EXPECT_EQ(ends.Read(), std::nullopt);
  EXPECT_EQ(ReasonOf(ends.Finish()), "CERTIFICATE_EXPIRED");
  seen_.Wait("cancelled");
  EXPECT_EQ(seen_.Count("cancelled"), 1);
  // Nor does another call of it hold on the connection that stands.
  EXPECT_EQ(ReasonOf(ClientCall(ending, kEcho).Run({"x"}, nullptr)), "CERTIFICATE_EXPIRED");
  stays.context().TryCancel();
  std::filesystem::remove_all(dir);
}

TEST_F(GatewayTest, AStreamEndsWithTheKeyOfItsToken) {
  const auto trusted = std::make_shared<std::atomic<bool>>(true);
  rpc::TokenIssuer issuer;
  issuer.issuer = "issuer";
  issuer.audience = "nisi";
  issuer.algorithm = rpc::Algorithm::kEdDsa;
  const rpc::PrivateKey other = *rpc::PrivateKey::Generate(rpc::Algorithm::kEdDsa);
  issuer.keys = [trusted, with = std::make_shared<const rpc::KeySet>(Keys("k1")),
                 without = std::make_shared<const rpc::KeySet>(
                     *rpc::KeySet::Parse(rpc::JwksText({{"k2", other.public_key()}})))](
                    absl::Time) { return *trusted ? with : without; };
  rpc::AuthenticatorOptions options;
  options.tokens =
      std::make_unique<rpc::TokenVerifier>(std::vector<rpc::TokenIssuer>{std::move(issuer)});
  authenticator_ = std::make_unique<rpc::Authenticator>(std::move(options));
  StartGateway();
  ClientCall known(*stub_, kCount), nobody(*stub_, kCount);
  known.context().AddMetadata("authorization", Token(rpc::v1::AUDITOR));
  for (ClientCall* stream : {&known, &nobody}) {
    ASSERT_TRUE(stream->Start() && stream->Write("watch") && stream->CloseSending());
    EXPECT_EQ(stream->Read(), "widget");
  }
  *trusted = false;
  EXPECT_EQ(known.Read(), std::nullopt);
  EXPECT_EQ(ReasonOf(known.Finish()), "TOKEN_INVALID");
  seen_.Wait("cancelled");
  EXPECT_EQ(seen_.Count("cancelled"), 1) << "who needed no key goes on";
  nobody.context().TryCancel();
}

TEST_F(GatewayTest, DrainFinishesWhatIsUnderWay) {
  StartGateway();
  std::string answer;
  ClientCall call(*stub_, kEcho);
  ASSERT_TRUE(call.Start() && call.Write("hold") && call.CloseSending());
  seen_.Wait("holding");
  std::thread drain([&] { gateway_->Drain(absl::Seconds(30)); });
  service_->Release();
  EXPECT_EQ(call.Read(), "held");
  EXPECT_TRUE(call.Finish().ok());
  drain.join();
  EXPECT_EQ(Call(kEcho, {"x"}).code(), absl::StatusCode::kUnavailable);
}

TEST_F(GatewayTest, DrainEndsWhatDoesNotEnd) {
  StartGateway();
  ClientCall call(*stub_, kEcho);
  ASSERT_TRUE(call.Start() && call.Write("hang") && call.CloseSending());
  seen_.Wait("hanging");
  std::thread drain([&] { gateway_->Drain(absl::Seconds(3)); });
  EXPECT_EQ(call.Read(), std::nullopt);
  EXPECT_EQ(ReasonOf(call.Finish()), "SHUTTING_DOWN");
  drain.join();
}

TEST_F(GatewayTest, WhatADrainCutsOffHasItsTrace) {
  StartGateway();
  ClientCall call(*stub_, kEcho);
  call.context().AddMetadata("traceparent", kSentTrace);
  ASSERT_TRUE(call.Start() && call.Write("hang") && call.CloseSending());
  seen_.Wait("hanging");
  gateway_->Drain(absl::ZeroDuration());
  EXPECT_EQ(call.Read(), std::nullopt);
  const absl::Status status = call.Finish();
  EXPECT_EQ(ReasonOf(status), "SHUTTING_DOWN");
  EXPECT_EQ(TraceIdOf(status), kSentTraceId);
  EXPECT_EQ(Handled("Echo", "Unavailable"), 1);
  seen_.Wait("cancelled");
}

// Had they waited for the limit, as a call does that does not end, the call would be over too.
TEST_F(GatewayTest, DrainEndsStreamsAtOnce) {
  StartGateway();
  ClientCall call(*stub_, kEcho);
  ASSERT_TRUE(call.Start() && call.Write("hold") && call.CloseSending());
  seen_.Wait("holding");
  ClientCall watch(*stub_, kCount);
  ASSERT_TRUE(watch.Start() && watch.Write("watch") && watch.CloseSending());
  EXPECT_EQ(watch.Read(), "widget");
  ClientCall chat(*stub_, kChat);
  ASSERT_TRUE(chat.Start() && chat.Write("one"));
  EXPECT_EQ(chat.Read(), "one");
  std::thread drain([&] { gateway_->Drain(absl::Seconds(60)); });
  for (ClientCall* stream : {&watch, &chat}) {
    EXPECT_EQ(stream->Read(), std::nullopt);
    const absl::Status status = stream->Finish();
    EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
    EXPECT_EQ(ReasonOf(status), "SHUTTING_DOWN");
    EXPECT_TRUE(status.GetPayload(kRetryInfo).has_value());
  }
  service_->Release();
  EXPECT_EQ(call.Read(), "held");
  EXPECT_TRUE(call.Finish().ok());
  drain.join();
}

TEST_F(GatewayTest, DrainLosesNoCall) {
  StartGateway();
  std::atomic<bool> over{false};
  std::atomic<int> answered{0};
  std::atomic<int> lost{0};
  std::vector<std::thread> callers;
  for (int i = 0; i < 4; ++i) {
    callers.emplace_back([&] {
      grpc::GenericStub stub(ChannelTo(gateway_->port()));
      while (!over) {
        ClientCall call(stub, kEcho);
        const absl::Status status = call.Run({"x"});
        answered += status.ok() ? 1 : 0;
        lost += !status.ok() && !absl::IsUnavailable(status) ? 1 : 0;
      }
    });
  }
  while (answered < 1000) {
    std::this_thread::yield();
  }
  gateway_->Drain(absl::Seconds(10));
  over = true;
  for (std::thread& caller : callers) {
    caller.join();
  }
  EXPECT_EQ(lost, 0);
}

TEST_F(GatewayTest, ManyAtOnceAndNoMoreThanAllowed) {
  Limits limits;
  limits.max_calls = 600;
  limits.calls_of_caller = 200;
  limits.delay = absl::InfiniteDuration();
  limits.clients.max_calls_of_connection = 1000;
  StartGateway(limits);
  std::vector<std::unique_ptr<ClientCall>> calls;
  for (int i = 0; i < 200; ++i) {
    calls.push_back(std::make_unique<ClientCall>(*stub_, kEcho));
    ASSERT_TRUE(calls.back()->Start() && calls.back()->Write("hold") &&
                calls.back()->CloseSending());
  }
  seen_.Wait("holding", 200);
  const absl::Status status = Call(kEcho, {"x"});
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ReasonOf(status), "OVERLOADED");
  EXPECT_TRUE(status.GetPayload(kRetryInfo).has_value());
  service_->Release();
  for (auto& call : calls) {
    EXPECT_EQ(call->Read(), "held");
    EXPECT_TRUE(call->Finish().ok());
  }
}

TEST_F(GatewayTest, OneCallerHasItsShare) {
  Limits limits;
  limits.calls_per_second = 1e-6;
  limits.burst = 2;
  StartGateway(limits);
  ASSERT_TRUE(Call(kEcho, {"x"}).ok());
  ASSERT_TRUE(Call(kEcho, {"x"}).ok());
  EXPECT_EQ(ReasonOf(Call(kEcho, {"x"})), "RATE_LIMITED");
  EXPECT_TRUE(Call(kEcho, {"x"}, nullptr, {{"authorization", Token(rpc::v1::AUDITOR)}}).ok());
}

TEST_F(GatewayTest, OneCallerHasItsShareOfWhatIsUnderWay) {
  Limits limits;
  limits.calls_of_caller = 2;
  limits.streams_of_caller = 1;
  StartGateway(limits);
  std::vector<std::unique_ptr<ClientCall>> calls;
  for (int i = 0; i < 2; ++i) {
    calls.push_back(std::make_unique<ClientCall>(*stub_, kEcho));
    ASSERT_TRUE(calls.back()->Start() && calls.back()->Write("hold") &&
                calls.back()->CloseSending());
  }
  seen_.Wait("holding", 2);
  const std::vector<std::pair<std::string, std::string>> other{
      {"authorization", Token(rpc::v1::AUDITOR)}};
  const absl::Status status = Call(kEcho, {"x"});
  EXPECT_EQ(ReasonOf(status), "OVERLOADED");
  EXPECT_TRUE(status.GetPayload(kRetryInfo).has_value());
  EXPECT_TRUE(Call(kEcho, {"x"}, nullptr, other).ok());
  ClientCall watch(*stub_, kCount);
  ASSERT_TRUE(watch.Start() && watch.Write("watch") && watch.CloseSending());
  EXPECT_EQ(watch.Read(), "widget");
  EXPECT_EQ(ReasonOf(Call(kCount, {"1"})), "OVERLOADED");
  EXPECT_TRUE(Call(kCount, {"1"}, nullptr, other).ok());
  service_->Release();
  for (auto& call : calls) {
    EXPECT_EQ(call->Read(), "held");
    EXPECT_TRUE(call->Finish().ok());
  }
  EXPECT_TRUE(Call(kEcho, {"x"}).ok());
}

TEST_F(GatewayTest, CallsWaitInLineForTheirTurn) {
  Limits limits;
  limits.calls_at_once = 1;
  limits.wait = absl::Minutes(1);
  StartGateway(limits);
  ClientCall first(*stub_, kEcho);
  ASSERT_TRUE(first.Start() && first.Write("hold") && first.CloseSending());
  seen_.Wait("holding");
  ClientCall gone(*stub_, kEcho);
  ASSERT_TRUE(gone.Start() && gone.Write("x") && gone.CloseSending());
  ClientCall next(*stub_, kEcho);
  ASSERT_TRUE(next.Start() && next.Write("next") && next.CloseSending());
  gone.context().TryCancel();
  EXPECT_EQ(gone.Finish().code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(seen_.Count("message"), 1);
  service_->Release();
  EXPECT_EQ(first.Read(), "held");
  EXPECT_TRUE(first.Finish().ok());
  EXPECT_EQ(next.Read(), "next");
  EXPECT_TRUE(next.Finish().ok());
}

TEST_F(GatewayTest, WhoWaitsTooLongInLineIsRefused) {
  Limits limits;
  limits.calls_at_once = 1;
  limits.wait = absl::ZeroDuration();
  StartGateway(limits);
  ClientCall first(*stub_, kEcho);
  ASSERT_TRUE(first.Start() && first.Write("hold") && first.CloseSending());
  seen_.Wait("holding");
  EXPECT_EQ(ReasonOf(Call(kEcho, {"x"})), "OVERLOADED");
  service_->Release();
  EXPECT_EQ(first.Read(), "held");
  EXPECT_TRUE(first.Finish().ok());
  EXPECT_TRUE(Call(kEcho, {"x"}).ok());
}

TEST_F(GatewayTest, WhoSendsSlowlyKeepsNobodyOut) {
  Limits limits;
  limits.max_calls = 1;
  StartGateway(limits);
  ClientCall slow(*stub_, kEcho);
  ASSERT_TRUE(slow.Start() && slow.Write("slow"));
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(Call(kEcho, {"x"}).ok());
  ASSERT_TRUE(slow.CloseSending());
  EXPECT_EQ(slow.Read(), "slow");
  EXPECT_TRUE(slow.Finish().ok());
}

TEST_F(GatewayTest, AfterManyBadTokensOnlyThoseThatAreKnownAreLookedAt) {
  Limits limits;
  limits.bad_tokens = {2, 1e-6};
  StartGateway(limits);
  const auto call = [&](const std::string& token) {
    return Call(kEcho, {"x"}, nullptr, {{"authorization", token}});
  };
  const std::string known = Token(rpc::v1::AUDITOR);
  EXPECT_TRUE(call(known).ok());
  EXPECT_EQ(ReasonOf(call("Bearer x")), "TOKEN_INVALID");
  EXPECT_EQ(ReasonOf(call("Bearer y")), "TOKEN_INVALID");
  const absl::Status status = call("Bearer z");
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ReasonOf(status), "RATE_LIMITED");
  EXPECT_TRUE(status.GetPayload(kRetryInfo).has_value());
  EXPECT_TRUE(call(known).ok());
  EXPECT_TRUE(Call(kEcho, {"x"}).ok());  // nobody has no token that could be bad
  EXPECT_THAT(metrics_.Text(), HasSubstr("nisi_gateway_refused_tokens_total{"));
}

TEST_F(GatewayTest, WhatIsHeldForClientsIsBounded) {
  Limits limits;
  limits.clients.max_held_bytes = 640 << 10;
  StartGateway(limits);
  const std::string half(200'000, 'x');  // within the window of a call
  ClientCall first(*stub_, kEcho);
  ASSERT_TRUE(first.Start() && first.Write(half));
  // No more than what is still free.
  const absl::Status status = Call(kEcho, {half}, nullptr, {{"traceparent", kSentTrace}});
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ReasonOf(status), "OVERLOADED");
  EXPECT_TRUE(status.GetPayload(kRetryInfo).has_value());
  EXPECT_EQ(TraceIdOf(status), kSentTraceId);
  EXPECT_EQ(Handled("Echo", "ResourceExhausted"), 1);
  EXPECT_TRUE(Call(kEcho, {"x"}).ok());
  ASSERT_TRUE(first.CloseSending());
  EXPECT_EQ(first.Read(), half);
  EXPECT_TRUE(first.Finish().ok());
  EXPECT_TRUE(Call(kEcho, {half}).ok());
}

// Each takes a little before any message: of an address so many that some are left for others.
TEST_F(GatewayTest, CallsThatOnlyBeginAreHeldToo) {
  Limits limits;
  limits.clients.max_held_bytes = 256 << 10;
  StartGateway(limits);
  RawHttp2 connection(gateway_->port());
  for (size_t stream = 1; stream < 80; stream += 2) {
    ASSERT_TRUE(connection.Call(stream, kEcho, {}, "", RawHttp2::Parts::kHead));
  }
  while (const auto frame = connection.Read()) {  // until some are refused
    if (frame->kind == RawHttp2::kHeaders) break;
  }
  const absl::Status status = Call(kEcho, {"x"}, nullptr, {{"traceparent", kSentTrace}});
  EXPECT_EQ(ReasonOf(status), "OVERLOADED");
  EXPECT_TRUE(status.GetPayload(kRetryInfo).has_value());
  EXPECT_EQ(TraceIdOf(status), kSentTraceId);
}

TEST_F(GatewayTest, AStreamOfWhichNothingIsTakenEnds) {
  Limits limits;
  limits.clients.progress = absl::Milliseconds(300);
  StartGateway(limits);
  RawHttp2 connection(gateway_->port(), 0);
  ASSERT_TRUE(connection.Call(1, kCount, {}, "3"));
  std::optional<RawHttp2::Frame> frame;
  do {
    frame = connection.Read();
    ASSERT_TRUE(frame.has_value());
    EXPECT_NE(frame->kind, RawHttp2::kData);
  } while (frame->kind != RawHttp2::kReset);
  EXPECT_THAT(metrics_.Text(), HasSubstr("nisi_gateway_refused_answers_total{"));
}

TEST_F(GatewayTest, WhoIsToldToGoAndStaysIsServedForAWhile) {
  Limits limits;
  limits.clients.age = absl::Milliseconds(100);
  limits.clients.grace = absl::Milliseconds(300);
  StartGateway(limits);
  constexpr size_t kNotice = 0x7fffffff;  // of the first: all that is on its way will be served
  RawHttp2 connection(gateway_->port());
  std::vector<size_t> told;
  size_t answered = 0;
  const auto is_end = [](const RawHttp2::Frame& frame) {
    return frame.kind == RawHttp2::kHeaders && (frame.flags & RawHttp2::kEndStream) != 0;
  };
  // One call after another until one is not looked at.
  for (size_t stream = 1; told.empty() || told.back() == kNotice; stream += 2) {
    ASSERT_TRUE(connection.Call(stream, kEcho, {}, "x"));
    while (const auto frame = connection.Read()) {
      if (frame->kind == RawHttp2::kGoAway) {
        size_t last = 0;
        for (size_t i = 0; i < 4; ++i) {
          last = last << 8 | static_cast<unsigned char>(frame->payload[i]);
        }
        told.push_back(last);
        if (last != kNotice) break;
      }
      if (is_end(*frame)) {
        ++answered;
        break;
      }
    }
  }
  ASSERT_EQ(told.size(), 2U);
  EXPECT_EQ(told.front(), kNotice);
  EXPECT_LE(answered, told.back() / 2 + 1);
  // What begins now has no answer, and when it has no calls the connection is closed.
  connection.Call(told.back() + 100, kEcho, {}, "x");
  while (const auto frame = connection.Read()) {
    if (is_end(*frame)) ++answered;
    ASSERT_LE(answered, told.back() / 2 + 1);
  }
}

class HeadTest : public GatewayTest {
 protected:
  static constexpr absl::Duration kHandshake = absl::Seconds(2);

  void Start(Limits limits = Limits()) {
    limits.clients.handshake = kHandshake;
    StartGateway(limits);
  }
  // Begins a call that is held, and waits until the service has it.
  void Hold(RawHttp2& connection) {
    ASSERT_TRUE(connection.Acknowledge() && connection.Call(1, kEcho, {}, "hold"));
    seen_.Wait("holding");
  }
  // Whether it has its answer, after longer than any head may take.
  bool IsAnswered(RawHttp2& connection) {
    absl::SleepFor(kHandshake + absl::Milliseconds(600));
    service_->Release();
    while (const auto frame = connection.Read()) {
      if (frame->kind == RawHttp2::kHeaders && (frame->flags & RawHttp2::kEndStream) != 0) {
        return true;
      }
    }
    return false;
  }
  // Behind a head without an end nothing else can come on its connection.
  bool IsAnsweredBesidePartOf(const RawHttp2::Headers& metadata) {
    Start();
    RawHttp2 connection(gateway_->port());
    Hold(connection);
    EXPECT_TRUE(connection.Call(3, kEcho, metadata, "x", RawHttp2::Parts::kPartOfHead));
    const bool answered = IsAnswered(connection);
    EXPECT_THAT(metrics_.Text(), HasSubstr("nisi_gateway_refused_silence_total{"
                                           "process=\"gateway\"} 1\n"));
    return answered;
  }
};

TEST_F(HeadTest, ABadOneCostsItsCallAndNotItsConnection) {
  Start();
  RawHttp2 connection(gateway_->port());
  ASSERT_NO_FATAL_FAILURE(Hold(connection));
  ASSERT_TRUE(connection.Call(3, kEcho, {{"Capital", "x"}}, "x"));
  EXPECT_TRUE(IsAnswered(connection));
}

TEST_F(HeadTest, OneThatDoesNotEndCostsItsConnection) {
  EXPECT_FALSE(IsAnsweredBesidePartOf({{"good", "x"}}));
}

TEST_F(HeadTest, ABadOneThatDoesNotEndAsWell) {
  EXPECT_FALSE(IsAnsweredBesidePartOf({{"Capital", "x"}}));
}

TEST_F(HeadTest, OneThatIsNotLookedAtCostsNothing) {
  Limits limits;
  limits.clients.age = absl::Milliseconds(100);
  limits.clients.grace = absl::Milliseconds(100);
  Start(limits);
  RawHttp2 connection(gateway_->port());
  ASSERT_NO_FATAL_FAILURE(Hold(connection));
  for (int told = 0; told < 2;) {
    const auto frame = connection.Read();
    ASSERT_TRUE(frame.has_value());
    if (frame->kind == RawHttp2::kGoAway) ++told;
  }
  ASSERT_TRUE(connection.Call(3, kEcho, {}, "x"));
  EXPECT_TRUE(IsAnswered(connection));
  EXPECT_EQ(seen_.Count("message"), 1);
}

// Each call past those that a client may have is broken off by a frame that waits for it: whoever
// does not read would have them gather.
TEST_F(GatewayTest, WhoIsBrokenOffAndDoesNotReadIsCutOff) {
  Limits limits;
  limits.clients.max_calls_of_connection = 4;
  limits.clients.resets = http2::Rate();  // of those that were sent
  StartGateway(limits);
  RawHttp2 connection(gateway_->port());
  constexpr size_t kAtOnce = 1000, kMost = 4'000'000;  // whose ends no buffer takes
  size_t calls = 0;
  while (calls < kMost && connection.Heads(2 * calls + 1, kAtOnce, kEcho)) calls += kAtOnce;
  EXPECT_LT(calls, kMost);
  EXPECT_NE(metrics_.Text().find("nisi_gateway_refused_resets_total{process=\"gateway\"} 1\n"),
            std::string::npos)
      << calls;
}

TEST_F(GatewayTest, NearItsMemoryItLetsNobodyIn) {
  Limits limits;
  limits.max_memory_bytes = 1 << 20;  // it has more already
  StartGateway(limits);
  const absl::Status status = Call(kEcho, {"x"});
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ReasonOf(status), "OVERLOADED");
}

TEST_F(GatewayTest, WhoFindsNoRoomIsCountedByRank) {
  Limits limits;
  limits.max_memory_bytes = 1 << 20;  // it has more already
  StartGateway(limits);
  const std::string auditor = Token(rpc::v1::AUDITOR), entity = Token(rpc::v1::ENTITY);
  const auto refuse = [&](const char* method, const std::string& token) {
    std::vector<std::pair<std::string, std::string>> metadata;
    if (!token.empty()) metadata.emplace_back("authorization", token);
    EXPECT_EQ(ReasonOf(Call(method, {"x"}, nullptr, metadata)), "OVERLOADED") << method;
  };
  const auto counted = [&](const char* rank, int times) {
    return HasSubstr(absl::StrCat("nisi_gateway_overloaded_total{process=\"gateway\",rank=\"", rank,
                                  "\"} ", times, "\n"));
  };
  refuse(kCollect, entity);
  EXPECT_THAT(metrics_.Text(), counted("public", 0));
  refuse(kEcho, auditor);
  refuse(kEcho, auditor);
  refuse(kEcho, "");
  refuse(kEcho, "");
  refuse(kCheck, entity);
  const std::string text = metrics_.Text();
  EXPECT_THAT(text, counted("changing", 1));
  EXPECT_THAT(text, counted("reading", 2));
  EXPECT_THAT(text, counted("public", 3));
}

TEST_F(GatewayTest, HealthAndReflection) {
  StartGateway();
  std::string answer;
  ASSERT_TRUE(Call(kCheck, {std::string("\x0a\x07testing")}, &answer).ok());
  EXPECT_EQ(answer, "\x08\x01");
  ASSERT_TRUE(Call(kReflection, {kListServices}, &answer).ok());
  EXPECT_THAT(answer, HasSubstr("nisi.testing.v1.WidgetService"));
  EXPECT_THAT(answer, HasSubstr("nisi.journal.v1.JournalService"));
  const std::string name = "nisi.testing.v1.WidgetService";
  ASSERT_TRUE(Call(kReflection,
                   {absl::StrCat("\x22", std::string(1, static_cast<char>(name.size())), name)},
                   &answer)
                  .ok());
  EXPECT_THAT(answer, HasSubstr("CountWidgets"));
  // What gRPC lists without knowing it.
  ASSERT_TRUE(Call(kReflection, {"\x22\x15grpc.health.v1.Health"}, &answer).ok());
  EXPECT_THAT(answer, HasSubstr("HealthCheckRequest"));
  // Clients that know the older name get the same.
  std::string older;
  for (const std::string& question :
       {std::string(kListServices), absl::StrCat("\x22", "\x15grpc.health.v1.Health")}) {
    ASSERT_TRUE(Call(kReflection, {question}, &answer).ok());
    ASSERT_TRUE(Call(kOldReflection, {question}, &older).ok());
    EXPECT_EQ(older, answer);
  }
  for (const std::string& version : {std::string("v1"), std::string("v1alpha")}) {
    const std::string service = absl::StrCat("grpc.reflection.", version, ".ServerReflection");
    ASSERT_TRUE(Call(kReflection, {kListServices}, &answer).ok());
    EXPECT_THAT(answer, HasSubstr(service));
    const auto size = static_cast<char>(service.size());
    ASSERT_TRUE(
        Call(kReflection, {absl::StrCat("\x22", std::string(1, size), service)}, &answer).ok());
    EXPECT_THAT(answer, HasSubstr("ExtensionNumberResponse"));
  }
  EXPECT_THAT(metrics_.Text(), HasSubstr("grpc_method=\"Echo\""));
  EXPECT_EQ(Handled("Check", "OK"), 1);
  EXPECT_EQ(Handled("ServerReflectionInfo", "OK"), 11);
}

TEST_F(GatewayTest, HealthAndReflectionAreRefusedAsOtherCallsAre) {
  StartGateway();
  const std::string id = "0af7651916cd43dd8448eb211c80319c";
  const std::string trace = absl::StrCat("00-", id, "-b7ad6b7169203331-01");
  const std::string nobody = "\x0a\x02no";
  const auto refused = [&](const char* method, const std::string& message,
                           const std::pair<std::string, std::string>& more) {
    const absl::Status status = Call(method, {message}, nullptr, {{"traceparent", trace}, more});
    EXPECT_EQ(TraceIdOf(status), id) << method;
    return std::string(ReasonOf(status));
  };
  const std::pair<std::string, std::string> nothing{"other", "thing"};
  EXPECT_EQ(refused(kCheck, nobody, nothing), "SERVICE_UNKNOWN");
  EXPECT_EQ(refused(kReflection, "", nothing), "MALFORMED_MESSAGE");
  for (const char* method : {kCheck, kWatch, kReflection}) {
    EXPECT_EQ(refused(method, "", {"large", std::string(kMaxMetadataBytes, 'v')}),
              "METADATA_TOO_LARGE");
    EXPECT_EQ(refused(method, "", {"nisi-position", "1"}), "RESERVED_METADATA");
    EXPECT_EQ(refused(method, std::string(5000, 'x'), nothing), "MESSAGE_TOO_LARGE");
  }
  EXPECT_EQ(Handled("Check", "NotFound"), 1);
  EXPECT_EQ(Handled("Check", "ResourceExhausted"), 2);
}

TEST_F(GatewayTest, HealthAndReflectionCountAsCallsOfTheirAddress) {
  Limits limits;
  limits.calls_per_second = 1e-6;
  limits.burst = 3;
  StartGateway(limits);
  const std::vector<std::pair<std::string, std::string>> signed_in{
      {"authorization", Token(rpc::v1::AUDITOR)}};
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(Call(kEcho, {"x"}, nullptr, signed_in).ok());
  EXPECT_EQ(ReasonOf(Call(kEcho, {"x"}, nullptr, signed_in)), "RATE_LIMITED");
  // What another has used up, and a token that does not hold, keep nobody from asking.
  EXPECT_TRUE(Call(kCheck, {""}, nullptr, signed_in).ok());
  EXPECT_TRUE(Call(kCheck, {""}, nullptr, {{"authorization", "Bearer x"}}).ok());
  EXPECT_TRUE(Call(kReflection, {kListServices}).ok());
  for (const char* method : {kCheck, kWatch, kReflection, kEcho}) {
    const absl::Status status = Call(method, {""});
    EXPECT_EQ(ReasonOf(status), "RATE_LIMITED") << method;
    EXPECT_NE(TraceIdOf(status), "") << method;
  }
}

TEST_F(GatewayTest, WatchesOfHealthAndReflectionAreStreams) {
  Limits limits;
  limits.streams_of_caller = 2;
  StartGateway(limits);
  ClientCall watch(*stub_, kWatch);
  ASSERT_TRUE(watch.Start() && watch.Write("") && watch.CloseSending());
  EXPECT_EQ(watch.Read(), "\x08\x01");
  ClientCall reflection(*stub_, kReflection);
  ASSERT_TRUE(reflection.Start() && reflection.Write(kListServices));
  EXPECT_THAT(reflection.Read().value_or(""), HasSubstr("nisi.testing.v1.WidgetService"));
  for (const char* method : {kWatch, kReflection, kCount}) {
    EXPECT_EQ(ReasonOf(Call(method, {""})), "OVERLOADED") << method;
  }
  EXPECT_TRUE(Call(kCheck, {""}).ok());
  std::thread drain([&] { gateway_->Drain(absl::Seconds(60)); });
  for (ClientCall* stream : {&watch, &reflection}) {
    EXPECT_EQ(stream->Read(), std::nullopt);
    EXPECT_EQ(ReasonOf(stream->Finish()), "SHUTTING_DOWN");
  }
  drain.join();
}

// Who asks nothing, or takes no answer, would keep its connection past its age.
TEST_F(GatewayTest, CallsOfHealthAndReflectionHaveADeadline) {
  Limits limits;
  limits.clients.answer = absl::ZeroDuration();
  StartGateway(limits);
  const RawCall::Headers soon{{"grpc-timeout", "100m"}};
  const auto ended = [&](const char* method, const RawCall::Headers& metadata) {
    const RawCall call(gateway_->port(), method, metadata, "", RawCall::How::kHeadAlone);
    return call.answered() ? call.Field("grpc-status") : "not answered";
  };
  EXPECT_EQ(ended(kCheck, soon), "4");
  EXPECT_EQ(ended(kWatch, soon), "4");
  EXPECT_EQ(ended(kReflection, soon), "4");
  EXPECT_EQ(ended(kCheck, {}), "4") << "without one of its own";
  const RawCall deaf(gateway_->port(), kReflection, soon, kListServices,
                     RawCall::How::kTakesNothing);
  EXPECT_TRUE(deaf.reset());
  EXPECT_EQ(Handled("Check", "DeadlineExceeded"), 2);
  EXPECT_EQ(Handled("ServerReflectionInfo", "DeadlineExceeded"), 2);
}

TEST_F(GatewayTest, RefusesABadSetup) {
  GatewayOptions options;
  EXPECT_EQ(ReasonOf(Gateway::Start(options).status()), "SETUP_INVALID");
  options.clock = &clock_;
  options.metrics = &metrics_;
  options.authenticator = authenticator_.get();
  options.signer = &signer_;
  options.address = "0.0.0.0:0";
  EXPECT_EQ(ReasonOf(Gateway::Start(options).status()), "SETUP_INVALID");
  options.address = "127.0.0.1:0";
  options.backends["nobody"] = BackendAt("127.0.0.1:1", nullptr);
  EXPECT_EQ(ReasonOf(Gateway::Start(options).status()), "SETUP_INVALID");
}

}  // namespace
}  // namespace nisi::gateway
