#include "common/store/holders.h"

#include "absl/strings/str_cat.h"

namespace nisi::store {

absl::StatusOr<std::set<std::string>> HoldersEver(const Reader& reader, const IndexDef& index,
                                                  const Key& key) {
  RETURN_IF_ERROR(reader.FindUniqueRaw(index, key).status());  // whether it is whole
  std::set<std::string> holders;
  for (const char kind : {kCurrent, kHistory}) {
    const std::string prefix = absl::StrCat(TablePrefix(index.id, kind), key.bytes());
    const auto cursor = reader.snapshot().Scan(Space::kData, prefix, PrefixEnd(prefix));
    for (; cursor->Valid(); cursor->Next()) {
      ASSIGN_OR_RETURN(const IndexEntry entry,
                       DecodeIndexEntry(index, kind, cursor->key(), cursor->value()));
      if (entry.index_key == key.bytes()) holders.emplace(entry.primary);
    }
    RETURN_IF_ERROR(cursor->status());
  }
  return holders;
}

}  // namespace nisi::store
