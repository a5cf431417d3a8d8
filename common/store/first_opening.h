// Before a release changes a store that another release opened last, it tries it in a copy: what it
// cannot open, or finds unsound, stays for that other release, byte for byte.
//
// A file in the store's folder, RELEASE, holds the schema text of the release that opened it last.
// It only spares the copy: the store's own row decides (schema_text.h). Where the file is away or
// says something else the copy is tried.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/base/clock.h"
#include "common/store/table.h"

namespace nisi::store {

struct StorePlace {
  std::string dir;      // the store's folder
  std::string witness;  // its witness's file
};

// Refuses to begin with an empty store in place of one that was lost: there is none, but `backups`,
// the folder of its backups, holds some. Looks only for what is named as one: damaged ones say as
// well that there was a store. Before anything is made: the witness would have it missed as well,
// but may be lost with it, and what it refused would lie there as a store.
//   FAILED_PRECONDITION STORE_LOST
absl::Status CheckNotLost(const StorePlace& place, const std::string& backups);

// OK at once where this release opened the store last, or there is none. Else the self-check, in
// <dir>.trial, where tables have a second name and the rest is copied: the store is opened, its
// schema raised, what is new built of its records, and all of it scrubbed; then the file RELEASE is
// taken away. Nothing else of the store is changed. Refuses with what OpenRocks and Store::Open
// refuse with, and
//   FAILED_PRECONDITION SELF_CHECK_FAILED  the scrub found something, or an index cannot be built.
absl::Status CheckFirstOpening(const StorePlace& place, const Schema& schema, base::Clock& clock);

// After the store was opened: writes the file RELEASE, where it is not there.
absl::Status NoteOpened(const StorePlace& place, const Schema& schema);

// What the next start of this release would refuse: as CheckFirstOpening, but where this release
// opened the store last it is opened in the copy and not read through. The copy is <dir>.examined,
// and the store is not changed in any case. OK when another process has it open.
absl::Status ExamineStore(const StorePlace& place, const Schema& schema, base::Clock& clock);

}  // namespace nisi::store
