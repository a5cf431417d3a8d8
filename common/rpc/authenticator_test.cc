// Who may bring a call context: real handshakes over loopback, with certificates made for the test.
#include "common/rpc/authenticator.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <gtest/gtest.h>

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
#include "common/http2/server.h"
#include "common/rpc/certificates.h"
#include "common/rpc/key_files.h"
#include "common/rpc/tls.h"

namespace nisi::rpc {
namespace {

constexpr char kAudience[] = "registry";

class AuthenticatorTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(MakeCertificates(dir_, {kAudience, "gateway", "other"}, absl::Now()).ok());
    ASSERT_TRUE(MakeClientCertificates(dir_, {"agency-1"}, absl::Now()).ok());
    Serve({ServiceIdentity("gateway")});
  }
  ~AuthenticatorTest() override { std::filesystem::remove_all(dir_); }

  // Over mutual TLS at port_, and in plaintext at plain_port_.
  void Serve(std::set<std::string> peers) {
    AuthenticatorOptions options;
    const auto keys = KeySet::Parse(
        JwksText({{"gateway", key_.public_key()}, {"other", other_key_.public_key()}}));
    ASSERT_TRUE(keys.ok()) << keys.status();
    options.contexts = std::make_unique<ContextVerifier>(FixedKeys(*keys), kAudience);
    options.context_peers = std::move(peers);
    authenticator_ = std::make_unique<Authenticator>(std::move(options));
    auto tls = http2::TlsAcceptor::Load(TlsFiles::In(dir_, kAudience), false);
    ASSERT_TRUE(tls.ok()) << tls.status();
    server_ = Answering(*std::move(tls));
    plain_server_ = Answering(nullptr);
    ASSERT_NE(server_, nullptr);
    ASSERT_NE(plain_server_, nullptr);
    port_ = server_->port();
    plain_port_ = plain_server_->port();
  }

  // Answers every call with ABORTED and who calls, or why that is not known.
  std::unique_ptr<http2::Server> Answering(std::shared_ptr<http2::TlsAcceptor> tls) const {
    http2::ServerOptions options;
    options.address = "127.0.0.1:0";
    options.tls = std::move(tls);
    options.take = [this](http2::EventLoop*) {
      return [this](const http2::CallHead& head, const std::shared_ptr<http2::Replier>& replier) {
        return Answer(head, replier);
      };
    };
    auto server = http2::Server::Start(std::move(options));
    return server.ok() ? *std::move(server) : nullptr;
  }
  std::shared_ptr<http2::Taker> Answer(const http2::CallHead& head,
                                       const std::shared_ptr<http2::Replier>& replier) const {
    const auto caller = authenticator_->Identify(EvidenceOf(head), absl::Now());
    const std::string text = !caller.ok()             ? base::ReasonOf(caller.status())
                             : (*caller)->anonymous() ? "nobody"
                                                      : (*caller)->subject;
    replier->Finish({absl::StatusCode::kAborted, text, "", {}});
    return nullptr;
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

  const std::string dir_ = absl::StrCat(::testing::TempDir(), "/auth_", base::RandomUuid());
  const PrivateKey key_ = *PrivateKey::Generate(Algorithm::kEdDsa);
  const PrivateKey other_key_ = *PrivateKey::Generate(Algorithm::kEdDsa);
  std::unique_ptr<Authenticator> authenticator_;
  int port_ = 0;
  int plain_port_ = 0;
  std::unique_ptr<http2::Server> server_;
  std::unique_ptr<http2::Server> plain_server_;
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

// Two peers that may bring contexts: each its own.
TEST_F(AuthenticatorTest, APeerBringsWhatItSignedItself) {
  Serve({ServiceIdentity("gateway"), ServiceIdentity("other")});
  EXPECT_EQ(CallAs("gateway", Context()), "alice");
  EXPECT_EQ(CallAs("other", Context()), "CONTEXT_INVALID");
  Caller itself;
  itself.subject = "service:other";
  const std::string own = ContextSigner(other_key_, "other").Sign(itself, kAudience, absl::Now());
  EXPECT_EQ(CallAs("other", own), "service:other");
  EXPECT_EQ(CallAs("gateway", own), "CONTEXT_INVALID");
}

// Whoever is awake at night finds where it comes from.
TEST_F(AuthenticatorTest, TheLogHasTheAddressOfWhoIsRefused) {
  ::testing::internal::CaptureStderr();
  EXPECT_EQ(Call(plain_port_, grpc::InsecureChannelCredentials(), "forged"), "CONTEXT_INVALID");
  const std::string log = ::testing::internal::GetCapturedStderr();
  EXPECT_NE(log.find(R"("event":"identity_refused")"), std::string::npos) << log;
  EXPECT_NE(log.find(R"("address":"127.0.0.1")"), std::string::npos) << log;
}

TEST_F(AuthenticatorTest, APeerAloneIsNobody) {
  EXPECT_EQ(CallAs("gateway", ""), "nobody");
  EXPECT_EQ(CallAs("gateway", "forged"), "CONTEXT_INVALID");
  EXPECT_EQ(Call(plain_port_, grpc::InsecureChannelCredentials(), ""), "nobody");
}

}  // namespace
}  // namespace nisi::rpc
