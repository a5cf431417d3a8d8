// Art. 26 of the law as pure functions: facts, norms and dates in, findings out.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/base/date.h"
#include "common/base/machine.h"
#include "common/base/status.h"
#include "common/cases/edition_rules.h"
#include "common/norms/norms.h"
#include "nisi/decision/v1/decision.pb.h"
#include "nisi/priority_goods/v1/resources.pb.h"

namespace nisi::priority_goods {

using v1::Assessment;
using v1::Edition;
using v1::Entry;
using v1::ProcessingLevel;

// The processing level of an assessed good: points for the three criteria of Art. 26(2) against the
// norms of `date`. The outcome is the level's name. SCORE_OVER_NORM when a score exceeds its
// maximum. The assessment's name and etag say where the scores are recorded.
absl::StatusOr<decision::v1::Decision> Assess(const Assessment& assessment,
                                              const norms::Norms& norms, base::Date date);

// Only goods of medium and high processing may stand in an edition (Art. 26(1)). LEVEL_TOO_LOW.
absl::Status CheckLevel(ProcessingLevel level);

// What the institute's assessment says of the code of an entry, which the level of that entry has
// to be: the methodology determines it, not whoever types the list (Art. 26(2)).
struct AssessedLevel {
  std::string goods_code;
  ProcessingLevel entry = v1::PROCESSING_LEVEL_UNSPECIFIED;     // as it stands in the list
  ProcessingLevel assessed = v1::PROCESSING_LEVEL_UNSPECIFIED;  // by the assessment
  std::string assessment;                                       // its name and etag
  std::string etag;
  std::string assessor;  // who scored it
};
// Whether each entry has the level it was assessed at: LEVEL_NOT_ASSESSED, naming those that do
// not.
absl::Status CheckAssessed(const std::vector<AssessedLevel>& levels);

using Verb = cases::EditionVerb;

// The edition's states. Its refusals are EDITION_STATE and, of edits, EDITION_FROZEN.
const base::Machine<Edition::State, Verb>& EditionMachine();

// Approved by order at some time: what the public may see, and what can answer for a day.
inline bool IsPublished(Edition::State state) {
  return cases::IsPublished<Edition>(state);
}
// Whether a change of an edition may be told to everybody: it leads to one that the public may see,
// from one that it may, or from the one that was examined: frozen, and named in the decision by its
// version, that one says nothing that the approved one does not.
bool IsPublication(Edition::State before, Edition::State after);

// Whether the order may approve the edition as it was examined (Art. 9(28)). `levels`: of the
// entries whose codes are assessed; whoever scored one of them has prepared the edition.
// INVALID_FIELD when it puts the edition in force before its own date; SEPARATION_OF_DUTIES,
// EDITION_EMPTY, ORDER_DATE_INVALID, EFFECTIVE_DAY_PAST, LEVEL_NOT_ASSESSED. The decision lists the
// findings.
absl::StatusOr<decision::v1::Decision> Approve(const Edition& edition,
                                               const cases::EditionOrder& order, base::Date today,
                                               const norms::Norms& norms,
                                               const std::vector<AssessedLevel>& levels = {});

// The same decisions from the facts that were stored with them: no norms are looked up, and no
// record is read. FACT_MISSING naming a fact that the rule needs; DATA_LOSS for one that does not
// read as what it is.
absl::StatusOr<decision::v1::Decision> ReplayAssessment(const decision::v1::Decision& stored);
absl::StatusOr<decision::v1::Decision> ReplayApproval(const decision::v1::Decision& stored);

}  // namespace nisi::priority_goods
