// Access tokens: only a token that our issuer signed gives an identity, and never another one than
// its claims say.
#include "common/rpc/jwt.h"

#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/rpc/strict_json.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/keys.h"

namespace nisi::fuzz::jwt_target {
namespace {

using nlohmann::json;
using rpc::Caller;
using rpc::PrivateKey;

constexpr int64_t kNow = 1'781'500'000;
constexpr char kAudience[] = "nisi";

struct Issuer {
  const char* name;
  const char* kid;
  PrivateKey key;
};

const std::vector<Issuer>& Issuers() {
  static const auto* const kIssuers =
      new std::vector<Issuer>{{"https://ed.example", "ed", *PrivateKey::FromPem(Ed25519Pem('e'))},
                              {"https://ec.example", "ec", *PrivateKey::FromPem(P256Pem('c'))}};
  return *kIssuers;
}

const rpc::TokenVerifier& Verifier() {
  static const auto* const kVerifier = [] {
    std::vector<rpc::TokenIssuer> trusted;
    for (const Issuer& issuer : Issuers()) {
      const std::string jwks = rpc::JwksText({{issuer.kid, issuer.key.public_key()}});
      trusted.push_back({issuer.name, kAudience, issuer.key.algorithm(), absl::Minutes(10),
                         rpc::FixedKeys(*rpc::KeySet::Parse(jwks))});
    }
    return new rpc::TokenVerifier(std::move(trusted));
  }();
  return *kVerifier;
}

absl::StatusOr<rpc::VerifiedToken> Verify(absl::string_view token) {
  auto verified = Verifier().Verify(token, absl::FromUnixSeconds(kNow));
  const std::string reason = base::ReasonOf(verified.status());
  Expect(verified.ok() || reason == "TOKEN_INVALID" || reason == "TOKEN_EXPIRED",
         "a refused token has one of two reasons");
  return verified;
}

// What an accepted token must say, read by another reader.
void CheckIdentity(const rpc::VerifiedToken& verified, const Issuer& issuer,
                   absl::string_view claims_text) {
  const json claims = json::parse(claims_text, nullptr, false);
  Expect(claims.is_object(), "claims are an object");
  Expect(claims.value("iss", json()) == issuer.name, "the issuer is the one that signed");
  const json aud = claims.value("aud", json());
  Expect(aud == kAudience ||
             (aud.is_array() && std::find(aud.begin(), aud.end(), kAudience) != aud.end()),
         "the audience is ours");
  const auto iat = claims.at("iat").get<int64_t>();
  const auto exp = claims.at("exp").get<int64_t>();
  Expect(iat < exp && exp - iat <= 600 && iat <= kNow + 60 && exp > kNow - 60,
         "the token is of this time");
  Expect(verified.expires == absl::FromUnixSeconds(exp), "it expires when it says");
  Expect(!verified.caller.anonymous() && claims.at("sub") == verified.caller.subject,
         "the subject is the token's");
  const json roles = claims.value("roles", json::array());
  for (const rpc::Role role : rpc::AllRoles()) {
    Expect(role == rpc::v1::PUBLIC || !verified.caller.Has(role) ||
               std::find(roles.begin(), roles.end(), rpc::RoleName(role)) != roles.end(),
           "no role that the token does not give");
  }
  Expect(verified.caller.actors.empty(), "a token names no actors");
}

// A header and claims of any kind, under a good signature.
void CheckSigned(const Issuer& issuer, Input& in) {
  const std::string header(in.Part());
  const std::string claims(in.Rest());
  const std::string text =
      absl::StrCat(rpc::Base64UrlEncode(header), ".", rpc::Base64UrlEncode(claims));
  const auto verified =
      Verify(absl::StrCat(text, ".", rpc::Base64UrlEncode(issuer.key.Sign(text))));
  if (verified.ok()) CheckIdentity(*verified, issuer, claims);
}

// A good token, edited.
void CheckEdited(const Issuer& issuer, Input& in) {
  Caller caller;
  caller.subject = absl::StrCat("s", Letters(in.Part().substr(0, 100)));
  caller.purpose = Letters(in.Part().substr(0, 100));
  for (const rpc::Role role : rpc::AllRoles()) {
    if ((in.Byte() & 1) != 0) caller.Grant(role);
  }
  caller.roles &= ~(1U << static_cast<uint32_t>(rpc::v1::PUBLIC));
  if ((in.Byte() & 1) != 0) caller.bin = "123456789012";
  if ((in.Byte() & 1) != 0) caller.regions = {"71", "750000000"};
  const std::string token = rpc::MintToken(issuer.key, issuer.name, kAudience, issuer.kid, caller,
                                           absl::FromUnixSeconds(kNow), absl::Minutes(5), "j1");
  const auto verified = Verify(token);
  Expect(verified.ok() && verified->caller == caller, "a minted token gives back who it is for");
  const std::string edited = Edited(token, in);
  Expect(edited == token || !Verify(edited).ok(), "an edited token gives no identity");
}

}  // namespace

NISI_FUZZ_TARGET(jwt) {
  Input in(data, size);
  const uint8_t kind = in.Byte();
  const Issuer& issuer = Issuers()[kind / 3 % 2];
  switch (kind % 3) {
    case 0: {
      // No fuzzer makes a signature: what verifies is one of the stored inputs.
      const auto verified = Verify(in.Rest());
      Expect(!verified.ok() || !verified->caller.anonymous(), "nobody is no identity");
      break;
    }
    case 1:
      CheckSigned(issuer, in);
      break;
    default:
      CheckEdited(issuer, in);
  }
  return 0;
}

}  // namespace nisi::fuzz::jwt_target
