#include "common/store/rocks_settings.h"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "common/base/status.h"
#include "rocksdb/file_checksum.h"
#include "rocksdb/filter_policy.h"
#include "rocksdb/slice_transform.h"
#include "rocksdb/table.h"

namespace nisi::store {
namespace {

constexpr uint64_t kMiB = uint64_t{1} << 20;

class OnceFilter : public rocksdb::CompactionFilter {
 public:
  explicit OnceFilter(int64_t cutoff_micros) : cutoff_micros_(cutoff_micros) {}

  bool Filter(int /*level*/, const rocksdb::Slice& /*key*/, const rocksdb::Slice& value,
              std::string* /*new_value*/, bool* /*value_changed*/) const override {
    if (value.size() < 8) return false;  // Not one of ours: when in doubt, keep.
    uint64_t micros = 0;
    for (size_t i = 0; i < 8; ++i) micros = micros << 8 | static_cast<uint8_t>(value[i]);
    return static_cast<int64_t>(micros) < cutoff_micros_;
  }
  const char* Name() const override { return "nisi.OnceFilter"; }

 private:
  const int64_t cutoff_micros_;
};

rocksdb::ColumnFamilyOptions MakeFamily(const RocksOptions& options,
                                        const std::shared_ptr<rocksdb::Cache>& cache, Space space) {
  rocksdb::ColumnFamilyOptions family;
  family.write_buffer_size = options.write_buffer_bytes;
  family.max_write_buffer_number = 2;
  // Most looks into a memtable are for keys that are not there: a new record, a fresh request id.
  // Half a megabyte of filter, 16 bits for a key where keys and values have 100 bytes. It is
  // written over with zeros at every start, twice for each family.
  family.memtable_prefix_bloom_size_ratio = 0.02;
  family.memtable_whole_key_filtering = true;
  family.arena_block_size = 128 << 10;  // An idle family holds one block, not the default's 1 MiB.
  family.target_file_size_base = 16 * kMiB;
  family.max_bytes_for_level_base = 128 * kMiB;
  family.level0_file_num_compaction_trigger = 6;  // each rewriting takes in more
  family.level_compaction_dynamic_level_bytes = true;
  family.force_consistency_checks = true;
  family.compression = rocksdb::kLZ4Compression;
  // Files of the log never overlap: they are moved, not rewritten. Leveled compaction would rewrite
  // each of them once more at the bottom, to take out sequence numbers.
  if (space == Space::kLog) {
    family.compaction_style = rocksdb::kCompactionStyleUniversal;
    family.compaction_options_universal.allow_trivial_move = true;
  }
  // Neighbours are often written one after another, the log always: then an insertion begins where
  // the last one with the same beginning of key ended. Three bytes name a table or index.
  constexpr size_t kTableBytes = 3;
  if (space != Space::kOnce) {
    family.memtable_insert_with_hint_prefix_extractor.reset(
        rocksdb::NewCappedPrefixTransform(space == Space::kData ? kTableBytes : 1));
  }

  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache;
  table.block_size = space == Space::kLog ? 16 << 10 : 4 << 10;
  table.format_version = 5;
  table.checksum = rocksdb::kXXH3;
  // Indexes and filters live in the cache too, so that memory stays bounded however large the store
  // grows.
  table.cache_index_and_filter_blocks = true;
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  table.whole_key_filtering = true;
  // Journal rows that are asked for exist; rows of the other two are often asked for in vain: some
  // five keys in each of several files for one new record. A filter of 10 bits a key says wrongly
  // one time in 100 that it may be there, and a block is read and decoded; of 14, one in 500.
  if (space != Space::kLog) table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(14));
  family.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));

  if (space == Space::kOnce) {
    family.compaction_filter_factory =
        std::make_shared<OnceFilterFactory>(options.once_retention, options.now);
    // Cold files are compacted too, so that rows go a quarter after their time at the latest.
    const int64_t quarter = absl::ToInt64Seconds(options.once_retention / 4);
    family.periodic_compaction_seconds = static_cast<uint64_t>(std::max<int64_t>(quarter, 86'400));
  }
  return family;
}

}  // namespace

std::unique_ptr<rocksdb::CompactionFilter> OnceFilterFactory::CreateCompactionFilter(
    const rocksdb::CompactionFilter::Context& /*context*/) {
  return std::make_unique<OnceFilter>(absl::ToUnixMicros(now_() - retention_));
}

