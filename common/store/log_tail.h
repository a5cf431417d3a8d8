// Tells damage at the end of a RocksDB log from the torn end that a crash leaves. Private to
// rocks_engine.cc.
//
// RocksDB takes a record that claims more bytes than the file has for the torn tail of a crash and
// opens without it, and without all that follow. A single flipped bit in a record's length looks
// just so: of all single flips in a small log one in sixty lost acknowledged commits without a word
// (7.8.3, in the very mode that refuses the other fifty-nine). But a torn record ends the file, and
// its bytes never fit its checksum; so what follows tells the two apart.
#pragma once

#include "absl/strings/string_view.h"

namespace nisi::store {

// The size of the blocks in which a log is written; every block starts with a record.
inline constexpr size_t kLogBlockSize = 32'768;

// True when `block`, the last and partial block of a log, holds a record whose length was damaged.
bool LogTailIsDamaged(absl::string_view block);

}  // namespace nisi::store
