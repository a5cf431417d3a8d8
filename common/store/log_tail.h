// Tells damage at the end of a RocksDB log from the torn end that a crash leaves: RocksDB errs both
// ways. Private to rocks_engine.cc.
//
// RocksDB takes a record that claims more bytes than the file has for the torn tail of a crash and
// opens without it, and without all that follow. A single flipped bit in a record's length looks
// just so: of all single flips in a small log one in sixty lost acknowledged commits without a word
// (7.8.3, in the very mode that refuses the other fifty-nine). But a torn record ends the file, and
// its bytes never fit its checksum; so what follows tells the two apart.
//
// The other way round, a power cut may leave a file longer than what was written of it: the
// beginning of the last record, and zeros in place of the rest (ext4 and xfs set a file's size
// apart from its bytes). RocksDB takes that for damage and refuses the store, though nothing that
// was synced is missing. A file that ends where the zeros begin is one that it opens.
#pragma once

#include <cstddef>

#include "absl/strings/string_view.h"

namespace nisi::store {

// The size of the blocks in which a log is written; every block starts with a record.
inline constexpr size_t kLogBlockSize = 32'768;

// True when `block`, the last and partial block of a log, holds a record whose length was damaged.
bool LogTailIsDamaged(absl::string_view block);

// True when `block`, the same of a log of commits, holds zeros in place of a record and a whole one
// behind them. RocksDB passes over both; a crash leaves no such thing, as a commit is one record
// and none is written before the one before it is synced. Of a manifest one cannot say so: several
// of its records are synced together.
bool LogTailHasHole(absl::string_view block);

// So many zeros end no whole record: a commit ends with its position, 8 bytes and not zero.
inline constexpr size_t kUnwrittenZeros = 8;

// True when a log that ends in kUnwrittenZeros zeros or more was not written to its end. `block` is
// its last block with a byte that is not zero, and `written` counts its bytes up to that one.
bool LogEndsUnwritten(absl::string_view block, size_t written);

}  // namespace nisi::store
