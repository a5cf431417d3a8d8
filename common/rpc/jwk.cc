#include "common/rpc/jwk.h"

#include <openssl/core_names.h>
#include <openssl/err.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "common/base/hash.h"
#include "common/base/status.h"
#include "common/rpc/openssl_util.h"
#include "common/rpc/strict_json.h"

namespace nisi::rpc {
namespace {

using nlohmann::json;

constexpr int kMinRsaBits = 2048;
constexpr int kMaxRsaBits = 8192;  // More only costs time per signature.
constexpr size_t kMaxKeys = 100;
constexpr size_t kMaxJwksBytes = 256 << 10;
constexpr int kMaxJwksDepth = 8;
constexpr size_t kJwkCoordinate = 32;

absl::Status BadKey(absl::string_view what) {
  return absl::InvalidArgumentError(what);
}

std::shared_ptr<EVP_PKEY> Shared(EVP_PKEY* key) {
  return {key, EVP_PKEY_free};
}

// A public key of `type` from parameters; nullptr when they make none.
EVP_PKEY* FromParams(const char* type, OSSL_PARAM_BLD* builder) {
  const ParamsPtr params(OSSL_PARAM_BLD_to_param(builder));
  const PkeyCtxPtr context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  EVP_PKEY* key = nullptr;
  if (!params || !context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, params.get()) != 1) {
    ERR_clear_error();
    return nullptr;
  }
  return key;
}

absl::StatusOr<std::string> Member(const json& jwk, const char* name) {
  const std::optional<std::string> text = StringAt(jwk, name, 2048);
  std::optional<std::string> bytes = text ? Base64UrlDecode(*text) : std::nullopt;
  if (!bytes) {
    return BadKey(absl::StrCat(name, ": not base64url"));
  }
  return *std::move(bytes);
}

absl::StatusOr<std::shared_ptr<EVP_PKEY>> EcKey(const json& jwk) {
  ASSIGN_OR_RETURN(const std::string x, Member(jwk, "x"));
  ASSIGN_OR_RETURN(const std::string y, Member(jwk, "y"));
  if (x.size() != kJwkCoordinate || y.size() != kJwkCoordinate) {
    return BadKey("a coordinate is not 32 bytes");
  }
  const std::string point = absl::StrCat("\x04", x, y);
  const ParamBuilderPtr builder(OSSL_PARAM_BLD_new());
  OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0);
  OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(),
                                   point.size());
  std::shared_ptr<EVP_PKEY> key = Shared(FromParams("EC", builder.get()));
  if (!key) {
    return BadKey("not a point of P-256");
  }
  const PkeyCtxPtr check(EVP_PKEY_CTX_new_from_pkey(nullptr, key.get(), nullptr));
  if (EVP_PKEY_public_check(check.get()) != 1) {
    ERR_clear_error();
    return BadKey("not a point of P-256");
  }
  return key;
}

absl::StatusOr<std::shared_ptr<EVP_PKEY>> RsaKey(const json& jwk) {
  ASSIGN_OR_RETURN(const std::string n, Member(jwk, "n"));
  ASSIGN_OR_RETURN(const std::string e, Member(jwk, "e"));
  const BignumPtr modulus(BN_bin2bn(Bytes(n), static_cast<int>(n.size()), nullptr));
  const BignumPtr exponent(BN_bin2bn(Bytes(e), static_cast<int>(e.size()), nullptr));
  if (BN_num_bits(modulus.get()) < kMinRsaBits || BN_num_bits(modulus.get()) > kMaxRsaBits) {
    return BadKey("RSA modulus under 2048 or over 8192 bits");
  }
  if (BN_num_bits(exponent.get()) < 17 || BN_num_bits(exponent.get()) > 32 ||
      BN_is_odd(exponent.get()) == 0 || BN_is_odd(modulus.get()) == 0) {
    return BadKey("RSA exponent or modulus");
  }
  const ParamBuilderPtr builder(OSSL_PARAM_BLD_new());
  OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, modulus.get());
  OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, exponent.get());
  std::shared_ptr<EVP_PKEY> key = Shared(FromParams("RSA", builder.get()));
  if (!key) {
    return BadKey("not an RSA key");
  }
  return key;
}

