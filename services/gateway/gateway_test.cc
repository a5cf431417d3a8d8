#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "common/base/clock.h"
#include "common/rpc/dev_keys.h"
#include "google/protobuf/descriptor.pb.h"
#include "nisi/journal/v1/journal.pb.h"
#include "nisi/testing/v1/testing.pb.h"
#include "services/gateway/admission.h"
#include "services/gateway/service.h"
#include "services/gateway/test_backend.h"
#include "services/gateway/test_raw_call.h"

namespace nisi::gateway {
namespace {

using base::ReasonOf;
using ::testing::HasSubstr;

constexpr char kEcho[] = "/nisi.testing.v1.WidgetService/Echo";
constexpr char kGet[] = "/nisi.testing.v1.WidgetService/GetWidget";
constexpr char kCount[] = "/nisi.testing.v1.WidgetService/CountWidgets";
constexpr char kCollect[] = "/nisi.testing.v1.WidgetService/CollectWidgets";
constexpr char kChat[] = "/nisi.chat.v1.ChatService/Chat";
constexpr char kRetryInfo[] = "type.googleapis.com/google.rpc.RetryInfo";
constexpr char kRequestInfo[] = "type.googleapis.com/google.rpc.RequestInfo";

// What the caller of a failed call can quote; "" where it got nothing.
std::string TraceIdOf(const absl::Status& status) {
  google::rpc::RequestInfo request;
  if (const auto payload = status.GetPayload(kRequestInfo)) {
    EXPECT_TRUE(request.ParseFromString(std::string(*payload)));
  }
  return request.request_id();
}

// A service whose method streams both ways; the linked packages have none.
const google::protobuf::ServiceDescriptor* ChatService() {
  static auto* const pool =
      new google::protobuf::DescriptorPool(google::protobuf::DescriptorPool::generated_pool());
  static const google::protobuf::FileDescriptor* const file = [] {
    google::protobuf::FileDescriptorProto proto;
    proto.set_name("nisi/chat/v1/chat.proto");
    proto.set_package("nisi.chat.v1");
    proto.set_syntax("proto3");
    proto.add_dependency("nisi/rpc/v1/options.proto");
    proto.add_dependency("nisi/testing/v1/testing.proto");
    auto* service = proto.add_service();
    service->set_name("ChatService");
    service->mutable_options()->MutableExtension(rpc::v1::service)->set_owner("testing");
    auto* method = service->add_method();
    method->set_name("Chat");
    method->set_input_type(".nisi.testing.v1.EchoRequest");
    method->set_output_type(".nisi.testing.v1.EchoResponse");
    method->set_client_streaming(true);
    method->set_server_streaming(true);
    method->mutable_options()->MutableExtension(rpc::v1::policy)->add_roles(rpc::v1::PUBLIC);
    return pool->BuildFile(proto);
  }();
  return file->service(0);
}

class GatewayTest : public ::testing::Test {
 protected:
  GatewayTest()
      : key_(*rpc::PrivateKey::Generate(rpc::Algorithm::kEdDsa)), signer_(key_, "gateway") {
    rpc::TokenIssuer issuer;
    issuer.issuer = "issuer";
    issuer.audience = "nisi";
    issuer.algorithm = rpc::Algorithm::kEdDsa;
    issuer.keys = rpc::FixedKeys(Keys("k1"));
    rpc::AuthenticatorOptions options;
    options.tokens =
        std::make_unique<rpc::TokenVerifier>(std::vector<rpc::TokenIssuer>{std::move(issuer)});
    authenticator_ = std::make_unique<rpc::Authenticator>(std::move(options));
    StartBackend(0);
  }
  ~GatewayTest() override {
    gateway_.reset();
    StopBackend();
  }

