// Access tokens: JWT (RFC 7519, 9068), read so strictly that none of the known confusions has room.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/rpc/caller.h"
#include "common/rpc/expiring_cache.h"
#include "common/rpc/jwk.h"
#include "common/rpc/key_files.h"

namespace nisi::rpc {

inline constexpr size_t kMaxTokenBytes = 4096;
inline constexpr absl::Duration kTokenSkew = absl::Seconds(60);

// An issuer of tokens that we trust. Its one algorithm is ours to say, never the token's.
struct TokenIssuer {
  std::string issuer;
  std::string audience;
  Algorithm algorithm = Algorithm::kEs256;
  absl::Duration max_life =
      absl::Minutes(10);  // From iat to exp; development issuers may have more.
  KeySource keys;
};

struct VerifiedToken {
  Caller caller;
  absl::Time expires;                  // The token's exp.
  std::shared_ptr<const KeySet> keys;  // Verified with these,
  KeySource source;                    // which come from there: other keys, verify again.
};

// Thread-safe.
class TokenVerifier {
 public:
  explicit TokenVerifier(std::vector<TokenIssuer> issuers);

  // TOKEN_EXPIRED for a token that is good but too old; TOKEN_INVALID for everything else that is
  // wrong. `why`, when given, is for the log only: it names the failed check and holds nothing of
  // the token.
  absl::StatusOr<VerifiedToken> Verify(absl::string_view token, absl::Time now,
                                       std::string* why = nullptr) const;

 private:
  absl::flat_hash_map<std::string, TokenIssuer> issuers_;
};

// Tokens verified lately, by their SHA-256: the token itself is not kept. Thread-safe.
class TokenCache {
 public:
  static constexpr size_t kCapacity = 20'000;
  static constexpr absl::Duration kMaxLife = absl::Seconds(60);

  explicit TokenCache(size_t capacity = kCapacity) : cache_(capacity) {}

  // nullptr when it has to be verified: it is not known, or its issuer's keys are others by now.
  std::shared_ptr<const Caller> Find(absl::string_view token, absl::Time now) const;
  // Kept until the token expires, at most kMaxLife.
  std::shared_ptr<const Caller> Insert(absl::string_view token, VerifiedToken verified,
                                       absl::Time now);
  // Find, or verify and Insert. The errors of TokenVerifier::Verify.
  absl::StatusOr<std::shared_ptr<const Caller>> FindOrVerify(const TokenVerifier& verifier,
                                                             absl::string_view token,
                                                             absl::Time now,
                                                             std::string* why = nullptr);
  size_t size() const { return cache_.size(); }

 private:
  ExpiringCache<VerifiedToken> cache_;
};

// A token that says who `caller` is (not its actors), valid from `now` for `life`.
std::string MintToken(const PrivateKey& key, absl::string_view issuer, absl::string_view audience,
                      absl::string_view kid, const Caller& caller, absl::Time now,
                      absl::Duration life, absl::string_view jti);

}  // namespace nisi::rpc
