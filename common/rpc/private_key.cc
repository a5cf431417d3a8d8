#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/rpc/jwk.h"
#include "common/rpc/key_files.h"
#include "common/rpc/openssl_util.h"

namespace nisi::rpc {
namespace {

constexpr size_t kCoordinate = 32;
constexpr size_t kMaxKeyPemBytes = 64 << 10;

// A PEM that asks for a password is no key of ours; without this OpenSSL would prompt on the
// terminal.
int NoPassword(char*, int, int, void*) {
  return -1;
}

std::optional<Algorithm> KindOf(const EVP_PKEY* key) {
  if (EVP_PKEY_is_a(key, "ED25519") == 1) {
    return Algorithm::kEdDsa;
  }
  if (EVP_PKEY_is_a(key, "RSA") == 1 && EVP_PKEY_get_bits(key) >= 2048) {
    return Algorithm::kRs256;
  }
  char group[32] = "";
  if (EVP_PKEY_is_a(key, "EC") == 1 &&
      EVP_PKEY_get_group_name(key, group, sizeof(group), nullptr) == 1 &&
      absl::string_view(group) == "prime256v1") {
    return Algorithm::kEs256;
  }
  return std::nullopt;
}

// The raw (r, s) of a DER signature.
std::string RawFromDer(absl::string_view der) {
  const unsigned char* in = Bytes(der);
  const EcdsaSigPtr signature(d2i_ECDSA_SIG(nullptr, &in, static_cast<long>(der.size())));
  std::string raw(2 * kCoordinate, '\0');
  if (!signature ||
      BN_bn2binpad(ECDSA_SIG_get0_r(signature.get()), MutableBytes(raw), kCoordinate) < 0 ||
      BN_bn2binpad(ECDSA_SIG_get0_s(signature.get()), MutableBytes(raw) + kCoordinate,
                   kCoordinate) < 0) {
    return "";
  }
  return raw;
}

}  // namespace

absl::StatusOr<PrivateKey> PrivateKey::Generate(Algorithm algorithm) {
  EVP_PKEY* key = nullptr;
  switch (algorithm) {
    case Algorithm::kEs256:
      key = EVP_EC_gen("P-256");
      break;
    case Algorithm::kEdDsa:
      key = EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519");
      break;
    case Algorithm::kRs256:
      key = EVP_RSA_gen(2048);
      break;
  }
  if (key == nullptr) {
    return absl::InternalError("no key could be generated");
  }
  return PrivateKey(PublicKey(algorithm, std::shared_ptr<EVP_PKEY>(key, EVP_PKEY_free)));
}

absl::StatusOr<PrivateKey> PrivateKey::FromPem(absl::string_view pem) {
  const BioPtr bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  std::shared_ptr<EVP_PKEY> key(PEM_read_bio_PrivateKey(bio.get(), nullptr, NoPassword, nullptr),
                                EVP_PKEY_free);
  if (!key) {
    ERR_clear_error();
    return absl::InvalidArgumentError("no private key in PEM");
  }
  const std::optional<Algorithm> kind = KindOf(key.get());
  if (!kind) {
    return absl::InvalidArgumentError("neither Ed25519, P-256 nor RSA of 2048 bits");
  }
  return PrivateKey(PublicKey(*kind, std::move(key)));
}

absl::StatusOr<PrivateKey> PrivateKey::Load(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string pem, ReadSecretFile(path, kMaxKeyPemBytes));
  absl::StatusOr<PrivateKey> key = FromPem(pem);
  if (!key.ok()) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": ", key.status().message()));
  }
  return key;
}

absl::Status PrivateKey::Save(const std::string& path) const {
  return WriteNewFile(path, Pem(), 0600);
}

absl::StatusOr<PrivateKey> PrivateKey::LoadOrCreate(const std::string& path, Algorithm algorithm) {
  absl::StatusOr<PrivateKey> key = Load(path);
  if (!absl::IsNotFound(key.status())) {
    return key;
  }
  ASSIGN_OR_RETURN(PrivateKey fresh, Generate(algorithm));
  const absl::Status saved = fresh.Save(path);
  if (!saved.ok() && !absl::IsAlreadyExists(saved)) {
    return saved;
  }
  return Load(path);  // Whoever saved first won.
}

std::string PrivateKey::Pem() const {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  char* text = nullptr;
  PEM_write_bio_PKCS8PrivateKey(bio.get(), native(), nullptr, nullptr, 0, nullptr, nullptr);
  const long size = BIO_get_mem_data(bio.get(), &text);
  return size > 0 ? std::string(text, static_cast<size_t>(size)) : "";
}

std::string PrivateKey::Sign(absl::string_view message) const {
  const MdCtxPtr context(EVP_MD_CTX_new());
  const char* digest = algorithm() == Algorithm::kEdDsa ? nullptr : "SHA256";
  size_t size = static_cast<size_t>(EVP_PKEY_get_size(native()));
  std::string signature(size, '\0');
  if (EVP_DigestSignInit_ex(context.get(), nullptr, digest, nullptr, nullptr, native(), nullptr) !=
          1 ||
      EVP_DigestSign(context.get(), MutableBytes(signature), &size, Bytes(message),
                     message.size()) != 1) {
    ERR_clear_error();
    return "";
  }
  signature.resize(size);
  return algorithm() == Algorithm::kEs256 ? RawFromDer(signature) : signature;
}

}  // namespace nisi::rpc
