#include "common/http2/tls.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/base/log.h"
#include "common/base/recent.h"
#include "common/base/status.h"
#include "common/http2/certificate_time.h"
#include "common/http2/denied.h"

namespace nisi::http2 {
namespace {

constexpr absl::Duration kCertificateLook = absl::Seconds(1);
constexpr absl::string_view kScheme = "spiffe://";
// As on the wire: a length before each name, the best first. gRPC speaks HTTP/2 alone.
constexpr unsigned char kH2[] = {2, 'h', '2'};
constexpr unsigned char kBoth[] = {2, 'h', '2', 8, 'h', 't', 't', 'p', '/', '1', '.', '1'};

using X509Ptr = std::unique_ptr<X509, decltype(&X509_free)>;

template <size_t kSize>
int ChooseOf(const unsigned char (&ours)[kSize], const unsigned char** out, unsigned char* out_size,
             const unsigned char* offered, unsigned int offered_size) {
  unsigned char* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, out_size, ours, kSize, offered, offered_size) !=
      OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  }
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

int ChooseHttp2(SSL*, const unsigned char** out, unsigned char* out_size,
                const unsigned char* offered, unsigned int offered_size, void*) {
  return ChooseOf(kH2, out, out_size, offered, offered_size);
}
int ChooseBest(SSL*, const unsigned char** out, unsigned char* out_size,
               const unsigned char* offered, unsigned int offered_size, void*) {
  return ChooseOf(kBoth, out, out_size, offered, offered_size);
}

// Changes when one of the files does.
std::string Look(const TlsFiles& files) {
  std::string seen;
  for (const std::string* path : {&files.authority, &files.certificate, &files.key}) {
    struct stat file {};
    if (stat(path->c_str(), &file) != 0) return "";
    absl::StrAppend(&seen, file.st_ino, ".", file.st_size, ".", file.st_mtim.tv_sec, ".",
                    file.st_mtim.tv_nsec, " ");
  }
  struct stat denied {};
  if (!files.denied.empty() && stat(files.denied.c_str(), &denied) == 0) {
    absl::StrAppend(&seen, denied.st_ino, ".", denied.st_size, ".", denied.st_mtim.tv_sec, ".",
                    denied.st_mtim.tv_nsec);
  }
  return seen;
}

std::string TextOf(const X509_NAME* name) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> text(BIO_new(BIO_s_mem()), BIO_free);
  if (text == nullptr) return "";
  X509_NAME_print_ex(text.get(), name, 0, XN_FLAG_RFC2253);  // escapes what is no letter
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(text.get(), &bytes);
  return size > 0 ? std::string(bytes, static_cast<size_t>(size)) : "";
}

std::string TextOf(const ASN1_TIME* time) {
  const std::optional<absl::Time> at = TimeOf(time);
  return at.has_value() ? absl::FormatTime("%Y-%m-%d%ET%H:%M:%SZ", *at, absl::UTCTimeZone()) : "?";
}

// Refuses what is denied, and else changes nothing of what was found: it keeps it for the log.
int Judge(int good, X509_STORE_CTX* found) {
  const auto* ssl = static_cast<const SSL*>(
      X509_STORE_CTX_get_ex_data(found, SSL_get_ex_data_X509_STORE_CTX_idx()));
  const X509* const looked_at = X509_STORE_CTX_get_current_cert(found);
  if (good == 1 && looked_at != nullptr && IsDenied(*looked_at, *SSL_get_SSL_CTX(ssl))) {
    X509_STORE_CTX_set_error(found, X509_V_ERR_CERT_REVOKED);
    good = 0;
  }
  auto* const refused = static_cast<RefusedCertificate*>(SSL_get_app_data(ssl));
  if (good != 1 && refused != nullptr) {
    refused->why = X509_verify_cert_error_string(X509_STORE_CTX_get_error(found));
    const X509* certificate = X509_STORE_CTX_get_current_cert(found);
    refused->certificate = certificate == nullptr ? "" : Describe(*certificate);
  }
  return good;
}

