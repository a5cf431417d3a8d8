#include "common/store/head_signer.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "absl/strings/escaping.h"
#include "common/base/status.h"

namespace nisi::store {
namespace {

namespace fs = std::filesystem;
using journal::v1::TreeHead;

class HeadSignerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "nisi_signer_XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    dir_ = pattern;
    path_ = (dir_ / "key.pem").string();
  }
  void TearDown() override { fs::remove_all(dir_); }

  static TreeHead MakeHead() {
    TreeHead head;
    head.set_origin("priority-goods");
    head.set_tree_size(42);
    head.set_root(std::string(32, 'r'));
    head.mutable_sign_time()->set_seconds(1'700'000'000);
    return head;
  }

  fs::path dir_;
  std::string path_;
};

TEST_F(HeadSignerTest, MakesAKeyOnceForTheOwnerAlone) {
  const auto first = OpenHeadSigner(path_);
  ASSERT_TRUE(first.ok()) << first.status();
  struct stat info {};
  ASSERT_EQ(stat(path_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  EXPECT_EQ((*first)->public_key().size(), 32u);
  EXPECT_EQ((*first)->key_id().size(), 8u);
  EXPECT_EQ(std::distance(fs::directory_iterator(dir_), fs::directory_iterator()), 1);
  const auto second = OpenHeadSigner(path_);
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_EQ((*second)->public_key(), (*first)->public_key());
}

TEST_F(HeadSignerTest, SignsWhatVerifies) {
  const auto signer = OpenHeadSigner(path_);
  ASSERT_TRUE(signer.ok()) << signer.status();
  TreeHead head = MakeHead();
  ASSERT_TRUE((*signer)->Sign(&head).ok());
  EXPECT_EQ(head.signature().size(), 64u);
  EXPECT_TRUE(VerifyHead(head, (*signer)->public_key()).ok());
  TreeHead again = head;  // A head that has a signature is signed anew, to the same.
  ASSERT_TRUE((*signer)->Sign(&again).ok());
  EXPECT_EQ(again.signature(), head.signature());
  TreeHead read;
  ASSERT_TRUE(read.ParseFromString(head.SerializeAsString()));
  EXPECT_TRUE(VerifyHead(read, (*signer)->public_key()).ok());
}

TEST_F(HeadSignerTest, AnyChangeIsRefused) {
  const auto signer = OpenHeadSigner(path_);
  ASSERT_TRUE(signer.ok()) << signer.status();
  TreeHead signed_head = MakeHead();
  ASSERT_TRUE((*signer)->Sign(&signed_head).ok());
  const std::string key = (*signer)->public_key();
  const auto altered = [&](auto change) {
    TreeHead head = signed_head;
    change(head);
    return base::ReasonOf(VerifyHead(head, key));
  };
  EXPECT_EQ(altered([](TreeHead&) {}), "");
  EXPECT_EQ(altered([](TreeHead& h) { h.set_origin("priority-goodz"); }), "PROOF_INVALID");
  EXPECT_EQ(altered([](TreeHead& h) { h.set_tree_size(43); }), "PROOF_INVALID");
  EXPECT_EQ(altered([](TreeHead& h) { (*h.mutable_root())[0] ^= 1; }), "PROOF_INVALID");
  EXPECT_EQ(altered([](TreeHead& h) { h.mutable_sign_time()->set_nanos(1); }), "PROOF_INVALID");
  EXPECT_EQ(altered([](TreeHead& h) { (*h.mutable_key_id())[0] ^= 1; }), "PROOF_INVALID");
  EXPECT_EQ(altered([](TreeHead& h) { (*h.mutable_signature())[63] ^= 1; }), "PROOF_INVALID");
  EXPECT_EQ(altered([](TreeHead& h) { h.clear_signature(); }), "PROOF_INVALID");

  const auto other = OpenHeadSigner((dir_ / "other.pem").string());
  ASSERT_TRUE(other.ok()) << other.status();
  EXPECT_FALSE(VerifyHead(signed_head, (*other)->public_key()).ok());
  EXPECT_FALSE(VerifyHead(signed_head, "").ok());
  EXPECT_FALSE(VerifyHead(signed_head, key.substr(1)).ok());
}

// The key of RFC 8410, 10.3, as other tools write it.
TEST_F(HeadSignerTest, ReadsAKeyMadeElsewhere) {
  std::ofstream(path_) << "-----BEGIN PRIVATE KEY-----\n"
                          "MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n"
                          "-----END PRIVATE KEY-----\n";
  fs::permissions(path_, fs::perms::owner_read);
  const auto signer = OpenHeadSigner(path_);
  ASSERT_TRUE(signer.ok()) << signer.status();
  EXPECT_EQ(absl::BytesToHexString((*signer)->public_key()),
            "19bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c38ad703166e1");
  EXPECT_EQ(KeyId((*signer)->public_key()), (*signer)->key_id());
}

TEST_F(HeadSignerTest, BadKeysAreRefused) {
  ASSERT_TRUE(OpenHeadSigner(path_).ok());
  fs::permissions(path_, fs::perms::others_read, fs::perm_options::add);
  EXPECT_EQ(base::ReasonOf(OpenHeadSigner(path_).status()), "SIGNING_KEY");
  for (const char* text :
       {"", "not a key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"}) {
    const std::string path = (dir_ / "bad.pem").string();
    std::ofstream(path) << text;
    fs::permissions(path, fs::perms::owner_read | fs::perms::owner_write);
    EXPECT_EQ(base::ReasonOf(OpenHeadSigner(path).status()), "SIGNING_KEY") << text;
  }
  EXPECT_EQ(OpenHeadSigner((dir_ / "absent" / "key.pem").string()).status().code(),
            absl::StatusCode::kUnavailable);
}

}  // namespace
}  // namespace nisi::store
