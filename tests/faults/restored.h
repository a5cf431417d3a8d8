// Holds a store that was restored from a backup against the one that the backup was made of.
#pragma once

#include <cstdint>

#include "absl/status/status.h"
#include "tests/faults/audit.h"
#include "tests/faults/ledger.h"

namespace nisi::faults {

// With no call under way at either: the journal of the restored store is the beginning of the live
// one's, to the byte; its records are those that follow from it and no others; what was
// acknowledged up to its end has, asked again, its first answer; its signed head continues `before`
// (empty: none) and is continued by the live store's. Adds the records and answers that were
// compared. Not OK when a service did not answer.
absl::Status CompareRestored(Clients& restored, Clients& live, const Ledger& ledger,
                             const journal::v1::TreeHead& before, int64_t* records,
                             int64_t* answers, Findings* findings);

}  // namespace nisi::faults
