// Backups of a store: taken while it serves, each whole by itself, all in one folder that shares
// the files they have in common. With each goes the log of all commits since the one before, so
// that a store can be restored to any commit from the oldest backup on that is kept.
//
//   <folder>/meta, private, shared_checksum   of RocksDB's BackupEngine
//   <folder>/log/<line>/<first>-<last>.sst    commits by sequence number, as they were written
//
// A line is one store from its making on. A store restored from a backup is a line of its own: it
// may go on differently.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace nisi::store {

class Snapshot;
struct Batch;

struct Backup {
  int64_t id = 0;  // rising from 1 in its folder
  absl::Time made;
  int64_t bytes = 0;      // of all that it needs
  int64_t new_bytes = 0;  // of that, what no earlier backup in the folder has
  std::string note;       // as whoever made it left it
  std::string line;
  bool log_is_whole = true;  // as it was made: the log goes on from the backup before
};

// Which backups stay. The log goes on from the oldest of them, so what lies between two can be
// restored as well.
struct Kept {
  int newest = 1;
  // Besides, the newest one of each of so many days (UTC) on which there is one, and those with
  // which the log begins anew after a gap: nothing else leads to what came after it.
  int days = 0;
};

struct BackupOptions {
  std::string dir;
  // Made once the log was taken along: what fails here makes no backup, as what fails later.
  std::function<absl::StatusOr<std::string>()> note;
  Kept keep;  // the others go, and the log before the oldest kept
  // Asked from time to time; true ends it early.
  std::function<bool()> stop = [] { return false; };
  // What is in the backup, once it is there: not OK undoes it.
  std::function<absl::Status(const Snapshot&)> check;
};
// MakeBackup of an engine: first takes the log along, then copies what no backup has yet, reads the
// whole backup again and holds it against its checksums, opens it and has it checked. A backup that
// was cut short is no backup; what it left goes with the next.
//   RESOURCE_EXHAUSTED DISK_FULL      no space for it;
//   CANCELLED                         `stop`;
//   DATA_LOSS BACKUP_DAMAGED          what was read is not what was written, in the store or in the
//                                     backup; there is none, but the log was taken along;
//   UNAVAILABLE BACKUP_FAILED         the disk refuses.

// The good ones, oldest first; empty where there are none. new_bytes are counted here too.
// UNAVAILABLE BACKUP_FAILED.
absl::StatusOr<std::vector<Backup>> ListBackups(const std::string& dir);

// One that is open for reading. Snapshots must not outlive it.
class OpenBackup {
 public:
  virtual ~OpenBackup() = default;
  virtual std::unique_ptr<Snapshot> NewSnapshot() const = 0;
};
// NOT_FOUND BACKUP_NOT_FOUND; DATA_LOSS BACKUP_DAMAGED; UNAVAILABLE BACKUP_FAILED.
absl::StatusOr<std::unique_ptr<OpenBackup>> OpenBackupIn(const std::string& dir, int64_t id);

// Makes the folder `to` a store with what is in the backup, and checks what it copies. Errors as
// above.
absl::Status CopyBackup(const std::string& dir, int64_t id, const std::string& to);

// Applies the commits that follow in the log to the store in `to`, as long as `wanted` says so;
// then shows it the rest of them. A batch tells its position and not what it builds on; its views
// are good for the visit only. Ends where the log does. DATA_LOSS BACKUP_DAMAGED; UNAVAILABLE
// BACKUP_FAILED.
using CommitVisitor = std::function<absl::StatusOr<bool>(const Batch&)>;
absl::Status ReplayLog(const std::string& dir, const std::string& line, const std::string& to,
                       const CommitVisitor& wanted);

}  // namespace nisi::store
