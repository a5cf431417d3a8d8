// What is done with small files that are kept: writing one for good, reading one whole.
#pragma once

#include <sys/types.h>

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace nisi::store {

// Makes `path` with these bytes and this mode, whole and durable, or not at all. ALREADY_EXISTS
// when it is there; UNAVAILABLE FILE_FAILED when the disk refuses.
absl::Status WriteNewFile(const std::string& path, absl::string_view bytes, mode_t mode);

// The same, also where it is there: whoever reads it has the old bytes or these.
absl::Status ReplaceFile(const std::string& path, absl::string_view bytes, mode_t mode);

// NOT_FOUND when it is not there; UNAVAILABLE FILE_FAILED; at most 1 MiB.
absl::StatusOr<std::string> ReadSmallFile(const std::string& path);

}  // namespace nisi::store
