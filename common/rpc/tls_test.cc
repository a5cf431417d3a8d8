// Real handshakes over loopback, with certificates made for the test.
#include "common/rpc/tls.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/support/byte_buffer.h>
#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <future>
#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/base/hash.h"
#include "common/http2/server.h"
#include "common/rpc/certificate_figures.h"
#include "common/rpc/certificates.h"
#include "common/rpc/jwk.h"
#include "common/rpc/key_files.h"
#include "common/rpc/pem.h"

namespace nisi::rpc {
namespace {

using std::chrono::seconds;
using std::chrono::system_clock;
using ::testing::HasSubstr;

// Answers every call with an ABORTED whose message is the peer's identity.
std::shared_ptr<http2::Taker> Answer(const http2::CallHead& head,
                                     const std::shared_ptr<http2::Replier>& replier) {
  replier->Finish(
      {absl::StatusCode::kAborted, absl::StrCat("you are ", head.peer->identity), "", {}});
  return nullptr;
}

class TestServer {
 public:
  TestServer(const TlsFiles& files, bool require_client_cert, const http2::Limits& limits = {}) {
    http2::ServerOptions options;
    options.limits = limits;
    options.address = "127.0.0.1:0";
    auto tls = http2::TlsAcceptor::Load(files, require_client_cert);
    EXPECT_TRUE(tls.ok()) << tls.status();
    options.tls = *std::move(tls);
    options.take = [](http2::EventLoop*) { return Answer; };
    auto server = http2::Server::Start(std::move(options));
    EXPECT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }

  // What the server says; the handshake's failure when it did not come to that. A new connection
  // every time.
  grpc::Status Call(const std::shared_ptr<grpc::ChannelCredentials>& credentials) const {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    const auto channel = grpc::CreateCustomChannel(absl::StrCat("127.0.0.1:", server_->port()),
                                                   credentials, arguments);
    grpc::GenericStub stub(channel);
    grpc::ClientContext context;
    context.set_deadline(system_clock::now() + seconds(60));
    const grpc::Slice nothing;
    grpc::ByteBuffer request(&nothing, 1);
    grpc::ByteBuffer response;
    std::promise<grpc::Status> done;
    stub.UnaryCall(&context, "/test.Who/AmI", grpc::StubOptions(), &request, &response,
                   [&done](grpc::Status status) { done.set_value(std::move(status)); });
    return done.get_future().get();
  }

  int port() const { return server_->port(); }

 private:
  std::unique_ptr<http2::Server> server_;
};

class TlsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const std::string& dir : {dir_, other_}) {
      ASSERT_TRUE(MakeCertificates(dir, {"registry", "gateway"}, absl::Now()).ok());
      ASSERT_TRUE(MakeClientCertificates(dir, {"agency-1"}, absl::Now()).ok());
    }
  }
  ~TlsTest() override {
    std::filesystem::remove_all(dir_);
    std::filesystem::remove_all(other_);
  }

  TlsFiles Files(const std::string& name) const { return TlsFiles::In(dir_, name); }

  // A client that trusts our authority and shows a certificate of the other one.
  TlsFiles Foreign(const std::string& name) const {
    TlsFiles files = TlsFiles::In(other_, name);
    files.authority = Files(name).authority;
    return files;
  }

  TlsFiles NoCertificate() const { return {Files("gateway").authority, "", ""}; }

  const std::string dir_ = absl::StrCat(::testing::TempDir(), "/tls_", base::RandomUuid());
  const std::string other_ = absl::StrCat(::testing::TempDir(), "/tls_", base::RandomUuid());
  const std::string registry_ = ServiceIdentity("registry");
};

#define EXPECT_SEEN_AS(status, identity)                                 \
  do {                                                                   \
    const grpc::Status seen = (status);                                  \
    EXPECT_EQ(seen.error_message(), absl::StrCat("you are ", identity)); \
    EXPECT_EQ(seen.error_code(), grpc::StatusCode::ABORTED);             \
  } while (false)
#define EXPECT_NO_HANDSHAKE(status) EXPECT_EQ((status).error_code(), grpc::StatusCode::UNAVAILABLE)

