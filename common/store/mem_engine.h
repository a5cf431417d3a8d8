// An engine in memory: for tests, and as the proof that nothing above depends on RocksDB.
#pragma once

#include <memory>

#include "common/store/engine.h"

namespace nisi::store {

// What stands for the disk: engines opened on the same one, after each other or at once, see the
// same store.
class MemDisk;
std::shared_ptr<MemDisk> NewMemDisk();

// Never fails. Retention is unbounded; Checkpoint and MakeBackup are UNIMPLEMENTED; VerifyNext
// finds nothing.
std::unique_ptr<Engine> OpenMem(std::shared_ptr<MemDisk> disk = NewMemDisk());

}  // namespace nisi::store
