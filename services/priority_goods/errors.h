// This service's refusals: one function a reason. Those of steps that the state does not allow, or
// that whoever prepared the edition may not take, come from EditionMachine() in rules.h.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "common/base/status.h"
#include "nisi/priority_goods/v1/resources.pb.h"

namespace nisi::priority_goods {
struct AssessedLevel;
}  // namespace nisi::priority_goods

namespace nisi::priority_goods::errors {

// The citations used here.
base::LegalBasis ListOfPriorityGoods();  // Art. 26(1)
base::LegalBasis Criteria();             // Art. 26(2)
base::LegalBasis LevelOfAGood();         // Art. 26(2)
base::LegalBasis Approval();             // Art. 9(28)
base::LegalBasis Drafting();             // Art. 13(2)(2)

absl::Status LevelTooLow();  // LEVEL_TOO_LOW
// `others`: at least one whose level is another than the assessed one. Tells of the first, and
// names as many as an answer holds.
absl::Status LevelNotAssessed(const std::vector<AssessedLevel>& others);  // LEVEL_NOT_ASSESSED
absl::Status EntryExists(const std::string& name);                        // ALREADY_EXISTS
absl::Status EffectiveBeforeOrder();                                      // INVALID_FIELD
absl::Status ScoreOverNorm(const std::string& field, int64_t maximum);    // SCORE_OVER_NORM

}  // namespace nisi::priority_goods::errors
