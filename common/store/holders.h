// Who had a key of a unique index, whenever.
#pragma once

#include <set>
#include <string>

#include "absl/status/statusor.h"
#include "common/store/reader.h"

namespace nisi::store {

// Keys of the records that have this key of a unique index today, or have had it on some day.
// UNAVAILABLE while the index is being built.
absl::StatusOr<std::set<std::string>> HoldersEver(const Reader& reader, const IndexDef& index,
                                                  const Key& key);

}  // namespace nisi::store
