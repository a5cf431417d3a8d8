#include "common/rpc/tls.h"

#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_certificate_verifier.h>
#include <grpcpp/security/tls_credentials_options.h>
#include <openssl/err.h>
#include <openssl/x509.h>

#include <algorithm>
#include <functional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "common/base/status.h"
#include "common/rpc/jwk.h"
#include "common/rpc/pem.h"

namespace nisi::rpc {
namespace {

namespace tls = grpc::experimental;

constexpr unsigned int kRefreshSeconds = 1;

absl::string_view View(grpc::string_ref text) {
  return {text.data(), text.size()};
}

// Runs after the chain was verified: is this the server we meant?
class IdentityVerifier final : public tls::ExternalCertificateVerifier {
 public:
  explicit IdentityVerifier(std::string expected) : expected_(std::move(expected)) {}

  bool Verify(tls::TlsCustomVerificationCheckRequest* request, std::function<void(grpc::Status)>,
              grpc::Status* sync_status) override {
    const bool is_uri = absl::string_view(expected_).find("://") != absl::string_view::npos;
    const bool good =
        !expected_.empty() && (is_uri ? Holds(request->uri_names())
                                      : Holds(request->dns_names()) || Holds(request->ip_names()));
    *sync_status =
        good ? grpc::Status::OK
             : grpc::Status(grpc::StatusCode::UNAUTHENTICATED, "the server is not " + expected_);
    return true;  // Decided here and now.
  }

  void Cancel(tls::TlsCustomVerificationCheckRequest*) override {}

 private:
  bool Holds(const std::vector<grpc::string_ref>& names) const {
    return std::any_of(names.begin(), names.end(),
                       [this](grpc::string_ref name) { return View(name) == expected_; });
  }

  const std::string expected_;
};

std::shared_ptr<tls::CertificateProviderInterface> Watch(const TlsFiles& files) {
  return std::make_shared<tls::FileWatcherCertificateProvider>(files.key, files.certificate,
                                                               files.authority, kRefreshSeconds);
}

}  // namespace

absl::Status CheckTlsFiles(const TlsFiles& files) {
  RETURN_IF_ERROR(ReadCertificates(files.authority).status());
  if (files.certificate.empty() && files.key.empty()) {
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(const std::vector<X509Ptr> chain, ReadCertificates(files.certificate));
  ASSIGN_OR_RETURN(const PrivateKey key, PrivateKey::Load(files.key));
  if (X509_check_private_key(chain.front().get(), key.native()) != 1) {
    ERR_clear_error();
    return absl::InvalidArgumentError(
        absl::StrCat(files.key, ": not the key of ", files.certificate));
  }
  return absl::OkStatus();
}

std::shared_ptr<grpc::ChannelCredentials> ClientTls(const TlsFiles& files,
                                                    const std::string& expected) {
  tls::TlsChannelCredentialsOptions options;
  options.set_certificate_provider(Watch(files));
  options.watch_root_certs();
  if (!files.certificate.empty()) {
    options.watch_identity_key_cert_pairs();
  }
  options.set_verify_server_certs(true);
  options.set_certificate_verifier(
      tls::ExternalCertificateVerifier::Create<IdentityVerifier>(expected));
  options.set_check_call_host(
      false);  // IdentityVerifier decides, by certificate and not by address.
  return tls::TlsCredentials(options);
}

}  // namespace nisi::rpc
