#include "common/base/hash.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <thread>
#include <vector>

#include "common/base/codes.h"

namespace nisi::base {
namespace {

// FIPS 180-4 examples.
TEST(HashTest, Sha256) {
  const struct {
    std::string data;
    const char* hex;
  } kCases[] = {
      {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
      {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
      {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
       "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
      {std::string(1'000'000, 'a'),
       "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
  };
  for (const auto& c : kCases) {
    EXPECT_EQ(HexEncode(AsBytes(Sha256(c.data))), c.hex);
    EXPECT_EQ(HexEncode(Sha256Bytes(c.data)), c.hex);
    const absl::string_view view = c.data;
    const size_t half = view.size() / 2;
    EXPECT_EQ(HexEncode(AsBytes(Sha256({view.substr(0, half), "", view.substr(half)}))), c.hex);
  }
}

// RFC 4231, cases 1, 2, 6.
TEST(HashTest, HmacSha256) {
  const struct {
    std::string key;
    const char* data;
    const char* hex;
  } kCases[] = {
      {std::string(20, '\x0b'), "Hi There",
       "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
      {"Jefe", "what do ya want for nothing?",
       "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
      {std::string(131, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First",
       "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
  };
  for (const auto& c : kCases) {
    const absl::string_view data = c.data;
    EXPECT_EQ(HexEncode(AsBytes(HmacSha256(c.key, {data}))), c.hex);
    EXPECT_EQ(HexEncode(AsBytes(HmacSha256(c.key, {data.substr(0, 3), data.substr(3)}))), c.hex);
  }
}

TEST(HashTest, ThreadsDoNotShareAContext) {
  std::vector<std::thread> threads;
  std::vector<int> wrong(4, 0);
  for (size_t t = 0; t < wrong.size(); ++t) {
    threads.emplace_back([t, &wrong] {
      const std::string data(t + 1, 'x');
      const Hash first = Sha256(data);
      for (int i = 0; i < 2000; ++i) wrong[t] += Sha256(data) != first;
    });
  }
  for (auto& thread : threads) thread.join();
  for (const int count : wrong) EXPECT_EQ(count, 0);
}

TEST(HashTest, Hex) {
  const std::string bytes("\x00\x7f\xff", 3);
  EXPECT_EQ(HexEncode(bytes), "007fff");
}

TEST(HashTest, ConstantTimeEquals) {
  EXPECT_TRUE(ConstantTimeEquals("", ""));
  EXPECT_TRUE(ConstantTimeEquals("abc", "abc"));
  EXPECT_FALSE(ConstantTimeEquals("abc", "abd"));
  EXPECT_FALSE(ConstantTimeEquals("abc", "ab"));
}

TEST(HashTest, RandomBytesAndUuids) {
  EXPECT_EQ(RandomBytes(0), "");
  EXPECT_EQ(RandomBytes(32).size(), 32u);
  std::set<std::string> seen;
  for (int i = 0; i < 100; ++i) {
    const std::string uuid = RandomUuid();
    EXPECT_TRUE(UuidForm::Check(uuid).ok()) << uuid;
    EXPECT_EQ(uuid[14], '4');
    seen.insert(uuid);
  }
  EXPECT_EQ(seen.size(), 100u);
}

}  // namespace
}  // namespace nisi::base
