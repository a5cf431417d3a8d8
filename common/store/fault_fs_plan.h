// What a FaultDisk is to do, as a short text that fits a flag. Clauses are separated by ';':
//
//   cut notes=DIR [sync_us=N] [seed=N]
//     A kill is a power cut: bytes that were not synced are gone, and DIR holds what undoes folder
//     entries that were not. A sync takes up to N microseconds, so that a kill falls into one.
//
//   fail kind=KIND at=N [times=N] [ops=append+sync+..] [files=.log]
//     The N-th call that `ops` and `files` name fails, and with it the next ones, `times` in all; 0
//     is for good. Kinds: eio; passing, an EIO that says it may go away; enospc; short, an append
//     that does half and then fails; kill, the end of the process right before the call.
//
//   "cut notes=/tmp/notes sync_us=500 seed=7; fail kind=eio at=123 ops=sync files=.log"
//
// Only tests read one: no program that is shipped takes it.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace nisi::store {

// One call of a file system.
enum class FaultOp : uint8_t {
  kAppend,   // bytes to a file
  kSync,     // of a file
  kClose,    // of a file that was written
  kCreate,   // of a file that is to be written, or of a link
  kRename,   //
  kDelete,   //
  kDirSync,  // of a folder
  kRead,     // bytes of a file
  kLook,     // opening to read, listing, size, existence
};
inline constexpr int kFaultOps = 9;
const char* NameOf(FaultOp op);

enum class FaultKind { kNone, kEio, kPassing, kEnospc, kShort, kKill };

struct FaultPlan {
  bool cut = false;
  std::string notes;    // folder; made when absent
  int64_t sync_us = 0;  // most that a sync takes
  uint64_t seed = 0;

  FaultKind kind = FaultKind::kNone;
  int64_t at = 0;     // from 1; 0: never
  int64_t times = 1;  // 0: for good
  uint32_t ops = (1U << kFaultOps) - 1;
  std::string files;  // the end of the file's name; empty: any

  bool Names(FaultOp op) const { return (ops >> static_cast<int>(op) & 1) != 0; }
};

// INVALID_ARGUMENT says what is wrong with it.
absl::StatusOr<FaultPlan> ParseFaultPlan(absl::string_view text);

}  // namespace nisi::store