TEST_F(TlsTest, BothSidesKnowEachOther) {
  const TestServer server(Files("registry"), true);
  EXPECT_SEEN_AS(server.Call(ClientTls(Files("gateway"), registry_)), "spiffe://nisi/svc/gateway");
  EXPECT_SEEN_AS(server.Call(ClientTls(Files("agency-1"), registry_)),
                 "spiffe://nisi/client/agency-1");
}

TEST_F(TlsTest, ClientsWithoutAGoodCertificateAreRefused) {
  const TestServer server(Files("registry"), true);
  EXPECT_NO_HANDSHAKE(server.Call(ClientTls(NoCertificate(), registry_)));
  EXPECT_NO_HANDSHAKE(server.Call(ClientTls(Foreign("gateway"), registry_)));
  EXPECT_NO_HANDSHAKE(server.Call(grpc::InsecureChannelCredentials()));
}

// As OpenSSL prints them: openssl x509 -noout -fingerprint -sha256, and -serial.
std::string FingerprintOf(const std::string& path) {
  const auto read = ReadCertificates(path);
  EXPECT_TRUE(read.ok()) << read.status();
  std::array<unsigned char, 32> digest{};
  unsigned int size = 0;
  X509_digest(read->front().get(), EVP_sha256(), digest.data(), &size);
  std::string text = "sha256 Fingerprint=";
  for (unsigned int i = 0; i < size; ++i)
    absl::StrAppendFormat(&text, "%s%02X", i == 0 ? "" : ":", digest[i]);
  return text;
}
std::string SerialOf(const std::string& path) {
  const auto read = ReadCertificates(path);
  EXPECT_TRUE(read.ok()) << read.status();
  BIGNUM* const number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(read->front().get()), nullptr);
  char* const digits = BN_bn2hex(number);
  std::string text = absl::StrCat("serial=", digits);
  OPENSSL_free(digits);
  BN_free(number);
  return text;
}

TEST_F(TlsTest, WhoIsDeniedIsRefusedThoughItsAuthorityIsTrusted) {
  const std::string path = Files("agency-1").certificate;
  for (const std::string& line :
       {FingerprintOf(path), SerialOf(path), ClientIdentity("agency-1")}) {
    ASSERT_TRUE(
        ReplaceFile(Files("").denied, absl::StrCat("# of a stolen key\n\n", line, "\n"), 0644)
            .ok());
    const TestServer server(Files("registry"), false);
    EXPECT_NO_HANDSHAKE(server.Call(ClientTls(Files("agency-1"), registry_))) << line;
    EXPECT_SEEN_AS(server.Call(ClientTls(Files("gateway"), registry_)),
                   "spiffe://nisi/svc/gateway");
  }
  // Its authority: then nobody of it is let in.
  ASSERT_TRUE(ReplaceFile(Files("").denied, FingerprintOf(Files("").authority), 0644).ok());
  EXPECT_NO_HANDSHAKE(
      TestServer(Files("registry"), false).Call(ClientTls(Files("gateway"), registry_)));
  // What cannot be read denies nobody: nothing begins with it.
  for (const char* bad : {"agency-1", "serial=", "serial=xyz", "sha1 Fingerprint=AB", "AB:CD"}) {
    ASSERT_TRUE(ReplaceFile(Files("").denied, absl::StrCat("#\n", bad), 0644).ok());
    const auto refused = http2::TlsAcceptor::Load(Files("registry"), true).status();
    EXPECT_THAT(std::string(refused.message()), HasSubstr("line 2: ")) << bad;
  }
}

// From the next look at the file on, a connection that stands ends at once, with what is on it.
TEST_F(TlsTest, WhoIsDeniedIsCutOff) {
  const TestServer server(Files("registry"), true);
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  const auto kept = [&](const std::string& name) {
    return grpc::CreateCustomChannel(absl::StrCat("127.0.0.1:", server.port()),
                                     ClientTls(Files(name), registry_), arguments);
  };
  const auto agency = kept("agency-1"), gateway = kept("gateway");
  for (const auto& channel : {agency, gateway}) {
    ASSERT_TRUE(channel->WaitForConnected(system_clock::now() + seconds(60)));
  }
  ASSERT_TRUE(ReplaceFile(Files("").denied, ClientIdentity("agency-1"), 0644).ok());
  ASSERT_TRUE(agency->WaitForStateChange(GRPC_CHANNEL_READY, system_clock::now() + seconds(60)));
  EXPECT_FALSE(agency->WaitForConnected(system_clock::now() + seconds(2)));
  EXPECT_NO_HANDSHAKE(server.Call(ClientTls(Files("agency-1"), registry_)));
  EXPECT_SEEN_AS(server.Call(ClientTls(Files("gateway"), registry_)), "spiffe://nisi/svc/gateway");
}

