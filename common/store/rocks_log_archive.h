// The log of commits beside the backups: what RocksDB wrote into its own log, kept as tables of
// sequence number -> write batch. Private to rocks_backup.cc.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "rocksdb/db.h"
#include "rocksdb/env.h"

namespace nisi::store {

struct ArchivedLog {
  // False when it could not go on where it ended, as the database has dropped that part of its log:
  // then it begins anew with the last commit.
  bool whole = true;
  // The sequence number that it leads to, or behind which it begins: where the database has not
  // even its last commit in a log, the backup that is made next holds it.
  uint64_t last = 0;
};

// Adds all that `db` has committed since the last time to the folder `dir` of its line. `held`: the
// sequence number that the backups of this line hold, 0 where there is none.
absl::StatusOr<ArchivedLog> ArchiveLog(rocksdb::DB* db, rocksdb::Env* env, const std::string& dir,
                                       uint64_t held);

// Lets the database's own logs go all of whose commits, up to the sequence number `held`, the
// archive has: they are kept for it alone. What does not go now goes with a later one; the log says
// why.
void LetLogGo(rocksdb::DB* db, uint64_t held);

// Whether it leads from a state with the sequence number `from` to that with `to` without a gap.
absl::StatusOr<bool> LogLeads(rocksdb::Env* env, const std::string& dir, uint64_t from,
                              uint64_t to);

// Drops what ends before `sequence`.
absl::Status DropLogBefore(rocksdb::Env* env, const std::string& dir, uint64_t sequence);

}  // namespace nisi::store
