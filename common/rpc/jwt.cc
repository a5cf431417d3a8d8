#include "common/rpc/jwt.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/hash.h"
#include "common/base/planted.h"
#include "common/base/status.h"
#include "common/rpc/identity_errors.h"
#include "common/rpc/strict_json.h"
#include "common/rpc/subjects.h"

namespace nisi::rpc {
namespace {

using nlohmann::json;

constexpr size_t kMaxHeaderBytes = 1024;
constexpr int kMaxHeaderDepth = 4;
constexpr int kMaxClaimsDepth = 8;
constexpr char kType[] = "at+jwt";
constexpr int64_t kMaxSeconds = 253'402'300'799;  // The end of the year 9999.

// The one check whose failure the caller may know.
constexpr absl::StatusCode kExpiredCode = absl::StatusCode::kDeadlineExceeded;

absl::Status BadToken(absl::string_view what) {
  return absl::InvalidArgumentError(what);
}

struct Parts {
  absl::string_view header;
  absl::string_view claims;
  absl::string_view signature;
  absl::string_view signed_text;  // header.claims
};

absl::StatusOr<Parts> Split(absl::string_view token) {
  const size_t first = token.find('.');
  const size_t second = first == absl::string_view::npos ? first : token.find('.', first + 1);
  if (second == absl::string_view::npos || token.find('.', second + 1) != absl::string_view::npos) {
    return BadToken("not three parts");
  }
  const Parts parts = {token.substr(0, first), token.substr(first + 1, second - first - 1),
                       token.substr(second + 1), token.substr(0, second)};
  if (parts.header.empty() || parts.claims.empty() || parts.signature.empty()) {
    return BadToken("an empty part");
  }
  return parts;
}

struct Header {
  Algorithm algorithm;
  std::string kid;
};

absl::StatusOr<Header> ReadHeader(absl::string_view text) {
  if (text.size() > kMaxHeaderBytes) {
    return BadToken("header over 1 KiB");
  }
  ASSIGN_OR_RETURN(const json header, ParseStrictJson(text, kMaxHeaderDepth));
  const std::optional<std::string> alg = StringAt(header, "alg", 16);
  const std::optional<Algorithm> algorithm = alg ? AlgorithmFromName(*alg) : std::nullopt;
  if (!algorithm) {
    return BadToken("alg");
  }
  if (StringAt(header, "typ") != kType) {
    return BadToken("typ");
  }
  if (header.contains("crit")) {
    return BadToken("crit");
  }
  // jku, x5u and jwk are not looked at: a token does not say which key to trust.
  const std::optional<std::string> kid = StringAt(header, "kid");
  if (!kid) {
    return BadToken("kid");
  }
  return Header{*algorithm, *kid};
}

absl::StatusOr<absl::Time> TimeAt(const json& claims, const char* name) {
  const auto found = claims.find(name);
  if (found == claims.end() || !found->is_number_unsigned()) {
    return BadToken(name);
  }
  const uint64_t seconds = found->get<uint64_t>();
  if (seconds > static_cast<uint64_t>(kMaxSeconds)) {
    return BadToken(name);
  }
  return absl::FromUnixSeconds(static_cast<int64_t>(seconds));
}

// Whether `aud`, a string or an array of strings, holds exactly `audience`.
bool HasAudience(const json& claims, const std::string& audience) {
  const auto aud = claims.find("aud");
  if (aud == claims.end()) {
    return false;
  }
  if (aud->is_string()) {
    return aud->get_ref<const std::string&>() == audience;
  }
  if (!aud->is_array()) {
    return false;
  }
  bool found = false;
  for (const json& item : *aud) {
    if (!item.is_string()) {
      return false;
    }
    found = found || item.get_ref<const std::string&>() == audience;
  }
  return found;
}

// The token's exp. The bounds are exact: valid while iat - 60 s <= now < exp + 60 s.
absl::StatusOr<absl::Time> CheckTimes(const json& claims, absl::Duration max_life, absl::Time now) {
  ASSIGN_OR_RETURN(const absl::Time expires, TimeAt(claims, "exp"));
  ASSIGN_OR_RETURN(const absl::Time issued, TimeAt(claims, "iat"));
  absl::Time not_before = issued;
  if (claims.contains("nbf")) {  // Many issuers leave it out.
    ASSIGN_OR_RETURN(not_before, TimeAt(claims, "nbf"));
  }
  if (expires <= issued || expires - issued > max_life) {
    return BadToken("lifetime");
  }
  if (now < issued - kTokenSkew || now < not_before - kTokenSkew) {
    return BadToken("not valid yet");
  }
  if (now >= expires + kTokenSkew && !base::Planted("token-expiry-ignored")) {
    return absl::Status(kExpiredCode, "exp");
  }
  return expires;
}

absl::StatusOr<VerifiedToken> ReadClaims(const json& claims, const TokenIssuer& issuer,
                                         absl::Time now) {
  if (!HasAudience(claims, issuer.audience)) {
    return BadToken("aud");
  }
  VerifiedToken verified;
  ASSIGN_OR_RETURN(verified.expires, CheckTimes(claims, issuer.max_life, now));
  const std::optional<std::string> subject = StringAt(claims, "sub");
  if (!subject || IsReservedSubject(*subject) || !StringAt(claims, "jti")) {
    return BadToken("sub or jti");
  }
  verified.caller.subject = *subject;
  RETURN_IF_ERROR(ReadRights(claims, verified.caller));
  return verified;
}

// The checks of reliability.md 6, in its order: cheap and unforgeable ones first.
absl::StatusOr<VerifiedToken> Check(const absl::flat_hash_map<std::string, TokenIssuer>& issuers,
                                    absl::string_view token, absl::Time now) {
  if (token.size() > kMaxTokenBytes) {
    return BadToken("over 4 KiB");
  }
  ASSIGN_OR_RETURN(const Parts parts, Split(token));
  const std::optional<std::string> header_text = Base64UrlDecode(parts.header);
  const std::optional<std::string> claims_text = Base64UrlDecode(parts.claims);
  const std::optional<std::string> signature = Base64UrlDecode(parts.signature);
  if (!header_text || !claims_text || !signature) {
    return BadToken("not base64url");
  }
  ASSIGN_OR_RETURN(const Header header, ReadHeader(*header_text));
  ASSIGN_OR_RETURN(const json claims, ParseStrictJson(*claims_text, kMaxClaimsDepth));
  const std::optional<std::string> name = StringAt(claims, "iss");
  const auto issuer = name ? issuers.find(*name) : issuers.end();
  if (issuer == issuers.end()) {
    return BadToken("iss");
  }
  if (header.algorithm != issuer->second.algorithm) {
    return BadToken("alg");
  }
  const std::shared_ptr<const KeySet> keys =
      issuer->second.keys ? issuer->second.keys(now) : nullptr;
  const PublicKey* key = keys ? keys->Find(header.kid) : nullptr;
  if (key == nullptr || key->algorithm() != header.algorithm) {
    return BadToken("kid");
  }
  if (!key->Verify(parts.signed_text, *signature)) {
    return BadToken("signature");
  }
  ASSIGN_OR_RETURN(VerifiedToken verified, ReadClaims(claims, issuer->second, now));
  verified.keys = keys;
  verified.source = issuer->second.keys;
  return verified;
}

}  // namespace

TokenVerifier::TokenVerifier(std::vector<TokenIssuer> issuers) {
  for (TokenIssuer& issuer : issuers) {
    std::string name = issuer.issuer;
    issuers_.insert_or_assign(std::move(name), std::move(issuer));
  }
}

absl::StatusOr<VerifiedToken> TokenVerifier::Verify(absl::string_view token, absl::Time now,
                                                    std::string* why) const {
  absl::StatusOr<VerifiedToken> verified = Check(issuers_, token, now);
  if (verified.ok()) {
    return verified;
  }
  if (why != nullptr) {
    *why = std::string(verified.status().message());
  }
  return verified.status().code() == kExpiredCode ? TokenExpired() : TokenInvalid();
}

std::shared_ptr<const Caller> TokenCache::Find(absl::string_view token, absl::Time now) const {
  if (token.size() > kMaxTokenBytes) {
    return nullptr;
  }
  const auto known = cache_.Find(base::AsBytes(base::Sha256(token)), now);
  if (known == nullptr || (known->source && known->source(now) != known->keys)) {
    return nullptr;
  }
  return std::shared_ptr<const Caller>(known, &known->caller);
}

std::shared_ptr<const Caller> TokenCache::Insert(absl::string_view token, VerifiedToken verified,
                                                 absl::Time now) {
  const auto known = std::make_shared<const VerifiedToken>(std::move(verified));
  cache_.Insert(base::Sha256Bytes(token), known, now, std::min(known->expires, now + kMaxLife));
  return std::shared_ptr<const Caller>(known, &known->caller);
}

absl::StatusOr<std::shared_ptr<const Caller>> TokenCache::FindOrVerify(
    const TokenVerifier& verifier, absl::string_view token, absl::Time now, std::string* why) {
  if (std::shared_ptr<const Caller> known = Find(token, now)) {
    return known;
  }
  ASSIGN_OR_RETURN(VerifiedToken verified, verifier.Verify(token, now, why));
  return Insert(token, std::move(verified), now);
}

std::string MintToken(const PrivateKey& key, absl::string_view issuer, absl::string_view audience,
                      absl::string_view kid, const Caller& caller, absl::Time now,
                      absl::Duration life, absl::string_view jti) {
  const json header = {{"alg", std::string(AlgorithmName(key.algorithm()))},
                       {"kid", std::string(kid)},
                       {"typ", kType}};
  json claims = {{"iss", std::string(issuer)},
                 {"aud", std::string(audience)},
                 {"sub", caller.subject},
                 {"jti", std::string(jti)},
                 {"iat", absl::ToUnixSeconds(now)},
                 {"nbf", absl::ToUnixSeconds(now)},
                 {"exp", absl::ToUnixSeconds(now) + absl::ToInt64Seconds(life)}};
  claims["roles"] = json::array();
  for (const Role role : AllRoles()) {
    if (role != v1::PUBLIC && caller.Has(role)) {
      claims["roles"].push_back(RoleName(role));
    }
  }
  if (!caller.bin.empty()) {
    claims["bin"] = caller.bin;
  }
  if (!caller.regions.empty()) {
    claims["regions"] = caller.regions;
  }
  if (!caller.purpose.empty()) {
    claims["purpose"] = caller.purpose;
  }
  // error_handler: a string that is not UTF-8 must not throw.
  const auto dump = [](const json& value) {
    return value.dump(-1, ' ', false, json::error_handler_t::replace);
  };
  const std::string text =
      absl::StrCat(Base64UrlEncode(dump(header)), ".", Base64UrlEncode(dump(claims)));
  return absl::StrCat(text, ".", Base64UrlEncode(key.Sign(text)));
}

}  // namespace nisi::rpc
