// Every way to get a bad token past a verifier that we know of, each with a name, each refused. A
// case starts from a good token and changes one thing; most are signed again with the issuer's own
// key, so that only the check in question stands between the token and the house.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "common/base/hash.h"
#include "common/base/status.h"
#include "common/rpc/jwt.h"
#include "common/rpc/strict_json.h"

namespace nisi::rpc {
namespace {

using nlohmann::json;

constexpr int64_t kSeconds = 1'800'000'000;
const absl::Time kCorpusNow = absl::FromUnixSeconds(kSeconds);

struct World {
  PrivateKey es = *PrivateKey::Generate(Algorithm::kEs256);
  PrivateKey ed = *PrivateKey::Generate(Algorithm::kEdDsa);
  PrivateKey rs = *PrivateKey::Generate(Algorithm::kRs256);
  PrivateKey stranger = *PrivateKey::Generate(Algorithm::kEs256);
  TokenVerifier verifier;

  // "agency" signs with ES256, "bank" with RS256. The set of "agency" also holds an EdDSA key: the
  // algorithm is pinned by the issuer, not by what keys there are.
  World() : verifier(Issuers()) {}

  std::vector<TokenIssuer> Issuers() const {
    TokenIssuer agency{
        "agency", "nisi", Algorithm::kEs256, absl::Minutes(10),
        FixedKeys(*KeySet::Parse(JwksText({{"es", es.public_key()}, {"ed", ed.public_key()}})))};
    TokenIssuer bank{"bank", "nisi", Algorithm::kRs256, absl::Minutes(10),
                     FixedKeys(*KeySet::Parse(JwksText({{"rs", rs.public_key()}})))};
    return {agency, bank};
  }
};

const World& TheWorld() {
  static const World* const world = new World();
  return *world;
}

json Header() {
  return {{"alg", "ES256"}, {"typ", "at+jwt"}, {"kid", "es"}};
}

json GoodClaims() {
  return {{"iss", "agency"}, {"aud", "nisi"},       {"sub", "person"},
          {"jti", "j-1"},    {"iat", kSeconds},     {"exp", kSeconds + 600},
          {"nbf", kSeconds}, {"roles", {"entity"}}, {"bin", "123456789012"}};
}

std::string SignText(const std::string& header, const std::string& claims, const PrivateKey& key) {
  const std::string text = absl::StrCat(Base64UrlEncode(header), ".", Base64UrlEncode(claims));
  return absl::StrCat(text, ".", Base64UrlEncode(key.Sign(text)));
}

std::string Signed(const json& header, const json& claims) {
  return SignText(header.dump(), claims.dump(), TheWorld().es);
}

std::string WithHeader(const json& change) {
  json header = Header();
  header.update(change);
  return Signed(header, GoodClaims());
}

std::string WithClaims(const json& change) {
  json claims = GoodClaims();
  claims.update(change);
  return Signed(Header(), claims);
}

std::string Without(const char* claim) {
  json claims = GoodClaims();
  claims.erase(claim);
  return Signed(Header(), claims);
}

std::string WithoutHeader(const char* member) {
  json header = Header();
  header.erase(member);
  return Signed(header, GoodClaims());
}

std::string RawHeader(const std::string& text) {
  return SignText(text, GoodClaims().dump(), TheWorld().es);
}
std::string RawClaims(const std::string& text) {
  return SignText(Header().dump(), text, TheWorld().es);
}

// Signed by a stranger, whose header points to the stranger's own key.
std::string StrangersWith(const json& change) {
  json header = Header();
  header.update(change);
  return SignText(header.dump(), GoodClaims().dump(), TheWorld().stranger);
}

std::string Good() {
  return Signed(Header(), GoodClaims());
}

struct Split {
  std::string header, claims, signature;
};
Split Parts(const std::string& token) {
  const size_t a = token.find('.');
  const size_t b = token.find('.', a + 1);
  return {token.substr(0, a), token.substr(a + 1, b - a - 1), token.substr(b + 1)};
}

// HMAC with `secret` under the algorithm name `alg`.
std::string Hmac(const std::string& alg, const std::string& secret) {
  json header = Header();
  header["alg"] = alg;
  const std::string text =
      absl::StrCat(Base64UrlEncode(header.dump()), ".", Base64UrlEncode(GoodClaims().dump()));
  return absl::StrCat(text, ".", Base64UrlEncode(base::AsBytes(base::HmacSha256(secret, {text}))));
}

// The good token with a DER signature, as OpenSSL makes them.
std::string DerSigned() {
  const Split parts = Parts(Good());
  const std::string raw = *Base64UrlDecode(parts.signature);
  const auto integer = [](std::string bytes) {
    bytes.erase(0, std::min(bytes.find_first_not_of('\0'), bytes.size()));
    if (bytes.empty() || (static_cast<unsigned char>(bytes[0]) & 0x80) != 0) {
      bytes.insert(bytes.begin(), '\0');
    }
    return absl::StrCat("\x02", std::string(1, static_cast<char>(bytes.size())), bytes);
  };
  const std::string body = integer(raw.substr(0, 32)) + integer(raw.substr(32));
  const std::string der =
      absl::StrCat("\x30", std::string(1, static_cast<char>(body.size())), body);
  return absl::StrCat(parts.header, ".", parts.claims, ".", Base64UrlEncode(der));
}

std::string WithSignature(const std::string& bytes) {
  const Split parts = Parts(Good());
  return absl::StrCat(parts.header, ".", parts.claims, ".", Base64UrlEncode(bytes));
}

// The good token with the two halves of its signature exchanged.
std::string Exchanged() {
  const std::string token = Good();
  const std::string raw = *Base64UrlDecode(Parts(token).signature);
  return token.substr(0, token.rfind('.') + 1) +
         Base64UrlEncode(raw.substr(32) + raw.substr(0, 32));
}

// The good token with a spare bit of its last character set.
std::string SpareBits() {
  std::string token = Good();  // 64 bytes of signature: 86 characters, 4 spare bits in the last.
  const std::string alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  token.back() = alphabet[alphabet.find(token.back()) + 1];
  return token;
}

std::string PublicText(const PublicKey& key) {
  return key.ToJwk("es").dump();
}

struct Case {
  std::string name;
  std::string why;  // it is refused, as the log says it
  std::string token;
};

std::vector<Case> ShapeCases() {
  return {
      {"empty", "not three parts", std::string()},
      {"one dot", "not three parts", std::string(".")},
      {"two dots only", "an empty part", std::string("..")},
      {"two parts", "not three parts", Parts(Good()).header + "." + Parts(Good()).claims},
      {"four parts", "not three parts", Good() + ".AAAA"},
      {"five parts, as an encrypted token", "not three parts", Good() + ".AAAA.AAAA"},
      {"empty signature", "an empty part", Parts(Good()).header + "." + Parts(Good()).claims + "."},
      {"empty header", "an empty part", "." + Parts(Good()).claims + "." + Parts(Good()).signature},
      {"empty claims", "an empty part", Parts(Good()).header + ".." + Parts(Good()).signature},
      {"padding on the signature", "not base64url", Good() + "=="},
      {"padding on the header", "not base64url", absl::StrReplaceAll(Good(), {{".", "=."}})},
      {"spare bits of base64 set", "not base64url", SpareBits()},
      {"standard base64 alphabet", "not base64url",
       Parts(Good()).header + "." + Parts(Good()).claims + ".++//"},
      {"space before", "not base64url", " " + Good()},
      {"line feed after", "not base64url", Good() + "\n"},
      {"space inside", "not base64url", Good().insert(10, " ")},
      {"scheme left on", "not base64url", "Bearer " + Good()},
      {"NUL after", "not base64url", Good() + std::string(1, '\0')},
      {"not ASCII", "not base64url", Good() + "\xd0\xb0"},
      {"over 4 KiB", "over 4 KiB", WithClaims({{"note", std::string(4096, 'a')}})},
      {"a million dots", "over 4 KiB", std::string(1'000'000, '.')},
  };
}

std::vector<Case> HeaderCases() {
  return {
      {"alg none, no signature", "an empty part",
       Parts(WithHeader({{"alg", "none"}})).header + "." + Parts(Good()).claims + "."},
      {"alg none, signature kept", "alg", WithHeader({{"alg", "none"}})},
      {"alg None", "alg", WithHeader({{"alg", "None"}})},
      {"alg empty", "alg", WithHeader({{"alg", ""}})},
      {"alg missing", "alg", WithoutHeader("alg")},
      {"alg lower case", "alg", WithHeader({{"alg", "es256"}})},
      {"alg with a space", "alg", WithHeader({{"alg", "ES256 "}})},
      {"alg a list", "alg", WithHeader({{"alg", {"ES256"}}})},
      {"alg null", "alg", WithHeader({{"alg", nullptr}})},
      {"alg ES384", "alg", WithHeader({{"alg", "ES384"}})},
      {"alg PS256", "alg", WithHeader({{"alg", "PS256"}})},
      {"HS256 with the public key as the secret", "alg",
       Hmac("HS256", PublicText(TheWorld().es.public_key()))},
      {"HS256 with an empty secret", "alg", Hmac("HS256", "")},
      {"ES256 named, HMAC made", "signature",
       Hmac("ES256", PublicText(TheWorld().es.public_key()))},
      {"another good algorithm than the issuer's", "alg",
       SignText(json{{"alg", "EdDSA"}, {"typ", "at+jwt"}, {"kid", "ed"}}.dump(),
                GoodClaims().dump(), TheWorld().ed)},
      {"a key of another algorithm under the pinned name", "kid",
       SignText(json{{"alg", "ES256"}, {"typ", "at+jwt"}, {"kid", "ed"}}.dump(),
                GoodClaims().dump(), TheWorld().ed)},
      {"the key of another issuer", "alg",
       SignText(json{{"alg", "RS256"}, {"typ", "at+jwt"}, {"kid", "rs"}}.dump(),
                GoodClaims().dump(), TheWorld().rs)},
      {"typ JWT, an ID token as access token", "typ", WithHeader({{"typ", "JWT"}})},
      {"typ missing", "typ", WithoutHeader("typ")},
      {"typ in capitals", "typ", WithHeader({{"typ", "AT+JWT"}})},
      {"typ with application/", "typ", WithHeader({{"typ", "application/at+jwt"}})},
      {"crit", "crit", WithHeader({{"crit", {"exp"}}})},
      {"crit empty", "crit", WithHeader({{"crit", json::array()}})},
      {"kid missing", "kid", WithoutHeader("kid")},
      {"kid unknown", "kid", WithHeader({{"kid", "other"}})},
      {"kid a path", "kid", WithHeader({{"kid", "../../../../dev/null"}})},
      {"kid a query", "kid", WithHeader({{"kid", "es' OR '1'='1"}})},
      {"kid a number", "kid", WithHeader({{"kid", 0}})},
      {"kid with NUL", "kid", WithHeader({{"kid", std::string("es\0", 3)}})},
      {"kid of another issuer", "kid", WithHeader({{"kid", "rs"}})},
      {"jwk header with the attacker's key", "signature",
       StrangersWith({{"jwk", TheWorld().stranger.public_key().ToJwk("es")}})},
      {"jku header to the attacker's keys", "signature",
       StrangersWith({{"jku", "https://attacker.example/jwks.json"}})},
      {"x5u header to the attacker's certificate", "signature",
       StrangersWith({{"x5u", "https://attacker.example/cert.pem"}})},
      {"header over 1 KiB", "header over 1 KiB", WithHeader({{"note", std::string(1024, 'a')}})},
      {"header nested five deep", "nested too deep",
       RawHeader(R"({"alg":"ES256","typ":"at+jwt","kid":"es","x":[[[[1]]]]})")},
      {"header key twice", "a key appears twice",
       RawHeader(R"({"alg":"none","typ":"at+jwt","kid":"es","alg":"ES256"})")},
      {"header key twice by escape", "a key appears twice",
       RawHeader(R"({"\u0061lg":"none","typ":"at+jwt","kid":"es","alg":"ES256"})")},
      {"header a list", "not a JSON object", RawHeader(R"(["ES256"])")},
      {"header not JSON", "not JSON", RawHeader("alg=ES256")},
      {"header cut", "not JSON", RawHeader(R"({"alg":"ES256","typ":"at+jwt","kid":"es")")},
      {"header with a comma too many", "not JSON",
       RawHeader(R"({"alg":"ES256","typ":"at+jwt","kid":"es",})")},
      {"header not UTF-8", "not JSON",
       RawHeader("{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"es\",\"x\":\"\xff\"}")},
      {"header after a byte order mark", "not JSON", RawHeader("\xEF\xBB\xBF" + Header().dump())},
  };
}

std::vector<Case> SignatureCases() {
  return {
      {"signed by a stranger", "signature",
       SignText(Header().dump(), GoodClaims().dump(), TheWorld().stranger)},
      {"DER signature", "signature", DerSigned()},
      {"signature of zeros", "signature", WithSignature(std::string(64, '\0'))},
      {"signature of ones", "signature", WithSignature(std::string(64, '\xff'))},
      {"signature cut by a byte", "signature",
       WithSignature(Base64UrlDecode(Parts(Good()).signature)->substr(0, 63))},
      {"signature longer by a byte", "signature",
       WithSignature(*Base64UrlDecode(Parts(Good()).signature) + std::string(1, '\0'))},
      {"signature of one byte", "signature", WithSignature("a")},
      {"r and s exchanged", "signature", Exchanged()},
      {"signature of another token", "signature",
       absl::StrCat(Parts(Good()).header, ".", Parts(Good()).claims, ".",
                    Parts(WithClaims({{"sub", "other"}})).signature)},
      {"claims exchanged under a signature", "signature",
       absl::StrCat(Parts(Good()).header, ".", Parts(WithClaims({{"roles", {"auditor"}}})).claims,
                    ".", Parts(Good()).signature)},
      {"header exchanged under a signature", "signature",
       absl::StrCat(Parts(WithHeader({{"x", 1}})).header, ".", Parts(Good()).claims, ".",
                    Parts(Good()).signature)},
      {"signed over the claims alone", "signature",
       absl::StrCat(Parts(Good()).header, ".", Parts(Good()).claims, ".",
                    Base64UrlEncode(TheWorld().es.Sign(Parts(Good()).claims)))},
  };
}

std::vector<Case> ClaimCases() {
  std::vector<Case> cases = {
      {"aud of another system", "aud", WithClaims({{"aud", "bank"}})},
      {"aud a longer name", "aud", WithClaims({{"aud", "nisi2"}})},
      {"aud in capitals", "aud", WithClaims({{"aud", "NISI"}})},
      {"aud empty list", "aud", WithClaims({{"aud", json::array()}})},
      {"aud list without us", "aud", WithClaims({{"aud", {"a", "b"}}})},
      {"aud list with a number", "aud", WithClaims({{"aud", {"nisi", 1}}})},
      {"aud an object", "aud", WithClaims({{"aud", {{"nisi", true}}}})},
      {"iss unknown", "iss", WithClaims({{"iss", "stranger"}})},
      {"iss of another issuer of ours", "alg", WithClaims({{"iss", "bank"}})},
      {"iss with a slash", "iss", WithClaims({{"iss", "agency/"}})},
      {"iss a list", "iss", WithClaims({{"iss", {"agency"}}})},
      {"exp text", "exp", WithClaims({{"exp", "1800000600"}})},
      {"exp a fraction", "exp", WithClaims({{"exp", 1800000600.5}})},
      {"exp negative", "exp", WithClaims({{"exp", -1}})},
      {"exp huge", "exp", WithClaims({{"exp", UINT64_MAX}})},
      {"exp beyond integers", "not JSON",
       RawClaims(absl::StrReplaceAll(GoodClaims().dump(), {{"1800000600", "1e400"}}))},
      {"exp before iat", "lifetime", WithClaims({{"exp", kSeconds - 1}})},
      {"lifetime of a year", "lifetime", WithClaims({{"exp", kSeconds + 31'536'000}})},
      {"lifetime a second too long", "lifetime", WithClaims({{"exp", kSeconds + 601}})},
      {"nbf in the future", "not valid yet", WithClaims({{"nbf", kSeconds + 61}})},
      {"nbf null", "nbf", WithClaims({{"nbf", nullptr}})},
      {"iat in the future", "not valid yet", WithClaims({{"iat", kSeconds + 61}})},
      {"iat true", "iat", WithClaims({{"iat", true}})},
      {"sub empty", "sub or jti", WithClaims({{"sub", ""}})},
      {"sub a number", "sub or jti", WithClaims({{"sub", 7}})},
      {"sub of a service", "sub or jti", WithClaims({{"sub", "service:export-refunds"}})},
      {"sub of what acts by itself", "sub or jti", WithClaims({{"sub", "system/timer"}})},
      {"sub that stands for an address", "sub or jti", WithClaims({{"sub", "peer 10.0.0.7"}})},
      {"sub with a line feed", "sub or jti", WithClaims({{"sub", "a\nb"}})},
      {"sub too long", "sub or jti", WithClaims({{"sub", std::string(257, 'a')}})},
      {"jti empty", "sub or jti", WithClaims({{"jti", ""}})},
      {"role unknown", "roles: an unknown role", WithClaims({{"roles", {"king"}}})},
      {"role in capitals", "roles: an unknown role", WithClaims({{"roles", {"ENTITY"}}})},
      {"roles one text", "roles: not a short array", WithClaims({{"roles", "entity"}})},
      {"bin not 12 digits", "bin: not 12 digits", WithClaims({{"bin", "12"}})},
      {"regions not digits", "regions: not a KATO prefix", WithClaims({{"regions", {"*"}}})},
      {"claims a list", "not a JSON object", RawClaims("[]")},
      {"claims null", "not a JSON object", RawClaims("null")},
      {"claims not JSON", "not JSON", RawClaims("sub=person")},
      {"claims key twice", "a key appears twice",
       RawClaims(R"({"sub":"a",)" + GoodClaims().dump().substr(1))},
      {"claims nested nine deep", "nested too deep",
       WithClaims({{"x", json::parse("[[[[[[[[1]]]]]]]]")}})},
      {"claims not UTF-8", "not JSON",
       RawClaims("{\"x\":\"\xc0\xaf\"," + GoodClaims().dump().substr(1))},
      {"claims twice", "not JSON", RawClaims(GoodClaims().dump() + GoodClaims().dump())},
      {"issuer of the token is a token itself", "iss", WithClaims({{"iss", Good()}})},
  };
  for (const absl::string_view claim : {"iss", "aud", "sub", "jti", "iat", "exp"}) {
    const absl::string_view why = claim == "sub" || claim == "jti" ? "sub or jti" : claim;
    cases.push_back({absl::StrCat(claim, " missing"), std::string(why), Without(claim.data())});
  }
  return cases;
}

std::vector<Case> Corpus() {
  std::vector<Case> all;
  for (const auto& part : {ShapeCases(), HeaderCases(), SignatureCases(), ClaimCases()}) {
    all.insert(all.end(), part.begin(), part.end());
  }
  return all;
}

TEST(JwtCorpusTest, TheTokenAllCasesStartFromIsGood) {
  const auto verified = TheWorld().verifier.Verify(Good(), kCorpusNow);
  EXPECT_TRUE(verified.ok()) << verified.status();
}

TEST(JwtCorpusTest, EveryCaseIsRefusedForItsReason) {
  std::set<std::string> names;
  for (const auto& [name, expected, token] : Corpus()) {
    EXPECT_TRUE(names.insert(name).second) << name << " twice";
    std::string why;
    const auto verified = TheWorld().verifier.Verify(token, kCorpusNow, &why);
    EXPECT_FALSE(verified.ok()) << name;
    EXPECT_TRUE(absl::IsUnauthenticated(verified.status())) << name;
    EXPECT_EQ(base::ReasonOf(verified.status()), "TOKEN_INVALID") << name;
    EXPECT_EQ(why, expected) << name;
  }
  EXPECT_GE(names.size(), 60U);
}

TEST(JwtCorpusTest, EveryFlippedCharacterIsRefused) {
  const std::string good = Good();
  for (size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 1);
    EXPECT_FALSE(TheWorld().verifier.Verify(bad, kCorpusNow).ok()) << i;
  }
}

TEST(JwtCorpusTest, WhatMustNotBeRefused) {
  const std::vector<std::pair<std::string, std::string>> good = {
      {"aud a list with us", WithClaims({{"aud", {"other", "nisi"}}})},
      {"no nbf", Without("nbf")},
      {"no roles", Without("roles")},
      {"unknown claims", WithClaims({{"azp", "app"}, {"x", json::parse("[[[[[1]]]]]")}})},
      {"jku, x5u and jwk beside our own key",
       WithHeader({{"jku", "https://attacker.example"},
                   {"x5u", "https://attacker.example"},
                   {"jwk", TheWorld().stranger.public_key().ToJwk("es")}})},
      {"header nested four deep", WithHeader({{"x", json::parse("[[[1]]]")}})},
  };
  for (const auto& [name, token] : good) {
    std::string why;
    EXPECT_TRUE(TheWorld().verifier.Verify(token, kCorpusNow, &why).ok()) << name << ": " << why;
  }
}

}  // namespace
}  // namespace nisi::rpc
