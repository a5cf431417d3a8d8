// Keys: public ones as JWK and JWKS (RFC 7517, 8037), private ones as PKCS #8 files.
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

struct evp_pkey_st;  // OpenSSL's EVP_PKEY.

namespace nisi::rpc {

enum class Algorithm { kEs256, kEdDsa, kRs256 };

// As in JOSE headers: "ES256", "EdDSA", "RS256".
absl::string_view AlgorithmName(Algorithm algorithm);
std::optional<Algorithm> AlgorithmFromName(absl::string_view name);

// A key that verifies; cheap to copy, usable from many threads.
class PublicKey {
 public:
  // std::nullopt for a key this system has no use for: another type, curve, algorithm or use.
  // INVALID_ARGUMENT for a malformed key, RSA under 2048 bits, and one that shows its private part.
  static absl::StatusOr<std::optional<PublicKey>> FromJwk(const nlohmann::json& jwk);
  // INVALID_ARGUMENT unless `raw` is 32 bytes.
  static absl::StatusOr<PublicKey> FromRawEd25519(absl::string_view raw);

  Algorithm algorithm() const { return algorithm_; }
  // `signature` as in JWS: 64 raw bytes for ES256 (r, s) and EdDSA, one modulus for RS256.
  bool Verify(absl::string_view message, absl::string_view signature) const;
  // The 32 bytes of an Ed25519 key; empty for others.
  std::string RawEd25519() const;
  // The first 8 bytes of SHA-256 of RawEd25519(); empty for others.
  std::string KeyId() const;
  // kty, crv, x, y, n, e, alg, use and the given kid.
  nlohmann::json ToJwk(absl::string_view kid) const;

 private:
  friend class PrivateKey;
  PublicKey(Algorithm algorithm, std::shared_ptr<evp_pkey_st> key)
      : algorithm_(algorithm), key_(std::move(key)) {}

  Algorithm algorithm_;
  std::shared_ptr<evp_pkey_st> key_;
};

// The usable keys of a JWKS, by kid.
class KeySet {
 public:
  struct Entry {
    std::string kid;
    PublicKey key;
  };

  // INVALID_ARGUMENT for text that is not a JWKS, a kid or a JSON key twice, a malformed key, or no
  // usable key. Keys of unknown type and keys without a kid are skipped.
  static absl::StatusOr<KeySet> Parse(absl::string_view jwks);

  // nullptr when there is none.
  const PublicKey* Find(absl::string_view kid) const;
  // The Ed25519 key with this PublicKey::KeyId(), and its kid.
  const Entry* FindByKeyId(absl::string_view key_id) const;
  const std::vector<Entry>& entries() const { return entries_; }

 private:
  std::vector<Entry> entries_;
  absl::flat_hash_map<std::string, size_t> by_kid_;
  absl::flat_hash_map<std::string, size_t> by_key_id_;
};

// The text of a JWKS with these keys.
std::string JwksText(const std::vector<KeySet::Entry>& keys);

// A key that signs; cheap to copy, usable from many threads.
class PrivateKey {
 public:
  static absl::StatusOr<PrivateKey> Generate(Algorithm algorithm);
  // INVALID_ARGUMENT for anything but one unencrypted Ed25519, P-256 or RSA key in PEM.
  static absl::StatusOr<PrivateKey> FromPem(absl::string_view pem);
  // Also NOT_FOUND, and FAILED_PRECONDITION for a file that others than owner and group may touch.
  static absl::StatusOr<PrivateKey> Load(const std::string& path);
  // Writes PKCS #8 with mode 0600. ALREADY_EXISTS, and nothing is written, where the file exists.
  absl::Status Save(const std::string& path) const;
  // Load(), or Generate() and Save() where there is no file yet; two processes may race.
  static absl::StatusOr<PrivateKey> LoadOrCreate(const std::string& path, Algorithm algorithm);

  Algorithm algorithm() const { return public_.algorithm(); }
  const PublicKey& public_key() const { return public_; }
  std::string Pem() const;
  // As PublicKey::Verify takes it.
  std::string Sign(absl::string_view message) const;
  evp_pkey_st* native() const { return public_.key_.get(); }

 private:
  explicit PrivateKey(PublicKey key) : public_(std::move(key)) {}

  PublicKey public_;  // Shares the native key, whose private half only Sign and Pem use.
};

}  // namespace nisi::rpc
