// How RocksDB is set and how its errors read here. Private to rocks_engine.cc.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "common/store/rocks_engine.h"
#include "rocksdb/cache.h"
#include "rocksdb/compaction_filter.h"
#include "rocksdb/db.h"
#include "rocksdb/env.h"
#include "rocksdb/options.h"
#include "rocksdb/status.h"

namespace nisi::store {

// Bytes of checksum kept beside each key of a write batch from its making to the log and memtable.
inline constexpr size_t kProtectionBytesPerKey = 8;

// How much log is kept at most for backups that are not made, on a disk of so many bytes: what it
// takes is to leave room for the store.
uint64_t KeptLogBound(uint64_t disk_bytes);
// Of the disk under the folder of a store.
uint64_t KeptLogBoundAt(const std::string& dir);

rocksdb::DBOptions MakeDbOptions(const RocksOptions& options, rocksdb::Env* env);

// RocksDB's own "default" family first (empty: RocksDB wants one), then one a Space, in order.
std::vector<rocksdb::ColumnFamilyDescriptor> MakeFamilies(
    const RocksOptions& options, const std::shared_ptr<rocksdb::Cache>& cache);

// OK; DATA_LOSS STORE_CORRUPT; RESOURCE_EXHAUSTED DISK_FULL; UNAVAILABLE STORE_FAILED for all else.
// `dir` is cut from the message: where the store lies is nobody's business but the operator's.
absl::Status ToStatus(const rocksdb::Status& status, absl::string_view dir);

// Drops rows of kOnce whose time is before now() - retention.
class OnceFilterFactory : public rocksdb::CompactionFilterFactory {
 public:
  OnceFilterFactory(absl::Duration retention, std::function<absl::Time()> now)
      : retention_(retention), now_(std::move(now)) {}
  std::unique_ptr<rocksdb::CompactionFilter> CreateCompactionFilter(
      const rocksdb::CompactionFilter::Context& context) override;
  const char* Name() const override { return "nisi.OnceFilterFactory"; }

 private:
  const absl::Duration retention_;
  const std::function<absl::Time()> now_;
};

}  // namespace nisi::store
