#include "common/rpc/jwk.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/base/hash.h"
#include "common/rpc/strict_json.h"

namespace nisi::rpc {
namespace {

using nlohmann::json;

constexpr Algorithm kAlgorithms[] = {Algorithm::kEs256, Algorithm::kEdDsa, Algorithm::kRs256};

PrivateKey NewKey(Algorithm algorithm) {
  return PrivateKey::Generate(algorithm).value();
}

json OneKey(Algorithm algorithm, const std::string& kid = "k") {
  return NewKey(algorithm).public_key().ToJwk(kid);
}

absl::StatusOr<KeySet> Set(const std::vector<json>& keys) {
  return KeySet::Parse(json{{"keys", keys}}.dump());
}

TEST(KeyTest, SignsAndVerifies) {
  for (const Algorithm algorithm : kAlgorithms) {
    SCOPED_TRACE(std::string(AlgorithmName(algorithm)));
    const PrivateKey key = NewKey(algorithm);
    const auto set = Set({key.public_key().ToJwk("k")});
    ASSERT_TRUE(set.ok()) << set.status();
    const PublicKey* read = set->Find("k");
    ASSERT_NE(read, nullptr);
    for (int round = 0; round < 20; ++round) {  // r or s with leading zeros turn up now and then.
      const std::string message = absl::StrCat("message ", round);
      std::string signature = key.Sign(message);
      EXPECT_TRUE(read->Verify(message, signature));
      EXPECT_FALSE(read->Verify("another", signature));
      EXPECT_FALSE(read->Verify(message, signature + "x"));
      EXPECT_FALSE(read->Verify(message, absl::string_view(signature).substr(1)));
      EXPECT_FALSE(read->Verify(message, ""));
      signature[signature.size() / 2] = static_cast<char>(signature[signature.size() / 2] ^ 1);
      EXPECT_FALSE(read->Verify(message, signature));
    }
  }
}

TEST(KeyTest, Rfc8037Vector) {
  const auto key = PublicKey::FromJwk(json::parse(
      R"({"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})"));
  ASSERT_TRUE(key.ok() && key->has_value());
  const std::string signature = *Base64UrlDecode(
      "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg");
  EXPECT_TRUE(
      (*key)->Verify("eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc", signature));
}

TEST(KeyTest, Rfc7515Es256Vector) {
  const auto key = PublicKey::FromJwk(
      json::parse(R"({"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",)"
                  R"("y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"})"));
  ASSERT_TRUE(key.ok() && key->has_value());
  const std::string signature = *Base64UrlDecode(
      "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q");
  EXPECT_TRUE((*key)->Verify(
      "eyJhbGciOiJFUzI1NiJ9."
      "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp"
      "0cnVlfQ",
      signature));
}

TEST(KeyTest, KeyIdIsTheHashOfTheRawKey) {
  const PrivateKey key = NewKey(Algorithm::kEdDsa);
  const std::string raw = key.public_key().RawEd25519();
  EXPECT_EQ(raw.size(), 32U);
  EXPECT_EQ(key.public_key().KeyId(), base::Sha256Bytes(raw).substr(0, 8));
  EXPECT_EQ(NewKey(Algorithm::kEs256).public_key().KeyId(), "");
  EXPECT_FALSE(PublicKey::FromRawEd25519("short").ok());
}

TEST(KeySetTest, SkipsWhatItHasNoUseFor) {
  json secret = {{"kty", "oct"}, {"k", "c2VjcmV0"}, {"kid", "hs"}};
  json p384 = {{"kty", "EC"}, {"crv", "P-384"}, {"x", "AA"}, {"y", "AA"}, {"kid", "p384"}};
  json encryption = OneKey(Algorithm::kRs256, "enc");
  encryption["use"] = "enc";
  encryption.erase("alg");
  json pss = OneKey(Algorithm::kRs256, "pss");
  pss["alg"] = "PS256";
  json nameless = OneKey(Algorithm::kEdDsa);
  nameless.erase("kid");
  const auto set =
      Set({secret, p384, encryption, pss, nameless, OneKey(Algorithm::kEdDsa, "good")});
  ASSERT_TRUE(set.ok()) << set.status();
  EXPECT_EQ(set->entries().size(), 1U);
  EXPECT_NE(set->Find("good"), nullptr);
  EXPECT_EQ(set->Find("hs"), nullptr);
  EXPECT_EQ(set->Find(""), nullptr);
}

TEST(KeySetTest, RefusesBadFiles) {
  EXPECT_FALSE(KeySet::Parse("").ok());
  EXPECT_FALSE(KeySet::Parse("{}").ok());
  EXPECT_FALSE(KeySet::Parse(R"({"keys":{}})").ok());
  EXPECT_FALSE(KeySet::Parse(R"({"keys":[]})").ok());
  EXPECT_FALSE(KeySet::Parse(R"({"keys":[1]})").ok());
  const json good = OneKey(Algorithm::kEdDsa);
  EXPECT_FALSE(KeySet::Parse(absl::StrCat(R"({"keys":[],"keys":[)", good.dump(), "]}")).ok());
  EXPECT_FALSE(Set({good, OneKey(Algorithm::kEs256)}).ok()) << "one kid twice";
  json again = good;
  again["kid"] = "other";
  EXPECT_FALSE(Set({good, again}).ok()) << "one key twice";
}

TEST(KeySetTest, RefusesBadKeys) {
  const std::vector<std::pair<Algorithm, json>> changes = {
      {Algorithm::kEs256, {{"x", "AAAA"}}},
      {Algorithm::kEs256, {{"y", Base64UrlEncode(std::string(32, '\1'))}}},
      {Algorithm::kEs256, {{"x", 7}}},
      {Algorithm::kEs256, {{"d", "AAAA"}}},
      {Algorithm::kEdDsa, {{"x", "AAAA"}}},
      {Algorithm::kEdDsa, {{"x", ""}}},
      {Algorithm::kRs256, {{"n", Base64UrlEncode(std::string(128, '\xff'))}}},
      {Algorithm::kRs256, {{"n", Base64UrlEncode(std::string(1025, '\xff'))}}},
      {Algorithm::kRs256, {{"e", "Aw"}}},
      {Algorithm::kRs256, {{"e", Base64UrlEncode(std::string("\1\0\0", 3))}}},
      {Algorithm::kRs256, {{"n", "AQ=="}}}};
  for (const auto& [algorithm, change] : changes) {
    json jwk = OneKey(algorithm);
    EXPECT_TRUE(Set({jwk}).ok());
    jwk.update(change);
    EXPECT_FALSE(Set({jwk}).ok()) << change;
  }
}

TEST(PrivateKeyTest, FileIsPrivateAndComesBack) {
  const std::string dir = absl::StrCat(::testing::TempDir(), "/jwk_", base::RandomUuid());
  std::filesystem::create_directory(dir);
  for (const Algorithm algorithm : kAlgorithms) {
    const std::string path = absl::StrCat(dir, "/", AlgorithmName(algorithm), ".key");
    const PrivateKey key = NewKey(algorithm);
    ASSERT_TRUE(key.Save(path).ok());
    struct stat info = {};
    ASSERT_EQ(stat(path.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0600U);
    const auto loaded = PrivateKey::Load(path);
    ASSERT_TRUE(loaded.ok()) << loaded.status();
    EXPECT_EQ(loaded->algorithm(), algorithm);
    EXPECT_TRUE(key.public_key().Verify("m", loaded->Sign("m")));
    EXPECT_TRUE(absl::IsAlreadyExists(NewKey(algorithm).Save(path)));
    EXPECT_EQ(PrivateKey::LoadOrCreate(path, algorithm)->Pem(), key.Pem());
    ASSERT_EQ(chmod(path.c_str(), 0644), 0);
    EXPECT_TRUE(absl::IsFailedPrecondition(PrivateKey::Load(path).status()));
  }
  EXPECT_TRUE(absl::IsNotFound(PrivateKey::Load(dir + "/none").status()));
  EXPECT_FALSE(PrivateKey::Load(dir).ok());
  EXPECT_FALSE(PrivateKey::FromPem("junk").ok());
  std::filesystem::remove_all(dir);
}

}  // namespace
}  // namespace nisi::rpc
