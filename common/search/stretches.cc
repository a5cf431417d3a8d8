#include "common/search/stretches.h"

#include <algorithm>
#include <utility>

#include "common/search/document.h"

namespace nisi::search {

absl::StatusOr<std::vector<Stretch>> StretchesOf(const store::Reader& reader,
                                                 const store::TableDef& table,
                                                 const store::Key& key) {
  ASSIGN_OR_RETURN(std::vector<store::RawRow> versions, reader.Versions(table, key.bytes()));
  std::vector<Stretch> stretches;
  int32_t until = kNever;
  for (store::RawRow& row : versions) {  // newest first; of one day the first is in force
    const int32_t from = row.version.effective_from.days();
    if (from >= until) continue;
    if (!row.version.ended) stretches.push_back({from, until, std::move(row)});
    until = from;
  }
  std::reverse(stretches.begin(), stretches.end());
  return stretches;
}

}  // namespace nisi::search