  rpc::KeySet Keys(const std::string& kid) const {
    return *rpc::KeySet::Parse(rpc::JwksText({{kid, key_.public_key()}}));
  }
  void StartBackend(int port) {
    grpc::ServerBuilder builder;
    builder.AddListeningPort(absl::StrCat("127.0.0.1:", port), grpc::InsecureServerCredentials(),
                             &backend_port_);
    service_ = std::make_unique<TestService>(&seen_);
    builder.RegisterCallbackGenericService(service_.get());
    backend_ = builder.BuildAndStart();
    ASSERT_NE(backend_, nullptr);
  }
  void StopBackend() {
    if (backend_ != nullptr) {
      backend_->Shutdown(std::chrono::system_clock::now());
      backend_.reset();
    }
  }
  void StartGateway(const Limits& limits = Limits()) {
    GatewayOptions options;
    options.clock = &clock_;
    options.metrics = &metrics_;
    options.authenticator = authenticator_.get();
    options.signer = &signer_;
    options.address = "127.0.0.1:0";
    options.limits = limits;
    const auto* file = nisi::testing::v1::Widget::descriptor()->file();
    options.services = {file->service(0),
                        journal::v1::GetEntryRequest::descriptor()->file()->service(0),
                        ChatService()};
    options.backends["testing"] = BackendAt(absl::StrCat("127.0.0.1:", backend_port_), nullptr);
    auto gateway = Gateway::Start(options);
    ASSERT_TRUE(gateway.ok()) << gateway.status();
    gateway_ = *std::move(gateway);
    stub_ = std::make_unique<grpc::GenericStub>(ChannelTo(gateway_->port()));
  }
  std::string Token(rpc::Role role) {
    rpc::Caller caller;
    caller.subject = "someone";
    caller.Grant(role);
    return absl::StrCat("Bearer ", rpc::MintToken(key_, "issuer", "nisi", "k1", caller,
                                                  clock_.Now(), absl::Minutes(5), "jti"));
  }
  absl::Status Call(const std::string& method, const std::vector<std::string>& messages,
                    std::string* answer = nullptr,
                    const std::vector<std::pair<std::string, std::string>>& metadata = {}) {
    ClientCall call(*stub_, method);
    for (const auto& [name, value] : metadata) {
      call.context().AddMetadata(name, value);
    }
    return call.Run(messages, answer);
  }

  base::SystemClock clock_;
  rpc::Metrics metrics_{"gateway"};
  rpc::PrivateKey key_;
  rpc::ContextSigner signer_;
  std::unique_ptr<rpc::Authenticator> authenticator_;
  Seen seen_;
  std::unique_ptr<TestService> service_;  // good for one server
  int backend_port_ = 0;
  std::unique_ptr<grpc::Server> backend_;
  std::unique_ptr<Gateway> gateway_;
  std::unique_ptr<grpc::GenericStub> stub_;
};

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
  const std::string id = "0af7651916cd43dd8448eb211c80319c";
  const std::string trace = absl::StrCat("00-", id, "-b7ad6b7169203331-01");
  const std::string unknown = "/no.Service/No";
  EXPECT_EQ(TraceIdOf(Call(unknown, {"x"}, nullptr, {{"traceparent", trace}})), id);
  EXPECT_EQ(TraceIdOf(Call(kGet, {"x"}, nullptr, {{"traceparent", trace}})), id);
  const absl::Status large =
      Call(kEcho, {"x"}, nullptr,
           {{"traceparent", trace}, {"large", std::string(kMaxMetadataBytes, 'v')}});
  EXPECT_EQ(ReasonOf(large), "METADATA_TOO_LARGE");
  EXPECT_EQ(TraceIdOf(large), id);
  // Without one the gateway makes one, for each call another.
  const std::string made = TraceIdOf(Call(unknown, {"x"}));
  EXPECT_EQ(made.size(), id.size());
  EXPECT_NE(made, TraceIdOf(Call(unknown, {"x"})));
  // What a service says passes as it is; what gRPC says of one does not come from it.
  EXPECT_EQ(TraceIdOf(Call(kEcho, {"fail"}, nullptr, {{"traceparent", trace}})), "");
  StopBackend();
  const absl::Status away = Call(kEcho, {"x"}, nullptr, {{"traceparent", trace}});
  EXPECT_EQ(ReasonOf(away), "BACKEND_UNAVAILABLE");
  EXPECT_EQ(TraceIdOf(away), id);
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
            "SERVICE_UNKNOWN");
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
  limits.max_calls = 200;
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

TEST_F(GatewayTest, HealthAndReflection) {
  StartGateway();
  std::string answer;
  ASSERT_TRUE(Call("/grpc.health.v1.Health/Check", {std::string("\x0a\x07testing")}, &answer).ok());
  EXPECT_EQ(answer, "\x08\x01");
  const std::string reflection = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo";
  ASSERT_TRUE(Call(reflection, {"\x3a\x01*"}, &answer).ok());
  EXPECT_THAT(answer, HasSubstr("nisi.testing.v1.WidgetService"));
  EXPECT_THAT(answer, HasSubstr("nisi.journal.v1.JournalService"));
  const std::string name = "nisi.testing.v1.WidgetService";
  ASSERT_TRUE(Call(reflection,
                   {absl::StrCat("\x22", std::string(1, static_cast<char>(name.size())), name)},
                   &answer)
                  .ok());
  EXPECT_THAT(answer, HasSubstr("CountWidgets"));
  // What gRPC lists without knowing it.
  ASSERT_TRUE(Call(reflection, {"\x22\x15grpc.health.v1.Health"}, &answer).ok());
  EXPECT_THAT(answer, HasSubstr("HealthCheckRequest"));
  EXPECT_THAT(metrics_.Text(), HasSubstr("grpc_method=\"Echo\""));
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
