#include "common/rpc/certificates.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/hash.h"
#include "common/base/status.h"
#include "common/rpc/jwk.h"
#include "common/rpc/key_files.h"
#include "common/rpc/openssl_util.h"
#include "common/rpc/pem.h"

namespace nisi::rpc {
namespace {

constexpr absl::Duration kAuthorityLife = absl::Hours(24 * 3650);
constexpr absl::Duration kBackdate = absl::Hours(1);  // For machines whose clocks are behind.
constexpr size_t kMaxPemBytes = 64 << 10;

struct Extension {
  int nid;
  std::string value;  // In the notation of openssl's configuration.
};

struct Authority {
  X509Ptr certificate;
  PrivateKey key;
};

bool IsName(absl::string_view name) {
  return !name.empty() && name.size() <= 63 && name.front() != '-' && name.back() != '-' &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
         });
}

std::string PemOf(X509* certificate) {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  char* text = nullptr;
  PEM_write_bio_X509(bio.get(), certificate);
  const long size = BIO_get_mem_data(bio.get(), &text);
  return size > 0 ? std::string(text, static_cast<size_t>(size)) : "";
}

// A certificate for `key`; signed by itself when `authority` is null.
absl::StatusOr<X509Ptr> Issue(const std::string& common_name, const PrivateKey& key,
                              const Authority* authority, absl::Time now, absl::Duration life,
                              const std::vector<Extension>& extensions) {
  X509Ptr certificate(X509_new());
  X509* const raw = certificate.get();
  const std::string serial_bytes = base::RandomBytes(16);
  const BignumPtr serial(BN_bin2bn(Bytes(serial_bytes), 16, nullptr));
  BN_clear_bit(serial.get(), 127);  // Positive in its DER form without a 17th byte.
  X509_set_version(raw, X509_VERSION_3);
  BN_to_ASN1_INTEGER(serial.get(), X509_get_serialNumber(raw));
  ASN1_TIME_set(X509_getm_notBefore(raw), absl::ToTimeT(now - kBackdate));
  ASN1_TIME_set(X509_getm_notAfter(raw), absl::ToTimeT(now + life));
  X509_NAME_add_entry_by_txt(X509_get_subject_name(raw), "CN", MBSTRING_UTF8, Bytes(common_name),
                             static_cast<int>(common_name.size()), -1, 0);
  X509* const issuer = authority == nullptr ? raw : authority->certificate.get();
  X509_set_issuer_name(raw, X509_get_subject_name(issuer));
  X509_set_pubkey(raw, key.native());
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, raw, nullptr, nullptr, 0);
  for (const Extension& extension : extensions) {
    const X509ExtensionPtr made(
        X509V3_EXT_conf_nid(nullptr, &context, extension.nid, extension.value.c_str()));
    if (!made || X509_add_ext(raw, made.get(), -1) != 1) {
      ERR_clear_error();
      return absl::InternalError(absl::StrCat("certificate extension ", extension.value));
    }
  }
  EVP_PKEY* const signer = authority == nullptr ? key.native() : authority->key.native();
  if (X509_sign(raw, signer, EVP_sha256()) <= 0) {
    ERR_clear_error();
    return absl::InternalError("a certificate could not be signed");
  }
  return certificate;
}

absl::StatusOr<Authority> LoadOrCreateAuthority(const std::string& dir, absl::Time now) {
  RETURN_IF_ERROR(MakePrivateFolder(dir));
  ASSIGN_OR_RETURN(PrivateKey key,
                   PrivateKey::LoadOrCreate(absl::StrCat(dir, "/ca.key"), Algorithm::kEs256));
  const std::string path = absl::StrCat(dir, "/ca.pem");
  absl::StatusOr<std::string> pem = ReadFile(path, kMaxPemBytes);
  if (absl::IsNotFound(pem.status())) {
    ASSIGN_OR_RETURN(const X509Ptr made,
                     Issue("NISI development authority", key, nullptr, now, kAuthorityLife,
                           {{NID_basic_constraints, "critical,CA:TRUE,pathlen:0"},
                            {NID_key_usage, "critical,keyCertSign,cRLSign"},
                            {NID_subject_key_identifier, "hash"}}));
    const absl::Status written = WriteNewFile(path, PemOf(made.get()), 0644);
    if (!written.ok() && !absl::IsAlreadyExists(written)) {
      return written;
    }
    pem = ReadFile(path, kMaxPemBytes);
  }
  RETURN_IF_ERROR(pem.status());
  auto found = CertificatesIn(*pem);
  if (!found.ok() || X509_check_private_key(found->front().get(), key.native()) != 1) {
    ERR_clear_error();
    return absl::InvalidArgumentError(absl::StrCat(path, ": not the certificate of ca.key"));
  }
  return Authority{std::move(found->front()), std::move(key)};
}

absl::Status Make(const std::string& dir, const std::string& name, const Authority& authority,
                  absl::Time now, absl::Duration life, const std::string& usage,
                  const std::string& alternative_names) {
  ASSIGN_OR_RETURN(const PrivateKey key, PrivateKey::Generate(Algorithm::kEs256));
  ASSIGN_OR_RETURN(const X509Ptr certificate, Issue(name, key, &authority, now, life,
                                                    {{NID_basic_constraints, "critical,CA:FALSE"},
                                                     {NID_key_usage, "critical,digitalSignature"},
                                                     {NID_ext_key_usage, usage},
                                                     {NID_subject_key_identifier, "hash"},
                                                     {NID_authority_key_identifier, "keyid"},
                                                     {NID_subject_alt_name, alternative_names}}));
  // A process that reads between the two has a pair that does not match until its next look, a
  // second later; connections that stand are not touched.
  RETURN_IF_ERROR(ReplaceFile(absl::StrCat(dir, "/", name, ".key"), key.Pem(), 0600));
  return ReplaceFile(absl::StrCat(dir, "/", name, ".pem"), PemOf(certificate.get()), 0644);
}

absl::Status CheckNames(const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    if (!IsName(name) || name == "ca") {
      return absl::InvalidArgumentError(absl::StrCat("not a name for a certificate: ", name));
    }
  }
  return absl::OkStatus();
}

}  // namespace

std::string ServiceIdentity(absl::string_view name) {
  return absl::StrCat("spiffe://nisi/svc/", name);
}

std::string ClientIdentity(absl::string_view id) {
  return absl::StrCat("spiffe://nisi/client/", id);
}

absl::Status MakeCertificates(const std::string& dir, const std::vector<std::string>& names,
                              absl::Time now, absl::Duration life) {
  RETURN_IF_ERROR(CheckNames(names));
  ASSIGN_OR_RETURN(const Authority authority, LoadOrCreateAuthority(dir, now));
  for (const std::string& name : names) {
    RETURN_IF_ERROR(
        Make(dir, name, authority, now, life, "serverAuth,clientAuth",
             absl::StrCat("URI:", ServiceIdentity(name), ",DNS:", name,
                          name == "localhost" ? "" : ",DNS:localhost", ",IP:127.0.0.1")));
  }
  return absl::OkStatus();
}

absl::Status MakeClientCertificates(const std::string& dir, const std::vector<std::string>& ids,
                                    absl::Time now, absl::Duration life) {
  RETURN_IF_ERROR(CheckNames(ids));
  ASSIGN_OR_RETURN(const Authority authority, LoadOrCreateAuthority(dir, now));
  for (const std::string& id : ids) {
    RETURN_IF_ERROR(Make(dir, id, authority, now, life, "clientAuth",
                         absl::StrCat("URI:", ClientIdentity(id))));
  }
  return absl::OkStatus();
}

}  // namespace nisi::rpc