absl::Status Bad(const std::string& path) {
  return absl::InvalidArgumentError(absl::StrCat(path, ": ", TlsProblem()));
}

}  // namespace

std::vector<std::string> UrisOf(const X509& certificate) {
  const std::unique_ptr<GENERAL_NAMES, decltype(&GENERAL_NAMES_free)> names(
      static_cast<GENERAL_NAMES*>(
          X509_get_ext_d2i(&certificate, NID_subject_alt_name, nullptr, nullptr)),
      GENERAL_NAMES_free);
  std::vector<std::string> uris;
  for (int i = 0; names != nullptr && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type != GEN_URI) continue;
    const ASN1_IA5STRING* uri = name->d.uniformResourceIdentifier;
    uris.emplace_back(reinterpret_cast<const char*>(ASN1_STRING_get0_data(uri)),
                      static_cast<size_t>(ASN1_STRING_length(uri)));
  }
  return uris;
}

std::string Describe(const X509& certificate) {
  std::string text = TextOf(X509_get_subject_name(&certificate));
  for (const std::string& uri : UrisOf(certificate)) absl::StrAppend(&text, ", ", uri);
  return absl::StrCat(text, ", by ", TextOf(X509_get_issuer_name(&certificate)), ", from ",
                      TextOf(X509_get0_notBefore(&certificate)), " to ",
                      TextOf(X509_get0_notAfter(&certificate)));
}

std::string TlsProblem() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  // Those of the system, as a file that is not there, OpenSSL has no words for.
  if (ERR_SYSTEM_ERROR(code)) return std::strerror(ERR_GET_REASON(code));
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  return reason == nullptr ? "no reason given" : reason;
}

TlsFiles TlsFiles::In(const std::string& dir, const std::string& name) {
  return {absl::StrCat(dir, "/ca.pem"), absl::StrCat(dir, "/", name, ".pem"),
          absl::StrCat(dir, "/", name, ".key"), absl::StrCat(dir, "/denied.txt")};
}

absl::Status TlsContext::Load() {
  seen_ = Look(files_);
  ASSIGN_OR_RETURN(context_, Read());
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<SSL_CTX>> TlsContext::New(const SSL_METHOD* method) const {
  ERR_clear_error();
  std::shared_ptr<SSL_CTX> context(SSL_CTX_new(method), SSL_CTX_free);
  if (context == nullptr) return absl::ResourceExhaustedError(TlsProblem());
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  // Those of TLS 1.2 that HTTP/2 allows.
  SSL_CTX_set_cipher_list(context.get(), "ECDHE+AESGCM:ECDHE+CHACHA20");
  // Each connection proves itself: nothing is resumed, and a handshake ends with nothing to read.
  SSL_CTX_set_options(context.get(), SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context.get(), 0);
  SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS);
  // Records that bring no bytes are counted one by one, see Socket.
  SSL_CTX_clear_mode(context.get(), SSL_MODE_AUTO_RETRY);
  if (SSL_CTX_load_verify_locations(context.get(), files_.authority.c_str(), nullptr) != 1) {
    return Bad(files_.authority);
  }
  if (!files_.denied.empty()) {
    absl::StatusOr<Denied> denied = Denied::Read(files_.denied);
    if (!denied.ok() && !absl::IsNotFound(denied.status())) return denied.status();
    if (denied.ok()) Deny(*std::move(denied), context.get());
  }
  if (files_.certificate.empty()) return context;
  if (SSL_CTX_use_certificate_chain_file(context.get(), files_.certificate.c_str()) != 1) {
    return Bad(files_.certificate);
  }
  if (SSL_CTX_use_PrivateKey_file(context.get(), files_.key.c_str(), SSL_FILETYPE_PEM) != 1) {
    return Bad(files_.key);
  }
  // A key of another kind than the certificate's is taken above, and then no handshake succeeds.
  if (SSL_CTX_check_private_key(context.get()) != 1) return Bad(files_.key);
  return context;
}

