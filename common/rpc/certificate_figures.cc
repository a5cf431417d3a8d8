#include "common/rpc/certificate_figures.h"

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <algorithm>
#include <memory>

#include "common/http2/certificate_time.h"

namespace nisi::rpc {
namespace {

absl::Time EndOf(const X509* certificate) {
  if (certificate == nullptr) return absl::InfiniteFuture();
  return http2::TimeOf(X509_get0_notAfter(certificate)).value_or(absl::InfiniteFuture());
}

// Of several the first that ends: what it has signed ends with it.
absl::Time EndOfAuthorities(const SSL_CTX& context) {
  absl::Time first = absl::InfiniteFuture();
  const auto* kept = X509_STORE_get0_objects(SSL_CTX_get_cert_store(&context));
  for (int i = 0; i < sk_X509_OBJECT_num(kept); ++i) {
    first = std::min(first, EndOf(X509_OBJECT_get0_X509(sk_X509_OBJECT_value(kept, i))));
  }
  return first;
}

}  // namespace

std::vector<store::Figure> CertificateFigures(http2::TlsContext& tls, absl::Time now) {
  const std::shared_ptr<SSL_CTX> context = tls.Current(now);
  std::vector<store::Figure> figures;
  const auto add = [&figures](const char* whose, absl::Time end) {
    if (end == absl::InfiniteFuture()) return;
    figures.push_back({"nisi_tls_certificate_expiry_timestamp_seconds",
                       "When the process' own certificate in use ends, since 1970; of the "
                       "authorities that it trusts the first.",
                       absl::ToDoubleSeconds(end - absl::UnixEpoch()),
                       {{"certificate", whose}}});
  };
  add("own", EndOf(SSL_CTX_get0_certificate(context.get())));
  add("authority", EndOfAuthorities(*context));
  return figures;
}

}  // namespace nisi::rpc
