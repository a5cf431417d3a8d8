// The levels that assessments determine for the codes of a list (Art. 26(2)). An assessment is of
// exactly one code: it says nothing of those above and below. Of several of a code the one that was
// recorded last stands, a correction of an older one being the newest word.
#pragma once

#include <string>
#include <vector>

#include "common/base/status.h"
#include "common/store/store.h"
#include "services/priority_goods/rules.h"

namespace nisi::priority_goods {

// Of one entry as it is to be: LEVEL_NOT_ASSESSED. A code without an assessment is free.
absl::Status CheckAssessed(const store::Reader& reader, const Entry& entry);

// Of all entries of an edition whose codes are assessed, in order of code.
absl::StatusOr<std::vector<AssessedLevel>> AssessedLevels(const store::Reader& reader,
                                                          int32_t edition);

}  // namespace nisi::priority_goods
