// What a store says of itself on disk: the numbers, tables and indexes of the release that opened
// it last. A release reads it before anything else, and knows by it whether it may.
#pragma once

#include <cstdint>
#include <set>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "common/store/table.h"

namespace nisi::store {

// Why a store is not opened: FAILED_PRECONDITION.
absl::Status RefuseToOpen(absl::string_view reason, absl::string_view message);

// As it is stored: of two releases that lay their bytes out alike it is the same.
std::string SchemaText(const Schema& schema);

// Whether this release may open a store that says so. FAILED_PRECONDITION: STORE_NEWER, a release
// that knows more wrote it; STORE_OLDER; SCHEMA_MISMATCH, what it calls by a number is something
// else. DATA_LOSS when it is no such text.
absl::Status CheckSchemaText(absl::string_view text, const Schema& schema);

// The indexes, and what else is built of records, that a store says it has.
std::set<uint16_t> IndexesIn(absl::string_view text);

}  // namespace nisi::store
