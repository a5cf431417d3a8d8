#include "common/rpc/dev_keys.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "absl/strings/str_cat.h"
#include "common/base/hash.h"
#include "common/rpc/call_context.h"

namespace nisi::rpc {
namespace {

const absl::Time kMintedAt = absl::FromUnixSeconds(1'800'000'000);

class DevKeysTest : public ::testing::Test {
 protected:
  ~DevKeysTest() override { std::filesystem::remove_all(dir_); }

  const std::string dir_ = absl::StrCat(::testing::TempDir(), "/dev_", base::RandomUuid());
};

TEST_F(DevKeysTest, AreMadeOnceAndPrivate) {
  const auto first = LoadOrCreateDevKeys(dir_);
  ASSERT_TRUE(first.ok()) << first.status();
  const FileStamp jwks = StampOf(first->jwks_path);
  const auto second = LoadOrCreateDevKeys(dir_);
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_EQ(first->issuer.Pem(), second->issuer.Pem());
  EXPECT_EQ(first->gateway.Pem(), second->gateway.Pem());
  EXPECT_EQ(first->head.Pem(), second->head.Pem());
  EXPECT_NE(first->issuer.Pem(), first->head.Pem());
  EXPECT_EQ(StampOf(first->jwks_path), jwks) << "not rewritten for nothing";
  struct stat info = {};
  ASSERT_EQ(stat((dir_ + "/keys").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700U);
  for (const char* name : {"issuer.key", "context-gateway.key", "head.key"}) {
    ASSERT_EQ(stat(absl::StrCat(dir_, "/keys/", name).c_str(), &info), 0) << name;
    EXPECT_EQ(info.st_mode & 0777, 0600U) << name;
  }
}

TEST_F(DevKeysTest, OnlyTheirIssuersTokensLiveForADay) {
  EXPECT_EQ(UsualTokenLife(kDevIssuer), absl::Hours(24));
  EXPECT_EQ(UsualTokenLife("https://id.example"), absl::Minutes(10));
}

TEST_F(DevKeysTest, TokensForEveryRoleVerify) {
  ASSERT_TRUE(LoadOrCreateDevKeys(dir_).ok());
  const TokenVerifier verifier({*DevIssuer(dir_, kMintedAt)});
  for (const Role role : AllRoles()) {
    const auto token = MintDevToken(dir_, role, "123456789012", {"71"}, kMintedAt);
    ASSERT_TRUE(token.ok()) << token.status();
    const auto verified = verifier.Verify(*token, kMintedAt + absl::Hours(23));
    ASSERT_TRUE(verified.ok()) << RoleName(role);
    EXPECT_TRUE(verified->caller.Has(role));
    EXPECT_EQ(verified->caller.bin, "123456789012");
    EXPECT_EQ(verified->caller.subject, absl::StrCat("dev:", RoleName(role), ":123456789012"));
  }
  EXPECT_FALSE(
      verifier
          .Verify(*MintDevToken(dir_, v1::AUDITOR, "", {}, kMintedAt), kMintedAt + absl::Hours(25))
          .ok());
}

TEST_F(DevKeysTest, ContextKeysOfSeveralProcessesAreKnownToAll) {
  const auto keys = *LoadOrCreateDevKeys(dir_);
  ASSERT_TRUE(MakeContextKeys(dir_ + "/keys", {"priority-goods"}).ok());
  const ContextVerifier verifier(*KeysFromFile(keys.signers_path, kMintedAt), "registry");
  const ContextSigner gateway(keys.gateway, "gateway");
  const ContextSigner service(*PrivateKey::Load(ContextKeyPath(dir_ + "/keys", "priority-goods")),
                              "priority-goods");
  EXPECT_TRUE(verifier.Verify(gateway.Sign(Caller(), "registry", kMintedAt), kMintedAt).ok());
  Caller itself;
  itself.subject = "service:priority-goods";
  EXPECT_TRUE(verifier.Verify(service.Sign(itself, "registry", kMintedAt), kMintedAt).ok());
}

TEST_F(DevKeysTest, NoTokenWithoutKeys) {
  EXPECT_FALSE(MintDevToken(dir_, v1::AUDITOR, "", {}, kMintedAt).ok());
}

}  // namespace
}  // namespace nisi::rpc
