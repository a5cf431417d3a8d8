// Reading from RocksDB. Private to rocks_engine.cc.
#pragma once

#include <array>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "common/store/engine.h"
#include "rocksdb/db.h"
#include "rocksdb/slice.h"

namespace nisi::store {

inline rocksdb::Slice ToSlice(absl::string_view text) {
  return {text.data(), text.size()};
}
inline absl::string_view ToView(const rocksdb::Slice& slice) {
  return {slice.data(), slice.size()};
}

// The column family of each Space.
using RocksHandles = std::array<rocksdb::ColumnFamilyHandle*, kSpaces>;

// What was in `db` when it was made. Must not outlive it.
using RocksMoment = std::shared_ptr<const rocksdb::Snapshot>;
RocksMoment TakeMoment(rocksdb::DB* db);

// What was in `db` then. The database, handles and folder must outlive it; `dir` is cut from error
// messages.
std::unique_ptr<Snapshot> MakeRocksSnapshot(rocksdb::DB* db, const RocksHandles& handles,
                                            const std::string& dir, RocksMoment moment,
                                            Reach reach);

}  // namespace nisi::store
