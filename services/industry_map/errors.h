// This service's refusals: one function a reason. Those of steps that the state does not allow, or
// that whoever proposed or examined may not take, come from the machines in rules.h.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "common/base/date.h"
#include "common/base/status.h"

namespace nisi::industry_map::errors {

// The citations used here.
base::LegalBasis UnifiedMap();        // Art. 6(2)
base::LegalBasis QuarterlyReports();  // Art. 6(2)
base::LegalBasis ApprovalOfTheMap();  // Art. 9(7)
base::LegalBasis RulesOfTheMap();     // Art. 9(11)
base::LegalBasis Methodology();       // Art. 9(12)
base::LegalBasis Akimats();           // Art. 11(8)
base::LegalBasis Criteria();          // Art. 25(4)

// Of a record as it is written and as it is proposed.
absl::Status MilestonesOutOfOrder(const std::string& field);  // MILESTONES_OUT_OF_ORDER
// COST_OVER_MAXIMUM
absl::Status CostOverMaximum(const std::string& field, const std::string& maximum);
absl::Status DraftsTooMany(int64_t most);                              // DRAFTS_TOO_MANY
absl::Status CostMismatch();                                           // COST_MISMATCH
absl::Status ProjectIncomplete(const std::vector<std::string>& gaps);  // PROJECT_INCOMPLETE
absl::Status CriteriaMissing(int64_t minimum);                         // CRITERIA_MISSING
absl::Status DossierIncomplete(const std::vector<int64_t>& chapters);  // DOSSIER_INCOMPLETE
// Of reviews.
absl::Status ReviewOpen(const std::string& name);                    // REVIEW_OPEN
absl::Status ReviewKind();                                           // REVIEW_KIND
absl::Status NotTheProposer();                                       // NOT_THE_PROPOSER
absl::Status ExaminerIsOwner(const std::string& field);              // EXAMINER_IS_OWNER
absl::Status SupportExists(const std::string& review);               // SUPPORT_EXISTS
absl::Status RemarksInvalid();                                       // REMARKS_INVALID
absl::Status RemarkFieldUnknown(size_t index);                       // REMARK_FIELD_UNKNOWN
absl::Status RemarkUnanswered(const std::vector<int32_t>& numbers);  // REMARK_UNANSWERED
// CHANGE_EMPTY. `field`: where what is to change stands in the request.
absl::Status ChangeEmpty(const char* field);
absl::Status ProjectStale();                           // PROJECT_STALE
absl::Status NotRecommended(const std::string& body);  // NOT_RECOMMENDED
absl::Status ActDateInvalid(const char* field);        // ACT_DATE_INVALID
absl::Status EffectiveBeforeInclusion();               // EFFECTIVE_BEFORE_INCLUSION
absl::Status GroundNotMet();                           // GROUND_NOT_MET
absl::Status RefusalOfOthers();                        // GROUND_OF_THE_OWNER
absl::Status ConclusionUnknown();                      // CONCLUSION_UNKNOWN
absl::Status InformedAlready();                        // INFORMED_ALREADY
absl::Status InformedTooEarly();                       // INFORMED_TOO_EARLY
// Of projects on the map.
absl::Status DateInFuture(const std::string& field);  // DATE_IN_FUTURE
absl::Status NotResponsible();                        // NOT_RESPONSIBLE
absl::Status MilestoneKind();                         // MILESTONE_KIND
absl::Status MilestoneReached();                      // MILESTONE_REACHED
absl::Status MilestoneNotReached();                   // MILESTONE_NOT_REACHED
// Of reports.
absl::Status QuarterNotEnded();                                  // QUARTER_NOT_ENDED
absl::Status NotOnMap(const std::string& quarter);               // NOT_ON_MAP
absl::Status ReportExists(const std::string& name);              // ALREADY_EXISTS
absl::Status SourcesMismatch();                                  // SOURCES_MISMATCH
absl::Status LoadBeforeCommissioning(const std::string& field);  // LOAD_BEFORE_COMMISSIONING
absl::Status ForecastAfterCommissioning();                       // FORECAST_AFTER_COMMISSIONING
// `quarter`: the one whose report must be corrected first.
absl::Status CumulativeFell(const std::string& field,
                            const std::string& quarter);  // CUMULATIVE_FELL
// `what`: the field of the request that would change nothing.
absl::Status CorrectionEmpty(const std::string& what);  // CORRECTION_EMPTY
// Of the map as a whole.
absl::Status PositionInvalid(const std::string& why);   // POSITION_INVALID
absl::Status MapEmpty();                                // MAP_EMPTY
absl::Status BoxInvalid(const std::string& field);      // BOX_INVALID
absl::Status AlreadyImported(const std::string& name);  // ALREADY_IMPORTED

absl::Status PlaceUnknown(const std::string& field, const std::string& kato);
absl::Status PlaceWithoutParent(const std::string& kato);
absl::Status PlaceTwice(const std::string& kato);
absl::Status ClassifierOutdated(base::Date later);
absl::Status ProjectUnknown(const std::string& name);

}  // namespace nisi::industry_map::errors