TEST_F(TlsTest, WhereACertificateIsOptionalABadOneIsStillRefused) {
  const TestServer server(Files("gateway"), false);
  const std::string gateway = ServiceIdentity("gateway");
  EXPECT_SEEN_AS(server.Call(ClientTls(NoCertificate(), gateway)), "");
  EXPECT_SEEN_AS(server.Call(ClientTls(Files("agency-1"), gateway)),
                 "spiffe://nisi/client/agency-1");
  EXPECT_NO_HANDSHAKE(server.Call(ClientTls(Foreign("agency-1"), gateway)));
}

TEST_F(TlsTest, ClientsKnowTheirServer) {
  const TestServer server(Files("registry"), true);
  for (const char* name : {"spiffe://nisi/svc/registry", "127.0.0.1", "localhost", "registry"}) {
    EXPECT_SEEN_AS(server.Call(ClientTls(Files("gateway"), name)), "spiffe://nisi/svc/gateway");
  }
  for (const char* name : {"spiffe://nisi/svc/gateway", "spiffe://nisi/svc/regist", "gateway",
                           "127.0.0.2", "", "nisi", "spiffe://nisi/svc/"}) {
    EXPECT_NO_HANDSHAKE(server.Call(ClientTls(Files("gateway"), name))) << name;
  }
}

TEST_F(TlsTest, ServersOfAnotherAuthorityAndAgenciesAreNoServers) {
  TlsFiles foreign = TlsFiles::In(other_, "registry");
  foreign.authority = Files("registry").authority;
  EXPECT_NO_HANDSHAKE(TestServer(foreign, false).Call(ClientTls(Files("gateway"), registry_)));
  EXPECT_NO_HANDSHAKE(TestServer(Files("agency-1"), false)
                          .Call(ClientTls(Files("gateway"), ClientIdentity("agency-1"))));
}

TEST_F(TlsTest, ANewCertificateServesNewHandshakesWithoutRestart) {
  ASSERT_TRUE(MakeCertificates(dir_, {"successor"}, absl::Now()).ok());
  const TestServer server(Files("registry"), true);
  const auto expects_old = ClientTls(Files("gateway"), registry_);
  const auto expects_new = ClientTls(Files("gateway"), ServiceIdentity("successor"));
  ASSERT_EQ(server.Call(expects_old).error_code(), grpc::StatusCode::ABORTED);
  ASSERT_EQ(server.Call(expects_new).error_code(), grpc::StatusCode::UNAVAILABLE);

  for (const char* kind : {".key", ".pem"}) {
    const std::string text = *ReadFile(absl::StrCat(dir_, "/successor", kind), 1 << 20);
    ASSERT_TRUE(ReplaceFile(absl::StrCat(dir_, "/registry", kind), text, 0600).ok());
  }
  // Each try is a handshake of its own; the files are looked at once a second.
  const auto patience = std::chrono::steady_clock::now() + seconds(60);
  while (server.Call(expects_new).error_code() != grpc::StatusCode::ABORTED) {
    ASSERT_LT(std::chrono::steady_clock::now(), patience) << "the new certificate never came";
  }
  EXPECT_NO_HANDSHAKE(server.Call(expects_old));
}

// For as long as it was ahead nobody would be denied, and no new certificate be shown.
TEST_F(TlsTest, AClockSetBackDoesNotSilenceTheLook) {
  auto tls = http2::TlsAcceptor::Load(Files("registry"), true);
  ASSERT_TRUE(tls.ok()) << tls.status();
  const absl::Time now = absl::Now();
  const auto context = (*tls)->Current(now + absl::Hours(24));
  ASSERT_TRUE(ReplaceFile(Files("registry").denied, registry_, 0644).ok());
  EXPECT_NE((*tls)->Current(now), context);
}

