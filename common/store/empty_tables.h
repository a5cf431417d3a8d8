// Which tables and indexes hold nothing at all: many have no history, and some no rows yet. The
// writer, which alone knows all that is written, asks here before it walks one of them: a walk that
// finds nothing costs as much as one that does, and more with each file that RocksDB looks into.
#pragma once

#include <cstdint>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"

namespace nisi::store {

// Of the rows of Space::kData, by what their keys begin with (TablePrefix). Of one thread.
class EmptyTables {
 public:
  enum class Holds { kUnknown, kNothing, kRows };
  static constexpr size_t kPrefixBytes = 3;

  // Of a key or a prefix of at least so many bytes.
  Holds Of(absl::string_view key) const {
    const auto known = known_.find(Number(key));
    return known == known_.end() ? Holds::kUnknown : known->second;
  }
  // A walk over all of it, and over all that is written and not in the store yet, met this. Whether
  // it holds rows is not asked again: a table that was in use stays so.
  void Found(absl::string_view key, Holds holds) { known_.try_emplace(Number(key), holds); }
  // A key of it is written. It is not empty from here on, whether the command stands or not.
  void Written(absl::string_view key) {
    if (key.size() >= kPrefixBytes) known_[Number(key)] = Holds::kRows;
  }

 private:
  static uint32_t Number(absl::string_view key) {
    uint32_t number = 0;
    for (size_t i = 0; i < kPrefixBytes; ++i) number = number << 8 | static_cast<uint8_t>(key[i]);
    return number;
  }

  absl::flat_hash_map<uint32_t, Holds> known_;
};

}  // namespace nisi::store
