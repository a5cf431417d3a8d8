// A record over the days, for who makes documents of it.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "common/store/reader.h"

namespace nisi::search {

// The version in force on [from, until), days as in Columns.
struct Stretch {
  int32_t from = 0;
  int32_t until = 0;
  store::RawRow row;
};

// As known now, in order; days on which the record is not there are in none.
absl::StatusOr<std::vector<Stretch>> StretchesOf(const store::Reader& reader,
                                                 const store::TableDef& table,
                                                 const store::Key& key);

}  // namespace nisi::search
