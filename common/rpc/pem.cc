#include "common/rpc/pem.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/http2/tls.h"
#include "common/rpc/key_files.h"

namespace nisi::rpc {
namespace {

constexpr size_t kMaxPemBytes = 1 << 20;

}  // namespace

absl::StatusOr<std::vector<X509Ptr>> CertificatesIn(absl::string_view pem) {
  ERR_clear_error();
  const BioPtr bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  std::vector<X509Ptr> found;
  while (X509* const one = PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)) {
    found.emplace_back(one);
  }
  // So it ends where no further one begins.
  const unsigned long last = ERR_peek_last_error();
  const bool whole =
      ERR_GET_LIB(last) == ERR_LIB_PEM && ERR_GET_REASON(last) == PEM_R_NO_START_LINE;
  const std::string problem = http2::TlsProblem();
  if (!whole) return absl::InvalidArgumentError(problem);
  if (found.empty()) return absl::InvalidArgumentError("no certificate in PEM");
  return found;
}

absl::StatusOr<std::vector<X509Ptr>> ReadCertificates(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string pem, ReadFile(path, kMaxPemBytes));
  auto found = CertificatesIn(pem);
  if (found.ok()) return found;
  return absl::InvalidArgumentError(absl::StrCat(path, ": ", found.status().message()));
}

}  // namespace nisi::rpc