std::shared_ptr<SSL_CTX> TlsContext::Current(absl::Time now) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (base::IsRecent(looked_, kCertificateLook, now)) return context_;
  looked_ = now;
  std::string seen = Look(files_);
  if (seen == seen_) return context_;
  seen_ = std::move(seen);
  // A certificate whose key is not there yet does not serve; it will be looked at again.
  if (auto read = Read(); read.ok()) {
    context_ = *std::move(read);
    base::Log(base::Severity::kInfo, "certificate_read", {{"path", files_.certificate}});
  } else {
    base::Log(base::Severity::kWarning, "file_not_reloaded",
              {{"path", files_.certificate}, {"problem", read.status().message()}});
  }
  return context_;
}

absl::StatusOr<std::shared_ptr<TlsAcceptor>> TlsAcceptor::Load(TlsFiles files,
                                                               bool require_client_cert,
                                                               Speaks speaks) {
  std::shared_ptr<TlsAcceptor> tls(new TlsAcceptor(std::move(files), require_client_cert, speaks));
  RETURN_IF_ERROR(tls->TlsContext::Load());
  return tls;
}

absl::StatusOr<std::shared_ptr<SSL_CTX>> TlsAcceptor::Read() const {
  ASSIGN_OR_RETURN(std::shared_ptr<SSL_CTX> context, New(TLS_server_method()));
  SSL_CTX_set_alpn_select_cb(context.get(), speaks_ == Speaks::kHttp2 ? ChooseHttp2 : ChooseBest,
                             nullptr);
  if (STACK_OF(X509_NAME)* names = SSL_load_client_CA_file(files_.authority.c_str());
      names != nullptr) {
    SSL_CTX_set_client_CA_list(context.get(), names);
  }
  SSL_CTX_set_verify(context.get(),
                     SSL_VERIFY_PEER | (require_client_cert_ ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
                     Judge);
  return context;
}

absl::StatusOr<std::shared_ptr<TlsConnector>> TlsConnector::Load(TlsFiles files,
                                                                 std::string expected) {
  std::shared_ptr<TlsConnector> tls(new TlsConnector(std::move(files), std::move(expected)));
  RETURN_IF_ERROR(tls->TlsContext::Load());
  return tls;
}

absl::StatusOr<std::shared_ptr<SSL_CTX>> TlsConnector::Read() const {
  ASSIGN_OR_RETURN(std::shared_ptr<SSL_CTX> context, New(TLS_client_method()));
  SSL_CTX_set_alpn_protos(context.get(), kH2, sizeof kH2);
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, Judge);
  return context;
}

bool TlsConnector::IsExpected(const SSL& ssl) const {
  if (expected_.empty()) return false;
  if (absl::StrContains(expected_, "://")) return PeerIdentity(ssl) == expected_;
  const X509Ptr certificate(SSL_get1_peer_certificate(&ssl), X509_free);
  if (certificate == nullptr) return false;
  const unsigned int exactly = X509_CHECK_FLAG_NO_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT;
  return X509_check_host(certificate.get(), expected_.data(), expected_.size(), exactly, nullptr) ==
             1 ||
         X509_check_ip_asc(certificate.get(), expected_.c_str(), 0) == 1;
}

std::string PeerIdentity(const SSL& ssl) {
  const X509Ptr certificate(SSL_get1_peer_certificate(&ssl), X509_free);
  if (certificate == nullptr) return "";
  const std::vector<std::string> uris = UrisOf(*certificate);
  return uris.size() == 1 && absl::StartsWith(uris[0], kScheme) ? uris[0] : "";
}

absl::Time ProvedUntil(const SSL& ssl) {
  absl::Time until = absl::InfiniteFuture();
  const STACK_OF(X509)* const chain = SSL_get0_verified_chain(&ssl);
  for (int i = 0; chain != nullptr && i < sk_X509_num(chain); ++i) {
    const std::optional<absl::Time> ends = TimeOf(X509_get0_notAfter(sk_X509_value(chain, i)));
    until = std::min(until, ends.value_or(absl::InfinitePast()));
  }
  return until;
}

}  // namespace nisi::http2
