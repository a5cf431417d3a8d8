// Reading from memory alone: never a wrong answer, whatever of the files is open.
#include "common/store/rocks_snapshot.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/store/rocks_settings.h"
#include "common/store/rocks_testing.h"
#include "common/store/temp_dir.h"

namespace nisi::store {
namespace {

// More files than RocksDB opens at start, so that most are not open when they are asked for.
TEST(RocksSnapshot, FromMemoryAnswersRightOrSaysThatItCannot) {
  constexpr int64_t kFiles = 40;
  const TempDir dir;
  RocksOptions options = In(dir / "db");
  const auto cache = rocksdb::NewLRUCache(options.block_cache_bytes);
  const rocksdb::DBOptions db_options = MakeDbOptions(options, rocksdb::Env::Default());
  auto families = MakeFamilies(options, cache);
  for (auto& family : families) family.options.disable_auto_compactions = true;
  for (const bool fill : {true, false}) {
    std::vector<rocksdb::ColumnFamilyHandle*> handles;
    rocksdb::DB* raw = nullptr;
    ASSERT_TRUE(rocksdb::DB::Open(db_options, options.dir, families, &handles, &raw).ok());
    const std::unique_ptr<rocksdb::DB> db(raw);
    RocksHandles spaces{};
    for (size_t i = 0; i < spaces.size(); ++i) spaces[i] = handles[i + 1];
    const auto data = static_cast<size_t>(Space::kData);
    for (int64_t i = 0; fill && i < kFiles; ++i) {
      ASSERT_TRUE(db->Put(rocksdb::WriteOptions(), spaces[data], KeyAt(i), ValueAt(i)).ok());
      ASSERT_TRUE(db->Flush(rocksdb::FlushOptions(), spaces[data]).ok());
    }
    int refused = 0;
    for (int64_t i = 0; !fill && i < 2 * kFiles; ++i) {  // the second half is absent
      std::string value;
      const auto found =
          MakeRocksSnapshot(db.get(), spaces, options.dir, TakeMoment(db.get()), Reach::kMemory)
              ->Get(Space::kData, KeyAt(i), &value);
      if (found.ok()) {
        EXPECT_EQ(*found, i < kFiles) << i;
        EXPECT_EQ(value, i < kFiles ? ValueAt(i) : "") << i;
      } else {
        EXPECT_TRUE(IsNotInMemory(found.status())) << found.status();
        ++refused;
      }
      const auto from_disk =
          MakeRocksSnapshot(db.get(), spaces, options.dir, TakeMoment(db.get()), Reach::kDisk)
              ->Get(Space::kData, KeyAt(i), &value);
      ASSERT_TRUE(from_disk.ok()) << from_disk.status();
      EXPECT_EQ(*from_disk, i < kFiles) << i;
    }
    EXPECT_EQ(refused > 0, !fill);
    for (auto* handle : handles) db->DestroyColumnFamilyHandle(handle).PermitUncheckedError();
  }
}

}  // namespace
}  // namespace nisi::store
