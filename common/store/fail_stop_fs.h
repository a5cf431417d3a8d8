// The file system under the store, with one rule more: a file that could not be written or synced
// stays so. After a sync that failed the kernel may have dropped the bytes and still say yes to the
// next sync; RocksDB, which tries again by itself, would then note a log as whole that is not.
#pragma once

#include <memory>

#include "rocksdb/file_system.h"

namespace nisi::store {

// When the disk begins with what is appended to a log of RocksDB. kAtOnce: then, so that it writes
// while RocksDB enters the same into its memtables, and a sync has less to wait for. kLater: when
// it is synced, or the kernel sees fit.
enum class LogWrites { kAtOnce, kLater };

std::shared_ptr<rocksdb::FileSystem> FailStop(std::shared_ptr<rocksdb::FileSystem> target,
                                              LogWrites logs);

}  // namespace nisi::store
