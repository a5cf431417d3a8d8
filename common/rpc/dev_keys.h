// What `nisi serve` makes for itself in <dir>/keys for development: keys that are created once and
// found again, and tokens for trying out. Production gives keys by file and takes tokens from a
// real issuer.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/rpc/jwk.h"
#include "common/rpc/jwt.h"
#include "common/rpc/key_files.h"

namespace nisi::rpc {

inline constexpr char kDevIssuer[] = "nisi-development";
inline constexpr char kDevAudience[] = "nisi";
inline constexpr absl::Duration kDevTokenLife = absl::Hours(24);

// The longest life of a token of an issuer, where nobody says another.
inline absl::Duration UsualTokenLife(absl::string_view issuer) {
  return issuer == kDevIssuer ? kDevTokenLife : TokenIssuer().max_life;
}

struct DevKeys {
  PrivateKey issuer;         // Signs tokens; public half in jwks.json.
  PrivateKey gateway;        // Signs call contexts as "gateway".
  PrivateKey head;           // Signs the heads of the stores' trees.
  std::string jwks_path;     // The keys of the issuer.
  std::string signers_path;  // The keys of all who sign call contexts; kid is the signer's name.
};

// Creates what is missing: a folder with mode 0700, keys with mode 0600. The errors of
// PrivateKey::Load and Save.
absl::StatusOr<DevKeys> LoadOrCreateDevKeys(const std::string& dir);

// For each name the key <dir>/context-<name>.key, made when missing, and <dir>/signers.json with
// the public halves of all such keys in the folder.
absl::Status MakeContextKeys(const std::string& dir, const std::vector<std::string>& names);
std::string ContextKeyPath(absl::string_view dir, absl::string_view name);

// The issuer whose tokens MintDevToken makes. The errors of JwksFile::Open.
absl::StatusOr<TokenIssuer> DevIssuer(const std::string& dir, absl::Time now);

// A token of kDevTokenLife for one role. `bin` and `regions` may be empty.
absl::StatusOr<std::string> MintDevToken(const std::string& dir, Role role, absl::string_view bin,
                                         const std::vector<std::string>& regions, absl::Time now);

}  // namespace nisi::rpc
