#include "common/rpc/key_files.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <future>
#include <vector>

#include "common/base/hash.h"

namespace nisi::rpc {
namespace {

class KeyFilesTest : public ::testing::Test {
 protected:
  KeyFilesTest() { std::filesystem::create_directory(dir_); }
  ~KeyFilesTest() override { std::filesystem::remove_all(dir_); }

  // A file of one word; "bad" does not parse.
  absl::StatusOr<std::unique_ptr<ReloadingFile<std::string>>> Open() {
    return ReloadingFile<std::string>::Open(
        path_,
        [this](absl::string_view text) -> absl::StatusOr<std::string> {
          ++parsed_;
          if (text == "bad") {
            return absl::InvalidArgumentError("no word");
          }
          return std::string(text);
        },
        start_, Secrecy::kOpen,
        [this](const std::string&, const absl::Status& problem) {
          complaints_.push_back(problem);
        });
  }

  const std::string dir_ = absl::StrCat(::testing::TempDir(), "/files_", base::RandomUuid());
  const std::string path_ = dir_ + "/word";
  const absl::Time start_ = absl::FromUnixSeconds(1'800'000'000);
  int parsed_ = 0;
  std::vector<absl::Status> complaints_;
};

TEST_F(KeyFilesTest, WritesWholeFilesWithTheirMode) {
  ASSERT_TRUE(WriteNewFile(path_, "one", 0600).ok());
  EXPECT_TRUE(absl::IsAlreadyExists(WriteNewFile(path_, "two", 0600)));
  EXPECT_EQ(*ReadFile(path_, 3), "one");
  EXPECT_TRUE(absl::IsInvalidArgument(ReadFile(path_, 2).status()));
  ASSERT_TRUE(ReplaceFile(path_, "three", 0644).ok());
  EXPECT_EQ(*ReadFile(path_, 100), "three");
  struct stat info = {};
  ASSERT_EQ(stat(path_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0644U);
  EXPECT_TRUE(absl::IsFailedPrecondition(ReadSecretFile(path_, 100).status()));
  EXPECT_TRUE(absl::IsNotFound(ReadFile(dir_ + "/none", 1).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(ReadFile("/dev/null", 1).status()));
  EXPECT_TRUE(absl::IsUnavailable(ReplaceFile(dir_ + "/no/such", "x", 0600)));
  // Nothing is left beside it.
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(dir_), {}), 1);
}

TEST_F(KeyFilesTest, MustBeGoodAtTheStart) {
  EXPECT_TRUE(absl::IsNotFound(Open().status()));
  ASSERT_TRUE(ReplaceFile(path_, "bad", 0600).ok());
  EXPECT_TRUE(absl::IsInvalidArgument(Open().status()));
}

TEST_F(KeyFilesTest, RereadsOnceASecondAndOnlyWhenChanged) {
  ASSERT_TRUE(ReplaceFile(path_, "one", 0600).ok());
  const auto file = *Open();
  ASSERT_TRUE(ReplaceFile(path_, "two", 0600).ok());
  EXPECT_EQ(*file->Current(start_ + absl::Milliseconds(999)), "one");
  EXPECT_EQ(*file->Current(start_ + absl::Seconds(1)), "two");
  EXPECT_EQ(parsed_, 2);
  EXPECT_EQ(*file->Current(start_ + absl::Seconds(2)), "two");
  EXPECT_EQ(parsed_, 2);
}

TEST_F(KeyFilesTest, KeepsTheLastGoodContentAndComplainsOnce) {
  ASSERT_TRUE(ReplaceFile(path_, "one", 0600).ok());
  const auto file = *Open();
  ASSERT_TRUE(ReplaceFile(path_, "bad", 0600).ok());
  EXPECT_EQ(*file->Current(start_ + absl::Seconds(1)), "one");
  EXPECT_EQ(*file->Current(start_ + absl::Seconds(2)), "one");
  EXPECT_EQ(complaints_.size(), 1U);
  std::filesystem::remove(path_);
  EXPECT_EQ(*file->Current(start_ + absl::Seconds(3)), "one");
  EXPECT_EQ(*file->Current(start_ + absl::Seconds(4)), "one");
  EXPECT_EQ(complaints_.size(), 2U);
  ASSERT_TRUE(ReplaceFile(path_, "three", 0600).ok());
  EXPECT_EQ(*file->Current(start_ + absl::Seconds(5)), "three");
}

// Of two calls that end a quiet hour, in which a key was replaced, the one that does not reread the
// file must not be judged by the old one.
TEST_F(KeyFilesTest, AfterAQuietWhileNobodyGetsWhatIsLongOutOfDate) {
  ASSERT_TRUE(ReplaceFile(path_, "one", 0600).ok());
  std::promise<void> reading;
  std::promise<void> may_end;
  const auto file = *ReloadingFile<std::string>::Open(
      path_,
      [&](absl::string_view text) -> absl::StatusOr<std::string> {
        if (text == "two") {
          reading.set_value();
          may_end.get_future().wait();
        }
        return std::string(text);
      },
      start_);
  ASSERT_TRUE(ReplaceFile(path_, "two", 0600).ok());
  const absl::Time later = start_ + absl::Hours(1);
  auto first = std::async(std::launch::async, [&] { return *file->Current(later); });
  reading.get_future().wait();
  auto second = std::async(std::launch::async, [&] { return *file->Current(later); });
  may_end.set_value();
  EXPECT_EQ(first.get(), "two");
  EXPECT_EQ(second.get(), "two");
}

TEST_F(KeyFilesTest, SecretsThatEverybodyCanReadAreNotRead) {
  ASSERT_TRUE(ReplaceFile(path_, "one", 0604).ok());
  const auto parse = [](absl::string_view text) -> absl::StatusOr<std::string> {
    return std::string(text);
  };
  EXPECT_TRUE(absl::IsFailedPrecondition(
      ReloadingFile<std::string>::Open(path_, parse, start_, Secrecy::kSecret).status()));
  ASSERT_TRUE(ReplaceFile(path_, "one", 0600).ok());
  EXPECT_TRUE(ReloadingFile<std::string>::Open(path_, parse, start_, Secrecy::kSecret).ok());
}

TEST_F(KeyFilesTest, AClockSetBackDoesNotSilenceTheCheck) {
  ASSERT_TRUE(ReplaceFile(path_, "one", 0600).ok());
  const auto file = *Open();
  ASSERT_TRUE(ReplaceFile(path_, "two", 0600).ok());
  EXPECT_EQ(*file->Current(start_ - absl::Hours(1)), "two");
}

TEST_F(KeyFilesTest, KeysFollowTheirFile) {
  const PrivateKey one = *PrivateKey::Generate(Algorithm::kEdDsa);
  const PrivateKey two = *PrivateKey::Generate(Algorithm::kEs256);
  ASSERT_TRUE(ReplaceFile(path_, JwksText({{"one", one.public_key()}}), 0644).ok());
  const KeySource keys = *KeysFromFile(path_, start_);
  EXPECT_NE(keys(start_)->Find("one"), nullptr);
  ASSERT_TRUE(ReplaceFile(path_, JwksText({{"two", two.public_key()}}), 0644).ok());
  const auto fresh = keys(start_ + absl::Seconds(1));
  EXPECT_EQ(fresh->Find("one"), nullptr);
  EXPECT_NE(fresh->Find("two"), nullptr);
}

}  // namespace
}  // namespace nisi::rpc
