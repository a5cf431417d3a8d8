// Backups by RocksDB's BackupEngine. Private to the engine; others see backup.h.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/store/backup.h"
#include "common/store/rocks_snapshot.h"
#include "rocksdb/db.h"
#include "rocksdb/env.h"
#include "rocksdb/status.h"

namespace nisi::store {

absl::StatusOr<Backup> MakeRocksBackup(rocksdb::DB* db, rocksdb::Env* env,
                                       const BackupOptions& options);

// What went wrong with a backup or its log; `dir` is cut from the message.
absl::Status BackupStatus(const rocksdb::Status& status, absl::string_view dir);

// A database opened as the engine does.
struct OpenedRocks {
  std::unique_ptr<rocksdb::DB> db;
  std::vector<std::unique_ptr<rocksdb::ColumnFamilyHandle>> families;  // a Space each
  RocksHandles handles() const;
  OpenedRocks() = default;
  OpenedRocks(OpenedRocks&&) = default;
  OpenedRocks& operator=(OpenedRocks&&) = default;
  ~OpenedRocks() { families.clear(); }
};
absl::StatusOr<OpenedRocks> OpenPlain(rocksdb::Env* env, const std::string& path, bool read_only);

}  // namespace nisi::store
