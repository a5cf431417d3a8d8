// Damage that RocksDB 7.8.3 passes over in silence, unless it is set as it is here.
#include <gtest/gtest.h>

#include <algorithm>

#include "common/base/status.h"
#include "common/store/engine_testing.h"
#include "common/store/rocks_testing.h"
#include "common/store/temp_dir.h"

namespace nisi::store {
namespace {

// How many rows a scan shows; *status is what it ends with.
int64_t Scanned(const Engine& engine, Space space, absl::Status* status) {
  const auto snapshot = engine.NewSnapshot();
  const auto cursor = snapshot->Scan(space, "", "");
  int64_t rows = 0;
  for (; cursor->Valid(); cursor->Next()) ++rows;
  *status = cursor->status();
  return rows;
}

// The first block of a file in the middle of a level: an iterator that comes to it from the file
// before must not go on to the next.
TEST(RocksDamage, AScanPassesOverNoFile) {
  constexpr int64_t kRows = 320;
  const TempDir dir;
  const std::string path = dir / "store";
  // Each opening writes what it finds in the log of RocksDB into a file.
  for (int64_t i = 0; i <= kRows; i += 40) {
    const auto engine = OpenRocks(In(path));
    ASSERT_TRUE(engine.ok()) << engine.status();
    for (int64_t row = i + 1; row <= std::min(i + 40, kRows); ++row) {
      ASSERT_TRUE(CommitRow(**engine, row).ok());
    }
  }
  const auto files = FilesEndingIn(path, ".sst");
  size_t noticed = 0;
  for (const fs::path& file : files) {
    const std::string bytes = ReadAll(file);
    std::string flipped = bytes;
    flipped[10] = static_cast<char>(flipped[10] ^ 0x10);
    WriteAll(file, flipped);
    {
      const auto engine = OpenRocks(In(path));
      if (!engine.ok()) {
        EXPECT_EQ(base::ReasonOf(engine.status()), "STORE_CORRUPT") << engine.status();
        ++noticed;
      }
      for (const Space space : {Space::kData, Space::kLog}) {
        absl::Status status;
        if (!engine.ok() || Scanned(**engine, space, &status) == kRows) continue;
        EXPECT_TRUE(absl::IsDataLoss(status)) << file << ": " << status;
        ++noticed;
      }
    }
    WriteAll(file, bytes);
  }
  EXPECT_EQ(noticed, files.size());
  EXPECT_GE(files.size(), 8u) << "the log lies in few files";
}

// The newest log brings the store to the position of the witness, whatever is missing before it.
TEST(RocksDamage, AnOlderLogThatIsMissingOrCutIsRefused) {
  const TempDir dir;
  const std::string path = dir / "store";
  const std::string copy = dir / "copy";
  RocksOptions options = In(path);
  options.write_buffer_bytes = size_t{64} << 10;
  {
    const auto engine = OpenRocks(options);
    ASSERT_TRUE(engine.ok()) << engine.status();
    // Rows of one space fill its memtable, so that a new log begins; the old one is still needed
    // for those of the other. The last commit syncs it.
    const std::string big(8 << 10, 'b');
    int64_t position = 0;
    const auto commit = [&] {
      const absl::Status status = (*engine)->Commit(
          {{{Space::kData, KeyAt(position), big}, {Space::kLog, KeyAt(position), "small"}},
           position,
           position + 1});
      ++position;
      return status;
    };
    while (FilesEndingIn(path, ".log").size() < 2 && position < 1000) ASSERT_TRUE(commit().ok());
    ASSERT_TRUE(commit().ok());
    fs::copy(path, copy);
  }
  auto logs = FilesEndingIn(copy, ".log");
  std::sort(logs.begin(), logs.end());
  ASSERT_GE(logs.size(), 2u);
  const std::string bytes = ReadAll(logs[0]);
  for (const size_t size : {size_t{0}, bytes.size() / 2, bytes.size() - 1}) {
    WriteAll(logs[0], bytes.substr(0, size));
    EXPECT_EQ(base::ReasonOf(OpenStatus(copy)), "STORE_CORRUPT") << size << " of " << bytes.size();
  }
  fs::remove(logs[0]);
  EXPECT_EQ(base::ReasonOf(OpenStatus(copy)), "STORE_CORRUPT");
  WriteAll(logs[0], bytes);
  const absl::Status whole = OpenStatus(copy);
  EXPECT_TRUE(whole.ok()) << whole;
}

}  // namespace
}  // namespace nisi::store