// A connection by hand: no client of gRPC does so.
TEST_F(TlsTest, WhoChangesKeysAgainAndAgainIsCutOff) {
  http2::Limits limits;
  limits.chatter = {100, 1};
  const TestServer server(Files("registry"), false, limits);
  const int client = socket(AF_INET, SOCK_STREAM, 0);
  const timeval patience{20, 0};
  setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(server.port()));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(connect(client, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_client_method()),
                                                                  SSL_CTX_free);
  constexpr unsigned char kHttp2[] = "\2h2";
  SSL_CTX_set_alpn_protos(context.get(), kHttp2, sizeof(kHttp2) - 1);
  const std::unique_ptr<SSL, decltype(&SSL_free)> tls(SSL_new(context.get()), SSL_free);
  SSL_set_fd(tls.get(), client);
  ASSERT_EQ(SSL_connect(tls.get()), 1);
  // What it says goes out at once, so that much of it is there when it is read.
  BIO* const said = BIO_new(BIO_s_mem());
  SSL_set0_wbio(tls.get(), said);
  constexpr char kGreeting[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0";
  ASSERT_GT(SSL_write(tls.get(), kGreeting, sizeof(kGreeting) - 1), 0);
  for (int i = 0; i < 1000; ++i) {
    ASSERT_EQ(SSL_key_update(tls.get(), SSL_KEY_UPDATE_NOT_REQUESTED), 1);
    ASSERT_EQ(SSL_do_handshake(tls.get()), 1);
  }
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(said, &bytes);
  ASSERT_EQ(send(client, bytes, static_cast<size_t>(size), MSG_NOSIGNAL), size);
  std::array<char, 4096> answer{};
  ssize_t read = 0;
  do {
    read = recv(client, answer.data(), answer.size(), 0);
  } while (read > 0);
  EXPECT_TRUE(read == 0 || errno == ECONNRESET) << "it still listens";
  close(client);
}

TEST_F(TlsTest, ExpiredCertificatesAreRefused) {
  ASSERT_TRUE(
      MakeCertificates(dir_, {"gateway"}, absl::Now() - absl::Hours(3), absl::Hours(1)).ok());
  const TestServer server(Files("registry"), true);
  EXPECT_NO_HANDSHAKE(server.Call(ClientTls(Files("gateway"), registry_)));
}

// Of what is in use: new files that do not serve change nothing.
TEST_F(TlsTest, TheMetricsSayWhenCertificatesEnd) {
  const absl::Time now = absl::Now();
  const auto end = [](http2::TlsContext& tls, absl::Time at, const std::string& whose) {
    for (const store::Figure& figure : CertificateFigures(tls, at)) {
      EXPECT_EQ(figure.name, "nisi_tls_certificate_expiry_timestamp_seconds");
      if (figure.labels.front().second == whose) {
        return absl::UnixEpoch() + absl::Seconds(figure.value);
      }
    }
    return absl::InfinitePast();
  };
  ASSERT_TRUE(MakeCertificates(dir_, {"registry"}, now, absl::Hours(48)).ok());
  const auto tls = http2::TlsAcceptor::Load(Files("registry"), true);
  ASSERT_TRUE(tls.ok()) << tls.status();
  const absl::Time own = end(**tls, now, "own"), authority = end(**tls, now, "authority");
  EXPECT_LT(own - now, absl::Hours(49));
  EXPECT_GT(own - now, absl::Hours(47));
  EXPECT_GT(authority, own);
  ASSERT_TRUE(MakeCertificates(dir_, {"registry"}, now, absl::Hours(96)).ok());
  const absl::Time later = end(**tls, now + absl::Seconds(2), "own");
  EXPECT_GT(later, own + absl::Hours(24));
  std::filesystem::remove(Files("registry").key);
  EXPECT_EQ(end(**tls, now + absl::Seconds(4), "own"), later);
}

