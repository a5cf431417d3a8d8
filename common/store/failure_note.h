// That a store has failed outlives the process: a file in the store's folder, FAILED, from which
// whoever opens the store again tells it to operators. In the folder, not beside
// it: a store that is restored has not failed.
//
// A line for each kind, "<kind> <time> <reason>", the last failure of it:
//   commit  a commit could not be written or synced
//   damage  what was written is no longer what lies there: rows contradict each other, and the
//           store has stopped (STORE_UNSOUND), or bytes do not read, which stops nothing
// Whoever has seen to it may remove the file; nothing depends on it.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace nisi::store {

inline constexpr absl::string_view kFailedCommit = "commit", kFailedDamage = "damage";

struct Failure {
  std::string kind;
  absl::Time at;
  std::string reason;  // as "STORE_FAILED"
};

// What the file in the store's folder says, at most one a kind; nothing where it is not there or
// cannot be read.
std::vector<Failure> ReadFailures(const std::string& dir);

// Begins to note it, and does not wait: the disk that failed may never answer.
void NoteFailure(const std::string& dir, const absl::Status& failure, absl::Time now);
// Waits until all that was begun in this process is done, or for so long, which has an end; whether
// it is done.
bool AwaitFailureNotes(absl::Duration limit);

}  // namespace nisi::store
