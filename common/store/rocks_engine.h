// The engine over RocksDB: one database a store, one column family a Space. How RocksDB is set, and
// why, is in rocks_settings.cc. No RocksDB header is needed to use it.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/base/clock.h"
#include "common/store/engine.h"

namespace rocksdb {
class FileSystem;
}  // namespace rocksdb

namespace nisi::store {

struct RocksOptions {
  // Made when absent.
  std::string dir;
  // Off only to measure what syncing costs: an acknowledged commit is then lost in a power cut.
  bool sync = true;
  // What stands between RocksDB and the disk; null is the real one. Tests inject faults here.
  std::shared_ptr<rocksdb::FileSystem> file_system;
  // Logs that are no longer needed are kept for the next backup, which takes their commits along:
  // without them a store can be restored to its backups alone. See backup.h.
  bool keep_logs = false;
  // Rows of Space::kOnce are kept at least this long after the time in the first 8 bytes of their
  // value (big-endian microseconds since 1970), by `now` and by Engine::SayTime, then dropped by
  // compaction at some later moment.
  absl::Duration once_retention = absl::Hours(31 * 24);
  // The clock that retention goes by, where it is behind what the store says.
  std::function<absl::Time()> now = [] { return base::SystemNow(); };
  size_t block_cache_bytes = size_t{32} << 20;
  // For each Space; two of them at most are in memory at a time.
  size_t write_buffer_bytes = size_t{24} << 20;
  // Bounds what is replayed at start.
  size_t max_wal_bytes = size_t{64} << 20;
};

// Opens the store in `dir`. Refuses, naming what an operator should do:
//   FAILED_PRECONDITION STORE_LOCKED      another process has it open;
//   FAILED_PRECONDITION STORE_INCOMPLETE  data files lie there without the CURRENT file that ties
//   them together; FAILED_PRECONDITION STORE_NEWER       a newer release wrote it; DATA_LOSS
//   STORE_CORRUPT               its bytes are damaged; RESOURCE_EXHAUSTED DISK_FULL, UNAVAILABLE
//   STORE_FAILED  the disk refuses.
// It cannot notice that the newest log was removed or cut, or an older copy put in its place: the
// witness does (witness.h).
absl::StatusOr<std::unique_ptr<Engine>> OpenRocks(const RocksOptions& options);

// That another process has the store in `dir` open.
absl::Status StoreLocked(const std::string& dir);

// Rewrites all files of an engine made by OpenRocks, dropping what is deleted or past retention.
// While serving.
absl::Status CompactRocks(Engine& engine);

}  // namespace nisi::store