// Who replaces a pair learns from the log why the old one is still in use, in OpenSSL's words.
TEST_F(TlsTest, WhyNewFilesDoNotServeIsLogged) {
  const TlsFiles files = Files("registry");
  absl::Time now = absl::Now();
  const auto tls = http2::TlsAcceptor::Load(files, true);
  ASSERT_TRUE(tls.ok()) << tls.status();
  const auto before = (*tls)->Current(now);
  const auto look = [&] {
    ::testing::internal::CaptureStderr();
    EXPECT_EQ((*tls)->Current(now += absl::Seconds(2)), before);
    return ::testing::internal::GetCapturedStderr();
  };
  const auto says = [&](const std::string& path, const std::string& why) {
    return ::testing::AllOf(
        ::testing::HasSubstr("\"file_not_reloaded\""),
        ::testing::HasSubstr(absl::StrCat("\"problem\":\"", path, ": ", why, "\"")));
  };
  EXPECT_EQ(look(), "");
  const std::string own = *ReadFile(files.key, 1 << 20);
  const std::string other = *ReadFile(Files("gateway").key, 1 << 20);
  const auto other_kind = PrivateKey::Generate(Algorithm::kEdDsa);
  ASSERT_TRUE(ReplaceFile(files.key, other, 0600).ok());
  EXPECT_THAT(look(), says(files.key, "key values mismatch"));
  ASSERT_TRUE(ReplaceFile(files.key, other_kind->Pem(), 0600).ok());
  EXPECT_THAT(look(), says(files.key, "no certificate assigned"));
  ASSERT_TRUE(ReplaceFile(files.key, "", 0600).ok());
  EXPECT_THAT(look(), says(files.key, "unsupported"));
  std::filesystem::remove(files.key);
  EXPECT_THAT(look(), says(files.key, "No such file or directory"));
  EXPECT_EQ(look(), "") << "once a change";
  ASSERT_TRUE(ReplaceFile(files.key, own, 0600).ok());
  EXPECT_NE((*tls)->Current(now + absl::Seconds(2)), before);
}

// A file in which one certificate is broken serves no handshake, so it does not pass for good.
TEST_F(TlsTest, AChainIsReadWholeOrNotAtAll) {
  const std::string one = *ReadFile(Files("registry").certificate, 1 << 20);
  const std::string two = *ReadFile(Files("registry").authority, 1 << 20);
  EXPECT_EQ(CertificatesIn(one + "between\n" + two + "after\n")->size(), 2u);
  std::string broken = two;
  broken[broken.size() / 2] = '!';
  for (const std::string& bad : {one + broken, one + two.substr(0, two.size() / 2), broken,
                                 std::string(), std::string("-----BEGIN CERTIFICATE-----\n")}) {
    TlsFiles files = Files("registry");
    files.certificate = dir_ + "/bad.pem";
    ASSERT_TRUE(ReplaceFile(files.certificate, bad, 0644).ok());
    EXPECT_TRUE(absl::IsInvalidArgument(ReadCertificates(files.certificate).status())) << bad;
    EXPECT_TRUE(absl::IsInvalidArgument(CheckTlsFiles(files))) << bad;
    EXPECT_FALSE(http2::TlsAcceptor::Load(files, true).ok()) << bad;
  }
}

TEST_F(TlsTest, FilesAreCheckedAtTheStart) {
  EXPECT_TRUE(CheckTlsFiles(Files("registry")).ok());
  EXPECT_TRUE(CheckTlsFiles(NoCertificate()).ok());
  EXPECT_TRUE(absl::IsNotFound(CheckTlsFiles(Files("nobody"))));
  TlsFiles mixed = Files("registry");
  mixed.key = Files("gateway").key;
  EXPECT_TRUE(absl::IsInvalidArgument(CheckTlsFiles(mixed)));
  mixed = Files("registry");
  mixed.certificate = mixed.key;
  EXPECT_TRUE(absl::IsInvalidArgument(CheckTlsFiles(mixed)));
}

TEST_F(TlsTest, TheAuthorityIsKeptAndNamesAreChecked) {
  const std::string authority = *ReadFile(dir_ + "/ca.pem", 1 << 20);
  const std::string before = *ReadFile(dir_ + "/registry.pem", 1 << 20);
  ASSERT_TRUE(MakeCertificates(dir_, {"registry"}, absl::Now()).ok());
  EXPECT_EQ(*ReadFile(dir_ + "/ca.pem", 1 << 20), authority);
  EXPECT_NE(*ReadFile(dir_ + "/registry.pem", 1 << 20), before);
  for (const char* name : {"", "ca", "../x", "a,DNS:b", "A", "a b", "-a", "a-", "a/b"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(MakeCertificates(dir_, {name}, absl::Now()))) << name;
    EXPECT_TRUE(absl::IsInvalidArgument(MakeClientCertificates(dir_, {name}, absl::Now()))) << name;
  }
}

}  // namespace
}  // namespace nisi::rpc
