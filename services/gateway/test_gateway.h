// For the tests of the gateway: one that serves, before a backend that does what it is told.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/base/clock.h"
#include "common/rpc/dev_keys.h"
#include "google/protobuf/descriptor.pb.h"
#include "nisi/journal/v1/journal.pb.h"
#include "nisi/testing/v1/testing.pb.h"
#include "services/gateway/service.h"
#include "services/gateway/test_backend.h"

namespace nisi::gateway {

inline constexpr char kEcho[] = "/nisi.testing.v1.WidgetService/Echo";
inline constexpr char kGet[] = "/nisi.testing.v1.WidgetService/GetWidget";
inline constexpr char kCount[] = "/nisi.testing.v1.WidgetService/CountWidgets";
inline constexpr char kCollect[] = "/nisi.testing.v1.WidgetService/CollectWidgets";

// A service whose method streams both ways; the linked packages have none.
inline const google::protobuf::ServiceDescriptor* ChatService() {
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
  void StartGateway(const Limits& limits = Limits(), std::vector<std::string> origins = {}) {
    GatewayOptions options;
    options.clock = &clock_;
    options.metrics = &metrics_;
    options.authenticator = authenticator_.get();
    options.signer = &signer_;
    options.address = "127.0.0.1:0";
    options.limits = limits;
    options.origins = std::move(origins);
    options.edges = edges_;
    options.tls = tls_;
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

  // How many calls of methods of that name had that end; those of no method are "unknown".
  int Handled(const std::string& method, const std::string& code) const {
    int handled = -1;
    for (const absl::string_view line : absl::StrSplit(metrics_.Text(), '\n')) {
      if (absl::StartsWith(line, "grpc_server_handled_total{") &&
          absl::StrContains(line, absl::StrCat("grpc_method=\"", method, "\"")) &&
          absl::StrContains(line, absl::StrCat("grpc_code=\"", code, "\""))) {
        handled =
            std::max(handled, 0) + std::atoi(std::string(line.substr(line.rfind(' '))).c_str());
      }
    }
    return handled;
  }

  base::SystemClock clock_;
  rpc::Metrics metrics_{"gateway"};
  rpc::PrivateKey key_;
  rpc::ContextSigner signer_;
  std::unique_ptr<rpc::Authenticator> authenticator_;
  Seen seen_;
  std::vector<std::string> edges_;  // of the gateway
  std::shared_ptr<http2::TlsAcceptor> tls_;
  std::unique_ptr<TestService> service_;  // good for one server
  int backend_port_ = 0;
  std::unique_ptr<grpc::Server> backend_;
  std::unique_ptr<Gateway> gateway_;
  std::unique_ptr<grpc::GenericStub> stub_;
};

}  // namespace nisi::gateway
