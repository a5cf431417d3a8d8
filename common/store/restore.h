// A store made again from its backups, as it was after a commit: the newest one, or the last one at
// or before a journal position or a time. Offline; what was restored proves itself before it is put
// in place.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/base/clock.h"
#include "common/store/backup.h"
#include "common/store/table.h"
#include "common/store/witness.h"
#include "nisi/journal/v1/journal.pb.h"

namespace nisi::store {

struct RestoreOptions {
  std::string from;     // the folder with the backups of this store
  std::string to;       // the store's folder; not there, or empty
  std::string witness;  // its file; not there
  // Where a store that is in `to` goes when the restored one is ready to take its place; on the
  // same file system. Its witness stays in its folder, under this name and `.witness`. Empty:
  // nothing may be there.
  std::string aside;
  // The backup to begin with, and, without a position or time, to end with. 0: the newest that is
  // early enough, and the log after it.
  int64_t backup = 0;
  // At most one of the two: no commit after this journal position; recorded after this time.
  std::optional<int64_t> position;
  std::optional<absl::Time> time;
  // Signed heads that somebody kept: of those up to the end of the log, the restored tree must be
  // the beginning or the continuation. Those of the backups are checked in any case.
  std::vector<journal::v1::TreeHead> heads;
  // Keys of 32 bytes, of which one must have signed each head: several where the key was replaced
  // meanwhile. Empty: those that the backups themselves say.
  std::vector<std::string> public_keys;
};

struct Restored {
  Backup backup;
  int64_t backup_position = 0;    // that it holds; the rest is from the log
  Head head;                      // of the restored store
  absl::Time recorded;            // its last command
  std::set<std::string> key_ids;  // of the keys that the heads are signed by
  int64_t heads_proved = 0;       // of those given and of all backups
  // Sizes of signed heads given that are beyond the end of the log: the entries up to there are
  // lost.
  std::vector<int64_t> heads_beyond;
};

// Changes nothing when it fails but for a folder `to`.restoring, which the next attempt replaces.
//   FAILED_PRECONDITION RESTORE_NOT_EMPTY  `to` or the witness is there, or `aside` is;
//   NOT_FOUND BACKUP_NOT_FOUND             no such backup, or none at all;
//   OUT_OF_RANGE BACKUP_RANGE              no backup is early enough, or the log ends before;
//   FAILED_PRECONDITION PROOF_INVALID      a head is not signed by one of the keys;
//   DATA_LOSS HISTORY_DIFFERS              the tree is not that of a signed head;
//   DATA_LOSS BACKUP_DAMAGED, STORE_CORRUPT, and what else opening a store gives.
// When all that the backups hold was restored and proved, the file RESTORED in `from` says so.
absl::StatusOr<Restored> RestoreStore(const RestoreOptions& options, const Schema& schema,
                                      base::Clock& clock);

// What that file of a folder with backups says; InfinitePast where it says nothing.
absl::Time LastRestored(const std::string& from);

}  // namespace nisi::store