uint64_t KeptLogBound(uint64_t disk_bytes) {
  // A store that takes half, this and the reserve fit. RocksDB counts logs of the largest size, of
  // which there are to be a few.
  return std::clamp(disk_bytes / 4, 256 * kMiB, 8 * 1024 * kMiB);
}

uint64_t KeptLogBoundAt(const std::string& dir) {
  std::error_code error;
  const std::filesystem::space_info disk = std::filesystem::space(dir, error);
  return KeptLogBound(error ? std::numeric_limits<uint64_t>::max() : disk.capacity);
}

rocksdb::DBOptions MakeDbOptions(const RocksOptions& options, rocksdb::Env* env) {
  rocksdb::DBOptions db;
  db.env = env;
  db.create_if_missing = true;
  db.create_missing_column_families = true;  // A crash may have cut the first opening short.

  // Never serve less than was acknowledged. The default mode stops at a damaged record and opens
  // without the rest; this one opens after a crash's torn tail and refuses damage.
  db.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  // Logs before the newest are known by number and synced size: without this, one that is missing
  // or was cut leaves a hole that nobody notices, for the newest log brings the store to the
  // position that the witness saw.
  db.track_and_verify_wals_in_manifest = true;
  db.best_efforts_recovery = false;
  db.paranoid_checks = true;
  db.file_checksum_gen_factory = rocksdb::GetFileChecksumGenCrc32cFactory();
  db.recycle_log_file_num = 0;  // Stale records in a reused log (fixed in 9.2).
  if (options.keep_logs) {
    // What no backup took in this time is given up: the next one starts its log anew and says so.
    db.WAL_ttl_seconds = uint64_t{3} * 24 * 3600;
    db.WAL_size_limit_MB = KeptLogBoundAt(options.dir) >> 20;
  }
  db.manual_wal_flush = false;  // Families apart after auto-recovery (fixed in 9.7).
  db.allow_2pc = false;
  db.atomic_flush = false;  // Not needed: the log is always written.
  // RocksDB does not try again by itself: a disk that failed stops the store, and a clean start
  // mends it. In 7.8.3 closing may wait for ever for such an attempt.
  db.max_bgerror_resume_count = 0;
  db.allow_data_in_errors = false;  // Keys and values can be confidential.

  // One writer, so nothing is gained from inserting in parallel.
  db.allow_concurrent_memtable_write = false;

  // Start is quick: little log to replay, few files to open, no reading for statistics.
  db.max_total_wal_size = options.max_wal_bytes;
  db.skip_stats_update_on_db_open = true;
  db.max_file_opening_threads = 1;
  db.max_open_files = 512;

  // Small when idle.
  db.max_background_jobs = 2;
  db.manifest_preallocation_size = 64 << 10;
  db.max_manifest_file_size = 16 * kMiB;
  db.bytes_per_sync = kMiB;
  db.stats_dump_period_sec = 0;
  db.stats_persist_period_sec = 0;
  db.max_log_file_size = kMiB;
  db.keep_log_file_num = 3;
  return db;
}

std::vector<rocksdb::ColumnFamilyDescriptor> MakeFamilies(
    const RocksOptions& options, const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::ColumnFamilyOptions unused;
  unused.write_buffer_size = 64 << 10;
  return {{rocksdb::kDefaultColumnFamilyName, unused},
          {"data", MakeFamily(options, cache, Space::kData)},
          {"log", MakeFamily(options, cache, Space::kLog)},
          {"once", MakeFamily(options, cache, Space::kOnce)}};
}

absl::Status ToStatus(const rocksdb::Status& status, absl::string_view dir) {
  if (status.ok()) return absl::OkStatus();
  if (status.IsIncomplete()) return NotInMemory();  // read_tier
  const std::string what = absl::StrReplaceAll(status.ToString(), {{absl::StrCat(dir, "/"), ""}});
  if (status.IsCorruption()) return base::StoreCorrupt(what);
  if (status.IsNoSpace()) {
    return base::Refusal(absl::StatusCode::kResourceExhausted, "DISK_FULL",
                         "The disk under the store is full.")
        .Quota("disk", "no space is left for the store");
  }
  return base::Unavailable("STORE_FAILED",
                           absl::StrCat("The store has failed and must be reopened: ", what),
                           absl::Seconds(5));
}

}  // namespace nisi::store
