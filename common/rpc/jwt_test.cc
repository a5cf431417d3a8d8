#include "common/rpc/jwt.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/rpc/strict_json.h"

namespace nisi::rpc {
namespace {

using base::ReasonOf;

constexpr Algorithm kAll[] = {Algorithm::kEs256, Algorithm::kEdDsa, Algorithm::kRs256};
const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);

// One issuer an algorithm, each named after it, and their verifier.
class JwtTest : public ::testing::Test {
 protected:
  JwtTest() {
    caller_.subject = "person-1";
    caller_.bin = "123456789012";
    caller_.regions = {"71", "1910"};
    caller_.purpose = "filing";
    caller_.Grant(v1::ENTITY);
    caller_.Grant(v1::INSTITUTE_LOCAL_CONTENT);
  }

  static const PrivateKey& KeyOf(Algorithm algorithm) {
    static const PrivateKey* const keys[] = {new PrivateKey(*PrivateKey::Generate(kAll[0])),
                                             new PrivateKey(*PrivateKey::Generate(kAll[1])),
                                             new PrivateKey(*PrivateKey::Generate(kAll[2]))};
    return *keys[static_cast<size_t>(algorithm)];
  }

  static TokenVerifier NewVerifier() {
    std::vector<TokenIssuer> issuers;
    for (const Algorithm algorithm : kAll) {
      TokenIssuer issuer;
      issuer.issuer = std::string(AlgorithmName(algorithm));
      issuer.audience = "nisi";
      issuer.algorithm = algorithm;
      issuer.keys = FixedKeys(*KeySet::Parse(JwksText({{"k", KeyOf(algorithm).public_key()}})));
      issuers.push_back(std::move(issuer));
    }
    return TokenVerifier(std::move(issuers));
  }

  std::string Mint(Algorithm algorithm = Algorithm::kEs256, absl::Time at = kNow,
                   absl::Duration life = absl::Minutes(10)) const {
    return MintToken(KeyOf(algorithm), AlgorithmName(algorithm), "nisi", "k", caller_, at, life,
                     "jti-1");
  }

  std::string Reason(absl::string_view token, absl::Time now) const {
    return ReasonOf(verifier_.Verify(token, now).status());
  }