// What kind of key a JWK is; std::nullopt for those we have no use for.
std::optional<Algorithm> KindOf(const json& jwk) {
  const auto is = [&jwk](const char* name, const char* value) {
    const auto found = jwk.find(name);
    return found != jwk.end() && found->is_string() &&
           found->get_ref<const std::string&>() == value;
  };
  std::optional<Algorithm> kind;
  if (is("kty", "EC") && is("crv", "P-256")) {
    kind = Algorithm::kEs256;
  } else if (is("kty", "OKP") && is("crv", "Ed25519")) {
    kind = Algorithm::kEdDsa;
  } else if (is("kty", "RSA")) {
    kind = Algorithm::kRs256;
  }
  if (!kind || (jwk.contains("use") && !is("use", "sig")) ||
      (jwk.contains("alg") && !is("alg", std::string(AlgorithmName(*kind)).c_str()))) {
    return std::nullopt;
  }
  return kind;
}

// A big number of the key as base64url, at least `width` bytes.
std::string NumberOf(const EVP_PKEY* key, const char* name, size_t width) {
  BIGNUM* raw = nullptr;
  if (EVP_PKEY_get_bn_param(key, name, &raw) != 1) {
    return "";
  }
  const BignumPtr number(raw);
  std::string bytes(std::max(width, static_cast<size_t>(BN_num_bytes(raw))), '\0');
  BN_bn2binpad(raw, MutableBytes(bytes), static_cast<int>(bytes.size()));
  return Base64UrlEncode(bytes);
}

// The DER form OpenSSL wants of a raw (r, s); empty when there is none.
std::string DerFromRaw(absl::string_view raw) {
  if (raw.size() != 2 * kJwkCoordinate) {
    return "";
  }
  const EcdsaSigPtr signature(ECDSA_SIG_new());
  BIGNUM* r = BN_bin2bn(Bytes(raw), kJwkCoordinate, nullptr);
  BIGNUM* s = BN_bin2bn(Bytes(raw) + kJwkCoordinate, kJwkCoordinate, nullptr);
  if (ECDSA_SIG_set0(signature.get(), r, s) != 1) {
    BN_free(r);
    BN_free(s);
    return "";
  }
  unsigned char* out = nullptr;
  const int size = i2d_ECDSA_SIG(signature.get(), &out);
  if (size <= 0) {
    return "";
  }
  std::string der(reinterpret_cast<char*>(out), static_cast<size_t>(size));
  OPENSSL_free(out);
  return der;
}

const char* DigestOf(Algorithm algorithm) {
  return algorithm == Algorithm::kEdDsa ? nullptr : "SHA256";
}

}  // namespace

absl::string_view AlgorithmName(Algorithm algorithm) {
  switch (algorithm) {
    case Algorithm::kEs256:
      return "ES256";
    case Algorithm::kEdDsa:
      return "EdDSA";
    case Algorithm::kRs256:
      return "RS256";
  }
  return "";
}

std::optional<Algorithm> AlgorithmFromName(absl::string_view name) {
  for (const Algorithm algorithm : {Algorithm::kEs256, Algorithm::kEdDsa, Algorithm::kRs256}) {
    if (AlgorithmName(algorithm) == name) {
      return algorithm;
    }
  }
  return std::nullopt;
}

absl::StatusOr<std::optional<PublicKey>> PublicKey::FromJwk(const json& jwk) {
  const std::optional<Algorithm> kind = KindOf(jwk);
  if (!kind) {
    return std::optional<PublicKey>();
  }
  if (jwk.contains("d")) {
    return BadKey("a private key among public ones");
  }
  if (*kind == Algorithm::kEdDsa) {
    ASSIGN_OR_RETURN(const std::string x, Member(jwk, "x"));
    ASSIGN_OR_RETURN(PublicKey key, FromRawEd25519(x));
    return std::optional<PublicKey>(std::move(key));
  }
  ASSIGN_OR_RETURN(std::shared_ptr<EVP_PKEY> key,
                   *kind == Algorithm::kEs256 ? EcKey(jwk) : RsaKey(jwk));
  return std::optional<PublicKey>(PublicKey(*kind, std::move(key)));
}

absl::StatusOr<PublicKey> PublicKey::FromRawEd25519(absl::string_view raw) {
  std::shared_ptr<EVP_PKEY> key;
  if (raw.size() == 32) {
    key = Shared(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, Bytes(raw), raw.size()));
  }
  if (!key) {
    return BadKey("not an Ed25519 key");
  }
  return PublicKey(Algorithm::kEdDsa, std::move(key));
}

