// The end of a log after a power cut: whatever it looks like, the store opens with all that was
// acknowledged; whatever is damage is refused.
#include "common/store/log_tail.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/store/rocks_engine.h"
#include "common/store/rocks_testing.h"
#include "common/store/temp_dir.h"

namespace nisi::store {
namespace {

constexpr int64_t kTailRows = 30;
constexpr size_t kBulk = 80'000;  // of the last commit: pieces in three blocks

// A store whose last commit is large, as its folder was while it was open.
class LogTail : public ::testing::Test {
 protected:
  void SetUp() override {
    {
      const auto engine = OpenRocks(In(dir_ / "live"));
      ASSERT_TRUE(engine.ok()) << engine.status();
      ASSERT_NO_FATAL_FAILURE(Fill(**engine, kTailRows));
      before_ = fs::file_size(LogIn(dir_ / "live"));
      ASSERT_TRUE(
          (*engine)
              ->Commit(
                  {{{Space::kData, "bulk", std::string(kBulk, 'b')}}, kTailRows, kTailRows + 1})
              .ok());
      fs::copy(dir_ / "live", dir_ / "cut", fs::copy_options::recursive);
    }
    whole_ = ReadAll(LogIn(dir_ / "cut"));
    ASSERT_GT(whole_.size(), before_ + kBulk);
  }

  static fs::path LogIn(const std::string& dir) {
    const auto logs = FilesEndingIn(dir, ".log");
    return logs.empty() ? fs::path() : logs.front();
  }

  size_t Length(size_t at) const {  // of the payload of the record there
    return static_cast<uint8_t>(whole_[at + 4]) | size_t{static_cast<uint8_t>(whole_[at + 5])} << 8;
  }

  // Opens a copy of the folder whose log has these bytes: its last position, or -1.
  int64_t OpenWith(const std::string& log) {
    fs::remove_all(dir_ / "open");
    fs::copy(dir_ / "cut", dir_ / "open", fs::copy_options::recursive);
    WriteAll(LogIn(dir_ / "open"), log);
    const auto engine = OpenRocks(In(dir_ / "open"));
    if (!engine.ok()) {
      EXPECT_EQ(base::ReasonOf(engine.status()), "STORE_CORRUPT") << engine.status();
      return -1;
    }
    absl::Status status;
    EXPECT_EQ(CountRows(**engine, kTailRows, &status), kTailRows) << status;
    return (*engine)->LastPosition().value();
  }

  const TempDir dir_;
  std::string whole_;
  size_t before_ = 0;
};

TEST_F(LogTail, OpensWhateverPartOfTheLastRecordWasWritten) {
  std::vector<size_t> ends{before_,           before_ + 1,         before_ + 6,
                           before_ + 7,       before_ + 8,         kLogBlockSize - 1,
                           kLogBlockSize,     kLogBlockSize + 3,   kLogBlockSize + 7,
                           2 * kLogBlockSize, whole_.size() - 100, whole_.size() - 20};
  for (size_t end = before_ + 100; end + 20 < whole_.size(); end += 17'389) ends.push_back(end);
  for (const size_t end : ends) {
    EXPECT_EQ(OpenWith(whole_.substr(0, end)), kTailRows) << "cut at " << end;
    for (const size_t size : {end + 10, end + 5000, whole_.size(), whole_.size() + 70'000}) {
      if (size < end + kUnwrittenZeros) continue;
      EXPECT_EQ(OpenWith(whole_.substr(0, end) + std::string(size - end, '\0')), kTailRows)
          << "written to " << end << " of " << size;
    }
  }
}

TEST_F(LogTail, KeepsAWholeRecordWithZerosBehindIt) {
  EXPECT_EQ(OpenWith(whole_), kTailRows + 1);
  for (const size_t zeros : std::vector<size_t>{1, 8, 100, 40'000}) {
    EXPECT_EQ(OpenWith(whole_ + std::string(zeros, '\0')), kTailRows + 1) << zeros;
  }
}

TEST_F(LogTail, RefusesDamageStill) {
  for (size_t at = 3; at + 40 < whole_.size(); at += 4001) {
    std::string damaged = whole_;
    damaged[at] = static_cast<char>(damaged[at] ^ 4);
    EXPECT_EQ(OpenWith(damaged), -1) << "flipped at " << at;
    EXPECT_EQ(OpenWith(damaged + std::string(500, '\0')), -1) << "flipped at " << at;
    // A hole in what was written.
    std::string hole = whole_;
    hole.replace(at, 20, 20, '\0');
    EXPECT_EQ(OpenWith(hole), -1) << "zeros at " << at;
  }
}

// Zeros from the first byte of a record are space that was never written, to RocksDB.
TEST_F(LogTail, RefusesZerosInPlaceOfARecord) {
  std::vector<size_t> begins;
  for (size_t at = 0; at < before_; at += 7 + Length(at)) begins.push_back(at);
  ASSERT_GE(begins.size(), size_t{kTailRows});
  for (const size_t from : begins) {
    for (const size_t zeros : std::vector<size_t>{7, 20, 512}) {
      if (from + zeros > begins.back()) continue;  // nothing is left behind them
      std::string hole = whole_.substr(0, before_);
      hole.replace(from, zeros, zeros, '\0');
      EXPECT_EQ(OpenWith(hole), -1) << zeros << " zeros at " << from;
    }
  }
}

// The position that ends a commit has zeros of its own: 256 is 00 .. 01 00.
TEST(LogTailOfPositions, KeepsCommitsWhosePositionEndsInZeros) {
  const TempDir dir;
  for (const int64_t last : {int64_t{256}, int64_t{65'536}}) {
    const std::string store = dir / absl::StrCat("store", last);
    {
      const auto engine = OpenRocks(In(store));
      ASSERT_TRUE(engine.ok()) << engine.status();
      ASSERT_TRUE((*engine)->Commit({{{Space::kData, "a", "b"}}, 0, last}).ok());
      fs::copy(store, store + ".cut", fs::copy_options::recursive);
    }
    const auto logs = FilesEndingIn(store + ".cut", ".log");
    ASSERT_EQ(logs.size(), 1u);
    WriteAll(logs[0], ReadAll(logs[0]) + std::string(300, '\0'));
    const auto engine = OpenRocks(In(store + ".cut"));
    ASSERT_TRUE(engine.ok()) << engine.status();
    EXPECT_EQ((*engine)->LastPosition().value(), last);
  }
}

}  // namespace
}  // namespace nisi::store