  Caller caller_;
  const TokenVerifier verifier_ = NewVerifier();
};

TEST_F(JwtTest, GoodTokensOfEachAlgorithm) {
  for (const Algorithm algorithm : kAll) {
    const auto verified = verifier_.Verify(Mint(algorithm), kNow);
    ASSERT_TRUE(verified.ok()) << AlgorithmName(algorithm) << verified.status();
    EXPECT_EQ(verified->caller, caller_);
    EXPECT_EQ(verified->expires, kNow + absl::Minutes(10));
  }
}

TEST_F(JwtTest, SkewIsExact) {
  // Valid from iat - 60 s inclusive to exp + 60 s exclusive.
  const std::string token = Mint(Algorithm::kEs256, kNow, absl::Minutes(5));
  const absl::Time first = kNow - absl::Seconds(60);
  const absl::Time end = kNow + absl::Minutes(6);
  EXPECT_EQ(Reason(token, first - absl::Nanoseconds(1)), "TOKEN_INVALID");
  EXPECT_EQ(Reason(token, first), "");
  EXPECT_EQ(Reason(token, end - absl::Nanoseconds(1)), "");
  EXPECT_EQ(Reason(token, end), "TOKEN_EXPIRED");
  for (int step = -60; step <= 60; ++step) {
    const absl::Time now = kNow + absl::Seconds(60 * step);
    const std::string expected = now < first ? "TOKEN_INVALID" : now < end ? "" : "TOKEN_EXPIRED";
    EXPECT_EQ(Reason(token, now), expected) << 60 * step;
  }
}

TEST_F(JwtTest, LifetimeIsExact) {
  EXPECT_EQ(Reason(Mint(Algorithm::kEs256, kNow, absl::Minutes(10)), kNow), "");
  EXPECT_EQ(Reason(Mint(Algorithm::kEs256, kNow, absl::Seconds(601)), kNow), "TOKEN_INVALID");
  EXPECT_EQ(Reason(Mint(Algorithm::kEs256, kNow, absl::ZeroDuration()), kNow), "TOKEN_INVALID");
}

TEST_F(JwtTest, AnExpiredForgeryIsInvalidNotExpired) {
  std::string token = Mint(Algorithm::kEs256, kNow - absl::Hours(1));
  EXPECT_EQ(Reason(token, kNow), "TOKEN_EXPIRED");
  token[token.size() - 10] = token[token.size() - 10] == 'A' ? 'B' : 'A';
  EXPECT_EQ(Reason(token, kNow), "TOKEN_INVALID");
}

TEST_F(JwtTest, RefusalsLookAlikeAndTheLogKnowsWhy) {
  std::string why_signature;
  std::string why_parts;
  const std::string other = MintToken(KeyOf(Algorithm::kEs256), "stranger", "nisi", "k", caller_,
                                      kNow, absl::Minutes(1), "j");
  const absl::Status issuer = verifier_.Verify(other, kNow, &why_signature).status();
  const absl::Status parts = verifier_.Verify("a.b", kNow, &why_parts).status();
  EXPECT_EQ(issuer, parts);
  EXPECT_TRUE(absl::IsUnauthenticated(issuer));
  EXPECT_EQ(why_signature, "iss");
  EXPECT_EQ(why_parts, "not three parts");
}

TEST_F(JwtTest, KeysAreAskedForEachTime) {
  auto keys = std::make_shared<const KeySet>(
      *KeySet::Parse(JwksText({{"k", KeyOf(Algorithm::kEs256).public_key()}})));
  TokenIssuer issuer;
  issuer.issuer = "ES256";
  issuer.audience = "nisi";
  issuer.keys = [&keys](absl::Time) { return keys; };
  const TokenVerifier verifier({issuer});
  EXPECT_TRUE(verifier.Verify(Mint(), kNow).ok());
  keys = nullptr;
  EXPECT_FALSE(verifier.Verify(Mint(), kNow).ok());
  issuer.keys = nullptr;
  EXPECT_FALSE(TokenVerifier({issuer}).Verify(Mint(), kNow).ok());
  EXPECT_FALSE(TokenVerifier({}).Verify(Mint(), kNow).ok());
}

TEST_F(JwtTest, CacheHoldsAMinuteOrUntilExpiry) {
  TokenCache cache;
  const std::string token = Mint();
  EXPECT_EQ(cache.Find(token, kNow), nullptr);
  const auto caller = cache.FindOrVerify(verifier_, token, kNow);
  ASSERT_TRUE(caller.ok());
  EXPECT_EQ(**caller, caller_);
  EXPECT_EQ(*cache.FindOrVerify(verifier_, token, kNow + absl::Seconds(59)), *caller);
  EXPECT_EQ(cache.Find(token, kNow + absl::Seconds(60)), nullptr);
  EXPECT_EQ(cache.Find(token + "x", kNow), nullptr);
  EXPECT_EQ(cache.Find(std::string(kMaxTokenBytes + 1, 'a'), kNow), nullptr);

  const std::string brief = Mint(Algorithm::kEdDsa, kNow, absl::Seconds(20));
  ASSERT_TRUE(cache.FindOrVerify(verifier_, brief, kNow).ok());
  EXPECT_NE(cache.Find(brief, kNow + absl::Milliseconds(19'999)), nullptr);
  EXPECT_EQ(cache.Find(brief, kNow + absl::Seconds(20)), nullptr);
}

TEST_F(JwtTest, CacheForgetsWithTheKeysOfTheIssuer) {
  const PrivateKey key = *PrivateKey::Generate(Algorithm::kEdDsa);
  const auto with = std::make_shared<const KeySet>(
      *KeySet::Parse(JwksText({{"one", key.public_key()},
                               {"two", PrivateKey::Generate(Algorithm::kEdDsa)->public_key()}})));
  const auto without = std::make_shared<const KeySet>(
      *KeySet::Parse(JwksText({{"two", PrivateKey::Generate(Algorithm::kEdDsa)->public_key()}})));
  std::shared_ptr<const KeySet> current = with;
  const TokenVerifier verifier({{"issuer", "nisi", Algorithm::kEdDsa, absl::Minutes(10),
                                 [&](absl::Time) { return current; }}});
  const std::string token =
      MintToken(key, "issuer", "nisi", "one", caller_, kNow, absl::Minutes(5), "j");
  TokenCache cache;
  ASSERT_TRUE(cache.FindOrVerify(verifier, token, kNow).ok());
  EXPECT_NE(cache.Find(token, kNow), nullptr);
  current = without;
  EXPECT_EQ(cache.Find(token, kNow), nullptr);
  EXPECT_FALSE(cache.FindOrVerify(verifier, token, kNow).ok());
}

TEST_F(JwtTest, CacheKeepsNoRefusalsAndIsBounded) {
  TokenCache cache(160);
  EXPECT_FALSE(cache.FindOrVerify(verifier_, "junk", kNow).ok());
  EXPECT_EQ(cache.size(), 0U);
  for (int i = 0; i < 2'000; ++i) {
    cache.Insert(absl::StrCat("token ", i), {caller_, kNow + absl::Minutes(1)}, kNow);
  }
  EXPECT_LE(cache.size(), 160U);
}

}  // namespace
}  // namespace nisi::rpc