bool PublicKey::Verify(absl::string_view message, absl::string_view signature) const {
  std::string der;
  if (algorithm_ == Algorithm::kEs256) {
    der = DerFromRaw(signature);
    signature = der;
  } else if (signature.size() != static_cast<size_t>(EVP_PKEY_get_size(key_.get()))) {
    return false;
  }
  const MdCtxPtr context(EVP_MD_CTX_new());
  const bool good = !signature.empty() &&
                    EVP_DigestVerifyInit_ex(context.get(), nullptr, DigestOf(algorithm_), nullptr,
                                            nullptr, key_.get(), nullptr) == 1 &&
                    EVP_DigestVerify(context.get(), Bytes(signature), signature.size(),
                                     Bytes(message), message.size()) == 1;
  if (!good) {
    ERR_clear_error();  // Left on the thread's queue they would confuse whoever asks next, TLS
                        // included.
  }
  return good;
}

std::string PublicKey::RawEd25519() const {
  std::string raw(32, '\0');
  size_t size = raw.size();
  if (algorithm_ != Algorithm::kEdDsa ||
      EVP_PKEY_get_raw_public_key(key_.get(), MutableBytes(raw), &size) != 1) {
    return "";
  }
  return raw;
}

std::string PublicKey::KeyId() const {
  const std::string raw = RawEd25519();
  return raw.empty() ? "" : base::Sha256Bytes(raw).substr(0, 8);
}

json PublicKey::ToJwk(absl::string_view kid) const {
  json jwk = {
      {"kid", std::string(kid)}, {"alg", std::string(AlgorithmName(algorithm_))}, {"use", "sig"}};
  switch (algorithm_) {
    case Algorithm::kEs256:
      jwk["kty"] = "EC";
      jwk["crv"] = "P-256";
      jwk["x"] = NumberOf(key_.get(), OSSL_PKEY_PARAM_EC_PUB_X, kJwkCoordinate);
      jwk["y"] = NumberOf(key_.get(), OSSL_PKEY_PARAM_EC_PUB_Y, kJwkCoordinate);
      break;
    case Algorithm::kEdDsa:
      jwk["kty"] = "OKP";
      jwk["crv"] = "Ed25519";
      jwk["x"] = Base64UrlEncode(RawEd25519());
      break;
    case Algorithm::kRs256:
      jwk["kty"] = "RSA";
      jwk["n"] = NumberOf(key_.get(), OSSL_PKEY_PARAM_RSA_N, 0);
      jwk["e"] = NumberOf(key_.get(), OSSL_PKEY_PARAM_RSA_E, 0);
      break;
  }
  return jwk;
}

absl::StatusOr<KeySet> KeySet::Parse(absl::string_view jwks) {
  if (jwks.size() > kMaxJwksBytes) {
    return BadKey("over 256 KiB");
  }
  ASSIGN_OR_RETURN(const json document, ParseStrictJson(jwks, kMaxJwksDepth));
  const auto keys = document.find("keys");
  if (keys == document.end() || !keys->is_array() || keys->size() > kMaxKeys) {
    return BadKey("no array `keys` of at most 100");
  }
  KeySet set;
  for (const json& jwk : *keys) {
    if (!jwk.is_object()) {
      return BadKey("a key is not an object");
    }
    ASSIGN_OR_RETURN(std::optional<PublicKey> key, PublicKey::FromJwk(jwk));
    const std::optional<std::string> kid = StringAt(jwk, "kid");
    if (!key || !kid) {
      continue;
    }
    const std::string key_id = key->KeyId();
    if (!set.by_kid_.emplace(*kid, set.entries_.size()).second ||
        (!key_id.empty() && !set.by_key_id_.emplace(key_id, set.entries_.size()).second)) {
      return BadKey("a key appears twice");
    }
    set.entries_.push_back({*kid, *std::move(key)});
  }
  if (set.entries_.empty()) {
    return BadKey("no usable key");
  }
  return set;
}

const PublicKey* KeySet::Find(absl::string_view kid) const {
  const auto found = by_kid_.find(kid);
  return found == by_kid_.end() ? nullptr : &entries_[found->second].key;
}

const KeySet::Entry* KeySet::FindByKeyId(absl::string_view key_id) const {
  const auto found = by_key_id_.find(key_id);
  return found == by_key_id_.end() ? nullptr : &entries_[found->second];
}

std::string JwksText(const std::vector<KeySet::Entry>& keys) {
  json list = json::array();
  for (const KeySet::Entry& entry : keys) {
    list.push_back(entry.key.ToJwk(entry.kid));
  }
  return json{{"keys", std::move(list)}}.dump(2) + "\n";
}

}  // namespace nisi::rpc
