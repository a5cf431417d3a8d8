// A disk that fails as it is told to (fault_fs_plan.h), under the engine over RocksDB: given as
// RocksOptions::file_system. A library of its own, linked by tests only.
//
// A power cut. What is appended to a file stays in this process until the file is synced, so a kill
// loses it; sometimes a part of it gets to the disk before, as a kernel writes back when it likes,
// and then a file may end in half a record, or in zeros. Closing a file and RangeSync make nothing
// durable. After the kill, UndoUnsyncedEntries(notes) takes back what was not synced of folders.
// After a sync that failed, the file says OK to later ones and keeps nothing: as Linux, which
// reports a failed write-back once and drops the pages.
//
// A call that fails. Calls are counted, and the N-th fails. RocksDB's own log of messages and its
// LOCK file are left alone: nothing depends on their bytes.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "common/store/fault_fs_entries.h"
#include "common/store/fault_fs_plan.h"

namespace rocksdb {
class FileSystem;
}  // namespace rocksdb

namespace nisi::store {

class FaultFileSystem;

class FaultDisk {
 public:
  explicit FaultDisk(const FaultPlan& plan);
  ~FaultDisk();

  std::shared_ptr<rocksdb::FileSystem> file_system() const;
  // Calls so far of those that the plan names: what `at` counts.
  int64_t calls() const;
  // How many failed.
  int64_t failures() const;
  // The first that failed, as "sync 000012.log"; empty: none.
  std::string first_failure() const;
  // From now on the disk says that it has so much room; nothing else depends on it.
  void SayFreeSpace(uint64_t bytes);
  // A disk that hangs: from now on no sync comes back, until this is said otherwise.
  void HoldSyncs(bool held);

 private:
  std::shared_ptr<FaultFileSystem> disk_;
};

}  // namespace nisi::store
