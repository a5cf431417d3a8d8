// A disk that fails under the engine over RocksDB.
#include <gtest/gtest.h>

#include <atomic>
#include <memory>

#include "common/base/status.h"
#include "common/store/rocks_engine.h"
#include "common/store/rocks_testing.h"
#include "common/store/temp_dir.h"
#include "rocksdb/file_system.h"

namespace nisi::store {
namespace {

// Lets one coming sync or write of a log fail.
class FaultyFileSystem : public rocksdb::FileSystemWrapper {
 public:
  enum class Fault { kNone, kSync, kPassing, kNoSpace };

  FaultyFileSystem() : FileSystemWrapper(rocksdb::FileSystem::Default()) {}
  const char* Name() const override { return "FaultyFileSystem"; }

  std::atomic<Fault> fault{Fault::kNone};

  rocksdb::IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* result,
                                    rocksdb::IODebugContext* debug) override {
    const rocksdb::IOStatus status = target()->NewWritableFile(name, options, result, debug);
    if (status.ok() && name.ends_with(".log"))
      *result = std::make_unique<Log>(std::move(*result), this);
    return status;
  }

 private:
  class Log : public rocksdb::FSWritableFileOwnerWrapper {
   public:
    Log(std::unique_ptr<rocksdb::FSWritableFile>&& file, FaultyFileSystem* owner)
        : FSWritableFileOwnerWrapper(std::move(file)), owner_(owner) {}

    rocksdb::IOStatus Sync(const rocksdb::IOOptions& options,
                           rocksdb::IODebugContext* debug) override {
      Fault expected = Fault::kSync;
      if (owner_->fault.compare_exchange_strong(expected, Fault::kNone)) {
        return rocksdb::IOStatus::IOError("injected");
      }
      expected = Fault::kPassing;
      if (owner_->fault.compare_exchange_strong(expected, Fault::kNone)) {
        rocksdb::IOStatus status = rocksdb::IOStatus::IOError("injected");
        status.SetRetryable(true);
        return status;
      }
      expected = Fault::kNoSpace;
      if (owner_->fault.compare_exchange_strong(expected, Fault::kNone)) {
        return rocksdb::IOStatus::NoSpace("injected");
      }
      return FSWritableFileOwnerWrapper::Sync(options, debug);
    }

   private:
    FaultyFileSystem* const owner_;
  };
};

void FailOneCommit(FaultyFileSystem::Fault fault, absl::StatusCode code, absl::string_view reason) {
  const TempDir dir;
  const auto disk = std::make_shared<FaultyFileSystem>();
  RocksOptions options = In(dir / "store");
  options.file_system = disk;
  {
    const auto engine = OpenRocks(options);
    ASSERT_TRUE(engine.ok()) << engine.status();
    ASSERT_NO_FATAL_FAILURE(Fill(**engine, 5));
    disk->fault = fault;
    for (int attempt = 0; attempt < 20'000; ++attempt) {  // The disk is well after the first.
      const absl::Status status = CommitRow(**engine, 6);
      ASSERT_EQ(status.code(), code) << status << ", attempt " << attempt;
      ASSERT_EQ(base::ReasonOf(status), reason);
    }
    EXPECT_EQ(disk->fault, FaultyFileSystem::Fault::kNone);
    EXPECT_EQ((*engine)->LastPosition().value(), 5);
  }
  const auto engine = OpenRocks(options);
  ASSERT_TRUE(engine.ok()) << engine.status();
  const int64_t position = (*engine)->LastPosition().value();
  EXPECT_TRUE(position == 5 || position == 6) << position;  // Unknown is unknown, but never half.
  absl::Status status;
  EXPECT_EQ(CountRows(**engine, 6, &status), position) << status;
  EXPECT_TRUE(CommitRow(**engine, position + 1).ok());
}

TEST(RocksFaults, FailedSyncStopsTheEngineUntilReopened) {
  FailOneCommit(FaultyFileSystem::Fault::kSync, absl::StatusCode::kUnavailable, "STORE_FAILED");
}

// RocksDB would resume by itself after this one: what it dropped meanwhile nobody knows.
TEST(RocksFaults, PassingFaultStopsTheEngineUntilReopened) {
  FailOneCommit(FaultyFileSystem::Fault::kPassing, absl::StatusCode::kUnavailable, "STORE_FAILED");
}

TEST(RocksFaults, FullDiskStopsTheEngineUntilReopened) {
  FailOneCommit(FaultyFileSystem::Fault::kNoSpace, absl::StatusCode::kResourceExhausted,
                "DISK_FULL");
}

}  // namespace
}  // namespace nisi::store
