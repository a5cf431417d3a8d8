// Who may bring a call context: real handshakes over loopback, with certificates made for the test.
#include "common/rpc/authenticator.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/server_builder.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <future>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/base/hash.h"
#include "common/base/status.h"
#include "common/rpc/certificates.h"
#include "common/rpc/key_files.h"
#include "common/rpc/tls.h"

namespace nisi::rpc {
namespace {

constexpr char kAudience[] = "registry";

// Answers every call with an ABORTED whose message is the caller's subject, or why there is none.
class WhoCalls final : public grpc::CallbackGenericService {
 public:
  explicit WhoCalls(AuthenticatorOptions options) : authenticator_(std::move(options)) {}

 private:
  class Answer final : public grpc::ServerGenericBidiReactor {
   public:
    explicit Answer(const std::string& text) {
      Finish(grpc::Status(grpc::StatusCode::ABORTED, text));
    }
    void OnDone() override { delete this; }
  };
  grpc::ServerGenericBidiReactor* CreateReactor(
      grpc::GenericCallbackServerContext* context) override {
    const auto caller = authenticator_.Identify(context->client_metadata(), *context, absl::Now());
    if (!caller.ok()) return new Answer(base::ReasonOf(caller.status()));
    return new Answer((*caller)->anonymous() ? "nobody" : (*caller)->subject);
  }

  Authenticator authenticator_;
};

class AuthenticatorTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(MakeCertificates(dir_, {kAudience, "gateway", "other"}, absl::Now()).ok());
    ASSERT_TRUE(MakeClientCertificates(dir_, {"agency-1"}, absl::Now()).ok());
    Serve({ServiceIdentity("gateway")});
  }
  ~AuthenticatorTest() override {
    server_->Shutdown(std::chrono::system_clock::now());
    std::filesystem::remove_all(dir_);
  }

  // Over mutual TLS at port_, and in plaintext at plain_port_.
  void Serve(std::set<std::string> peers) {
    AuthenticatorOptions options;
    const auto keys = KeySet::Parse(JwksText({{"gateway", key_.public_key()}}));
    ASSERT_TRUE(keys.ok()) << keys.status();
    options.contexts = std::make_unique<ContextVerifier>(FixedKeys(*keys), kAudience);
    options.context_peers = std::move(peers);
    service_ = std::make_unique<WhoCalls>(std::move(options));
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", ServerTls(TlsFiles::In(dir_, kAudience), false),
                             &port_);
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &plain_port_);
    builder.RegisterCallbackGenericService(service_.get());
    server_ = builder.BuildAndStart();
  }

  // A good context, as the gateway signs it.
  std::string Context() const {
    Caller caller;
    caller.subject = "alice";
    return ContextSigner(key_, "gateway").Sign(caller, kAudience, absl::Now());
  }

  // What the server says to a call that brings `context`, unless that is empty.
  static std::string Call(int port, const std::shared_ptr<grpc::ChannelCredentials>& credentials,
                          const std::string& context_bytes) {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    grpc::GenericStub stub(
        grpc::CreateCustomChannel(absl::StrCat("127.0.0.1:", port), credentials, arguments));
    grpc::ClientContext context;
    if (!context_bytes.empty()) context.AddMetadata(kCallContextKey, context_bytes);
    const grpc::Slice nothing;
    grpc::ByteBuffer request(&nothing, 1), response;
    std::promise<grpc::Status> done;
    stub.UnaryCall(&context, "/test.Who/Calls", grpc::StubOptions(), &request, &response,
                   [&done](grpc::Status status) { done.set_value(std::move(status)); });
    const grpc::Status status = done.get_future().get();
    EXPECT_EQ(status.error_code(), grpc::StatusCode::ABORTED) << status.error_message();
    return status.error_message();
  }
  std::string CallAs(const TlsFiles& files, const std::string& context) const {
    return Call(port_, ClientTls(files, ServiceIdentity(kAudience)), context);
  }
  std::string CallAs(const std::string& name, const std::string& context) const {
    return CallAs(TlsFiles::In(dir_, name), context);
  }

  const std::string dir_ = absl::StrCat(testing::TempDir(), "/auth_", base::RandomUuid());
  const PrivateKey key_ = *PrivateKey::Generate(Algorithm::kEdDsa);
  std::unique_ptr<WhoCalls> service_;
  int port_ = 0;
  int plain_port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

TEST_F(AuthenticatorTest, AContextIsTakenFromTheNamedPeerOnly) {
  const std::string context = Context();
  EXPECT_EQ(CallAs("gateway", context), "alice");
  // The very same bytes, as whoever saw them could send them.
  EXPECT_EQ(CallAs("other", context), "CONTEXT_INVALID");
  EXPECT_EQ(CallAs("agency-1", context), "CONTEXT_INVALID");
  const TlsFiles no_certificate{TlsFiles::In(dir_, kAudience).authority, "", ""};
  EXPECT_EQ(CallAs(no_certificate, context), "CONTEXT_INVALID");
  EXPECT_EQ(Call(plain_port_, grpc::InsecureChannelCredentials(), context), "CONTEXT_INVALID");
}

TEST_F(AuthenticatorTest, APeerAloneIsNobody) {
  EXPECT_EQ(CallAs("gateway", ""), "nobody");
  EXPECT_EQ(CallAs("gateway", "forged"), "CONTEXT_INVALID");
  EXPECT_EQ(Call(plain_port_, grpc::InsecureChannelCredentials(), ""), "nobody");
}

}  // namespace
}  // namespace nisi::rpc
