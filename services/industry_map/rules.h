// The map of Art. 6(2) as pure functions: facts, norms and dates in, findings out. What may happen
// to a project and a review stands in rules_states.cc; decisions that are stored, in
// rules_decisions.cc; reports, in rules_reports.cc.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "common/base/date.h"
#include "common/base/machine.h"
#include "common/norms/norms.h"
#include "nisi/decision/v1/decision.pb.h"
#include "nisi/industry_map/v1/service.pb.h"

namespace nisi::industry_map {

using decision::v1::Decision;
using v1::Conclusion;
using v1::Milestone;
using v1::Progress;
using v1::Project;
using v1::ProjectParameters;
using v1::ProjectTerms;
using v1::Report;
using v1::Review;

// What can happen to a project.
enum class Verb {
  kEdit,
  kFollowReview,
  kInclude,
  kWithdraw,
  kCommission,
  kReachCapacity,
  kMilestone,
  kReport,
  kSuspend,
  kResume,
  kChange,
  kCompleteSupport,
  kComplete,
  kExclude,
  kCorrectMilestone,
};
// Its refusals are PROJECT_STATE and, of edits, PROJECT_FROZEN.
const base::Machine<Project::State, Verb>& ProjectMachine();

// What can happen to a review, of whatever kind.
enum class ReviewVerb {
  kProposeInclusion,
  kProposeChange,
  kProposeSupport,
  kProposeExclusion,
  kProposeSustained,
  kStart,
  kRecommend,
  kReturn,
  kReject,
  kAdopt,
  kWithdraw,
  kFollowProject,
};
const base::Machine<Review::State, ReviewVerb>& ReviewMachine();

// Bits of Clauses::paths.
inline constexpr uint32_t kRegionalPath = 1;
inline constexpr uint32_t kRepublicanPath = 2;
uint32_t PathBit(Review::Path path);

// Not decided, not given up.
bool IsOpen(Review::State state);
// INCLUDED, COMMISSIONED, AT_CAPACITY or SUSPENDED.
bool IsOnMap(Project::State state);
// On the map and carried on: owes reports.
bool OwesReports(Project::State state);
// On the map or has been: what everybody may see.
bool IsPublic(Project::State state);
// The state of a project whose review of inclusion is in this one; ADOPTED: INCLUDED.
Project::State ProjectStateOf(Review::State review);

// The day planned for a milestone, and the day on which it was reached.
std::optional<base::Date> PlannedDay(const ProjectParameters& parameters, Milestone::Kind kind);
std::optional<base::Date> ReachedDay(const Project& project, Milestone::Kind kind);

// Of a draft as of a proposal (Art. 9(11), 9(12)): MILESTONES_OUT_OF_ORDER, COST_OVER_MAXIMUM.
// `root`: where parameters and terms stand in the request, as "project.".
absl::Status CheckForm(const ProjectParameters& parameters, const ProjectTerms& terms,
                       const norms::Norms& norms, base::Date day, const std::string& root);
// What a proposal needs besides: PROJECT_INCOMPLETE with every gap, COST_MISMATCH,
// CRITERIA_MISSING, DOSSIER_INCOMPLETE.
absl::Status CheckProposal(const ProjectParameters& parameters, const ProjectTerms& terms,
                           Review::Path path, const norms::Norms& norms, base::Date day);
// What a change needs: the same of what it changes (`review`: its changed_fields and path), by what
// the record has. What the record never had, as an imported one, is no reason to refuse a change of
// something else. `before`: the terms as they are.
absl::Status CheckChange(const ProjectTerms& before, const ProjectParameters& parameters,
                         const ProjectTerms& terms, const Review& review, const norms::Norms& norms,
                         base::Date day);
// REPUBLICAN from the norm's cost on, by the higher of the two (Art. 6(2), 9(11)).
absl::StatusOr<Review::Path> PathOf(const google::type::Money& cost,
                                    const google::type::Money& proposed, const norms::Norms& norms,
                                    base::Date day);
// Fills what of a project follows from its parameters, terms and state: region, sector, bodies,
// commissioning year, range of cost by the norms of `day`, on_map.
absl::Status Derive(const norms::Norms& norms, base::Date day, Project* project);
// Paths of what differs between two sets of main parameters.
std::vector<std::string> ChangedFields(const ProjectParameters& before, const ProjectTerms& terms,
                                       const ProjectParameters& after,
                                       const ProjectTerms& new_terms);
// Puts the fields at these paths into a project, as they stand in other main parameters, and
// nothing else. DATA_LOSS for a path that is none of them.
absl::Status TakeFields(const google::protobuf::RepeatedPtrField<std::string>& paths,
                        const ProjectParameters& parameters, const ProjectTerms& terms,
                        Project* project);

// A return has remarks of known fields, nothing else has any: REMARKS_INVALID,
// REMARK_FIELD_UNKNOWN.
absl::Status CheckRemarks(Conclusion::Verdict verdict,
                          const google::protobuf::RepeatedPtrField<v1::Remark>& remarks);
// Puts the answers to the open remarks, one each. REMARK_UNANSWERED, and nothing is put.
absl::Status Answer(const google::protobuf::RepeatedPtrField<v1::RemarkAnswer>& answers,
                    google::protobuf::RepeatedPtrField<v1::Remark>* remarks);

// Where a project that is being carried out stands by the milestones it has reached: INCLUDED,
// COMMISSIONED or AT_CAPACITY.
Project::State StateReached(const Project& project);
// Who of the caller's roles over the project stands for the responsible body: NOT_RESPONSIBLE.
absl::Status CheckResponsible(const v1::ResponsibleBody& body, uint32_t roles,
                              const std::string& bin);
// An act that rests on what held from `since` on: ACT_DATE_INVALID.
absl::Status CheckActDate(base::Date act, base::Date since, base::Date today);

// A milestone that was reached on `day`: DATE_IN_FUTURE, MILESTONE_REACHED,
// MILESTONES_OUT_OF_ORDER.
absl::Status CheckMilestone(const Project& project, Milestone::Kind kind, base::Date day,
                            base::Date today);

// A milestone that is recorded, set right: its day, or none where it was not reached.
// MILESTONE_NOT_REACHED, DATE_IN_FUTURE, MILESTONES_OUT_OF_ORDER.
absl::Status CheckCorrection(const Project& project, Milestone::Kind kind,
                             std::optional<base::Date> day, base::Date today);
// Puts the day of a milestone, or takes it out, and the state that the project is in by it.
void SetReached(Milestone::Kind kind, std::optional<base::Date> day, Project* project);
// --- Decisions that are stored, and computed again from their facts alone.

// What adopting a review rests on.
struct Adoption {
  const Review* review = nullptr;     // as it was examined
  const Project* project = nullptr;   // as it is
  std::vector<std::string> prepared;  // who proposed or examined it
  std::string decider;
  base::Date act_date;
  base::Date propose_date;
  std::optional<base::Date> concluded;  // the day of the last conclusion
  base::Date today;
  std::string etag;  // under which it is recorded
  bool met = true;   // of an exclusion for sustained capacity: its ground, as it is now
};
// Whether the authority may adopt it (Art. 9(7), 9(11)): NOT_RECOMMENDED, SEPARATION_OF_DUTIES,
// ACT_DATE_INVALID, PROJECT_STALE, EFFECTIVE_BEFORE_INCLUSION, GROUND_NOT_MET.
absl::StatusOr<Decision> DecideAdoption(const Adoption& adoption, const norms::Norms& norms);
absl::StatusOr<Decision> ReplayAdoption(const Decision& stored);

// The load of a quarter as it was reported; nullopt: no report.
struct Load {
  base::Quarter quarter;
  std::optional<int32_t> load_bp;
  std::string report;  // its name and etag
  std::string etag;
};
// Whether the last quarters were loaded as long and as much as the methodology asks (Art. 9(12)):
// outcome MET or NOT_MET. `loads`: the newest first, at least as many as norm exclusion.quarters.
absl::StatusOr<Decision> SustainedCapacity(const Project& project, const std::vector<Load>& loads,
                                           const norms::Norms& norms, base::Date day);
absl::StatusOr<Decision> ReplaySustained(const Decision& stored);

// What the light of a project shows on a day, given its last report (Art. 9(12)).
struct LightFacts {
  const Project* project = nullptr;  // with its milestones, forecast and progress
  Project::State state = Project::STATE_UNSPECIFIED;
  std::string etag;
  base::Date today;
};
// Outcome GREEN, YELLOW or RED; TRAFFIC_LIGHT_UNSPECIFIED where there is none to show.
absl::StatusOr<Decision> TrafficLight(const LightFacts& facts, const norms::Norms& norms);
absl::StatusOr<Decision> ReplayLight(const Decision& stored);
// The next day on which time alone may change it.
absl::StatusOr<std::optional<base::Date>> LightTurns(const LightFacts& facts,
                                                     const norms::Norms& norms);
// The same day of the n-th month after, or its last day where it has no such.
base::Date AddMonths(base::Date day, int64_t months);

// An order that approves the map as it stood at a position (Art. 9(7)): POSITION_INVALID,
// MAP_EMPTY, ACT_DATE_INVALID.
struct EditionOrder {
  std::string name;
  std::string etag;
  base::Date order_date;
  std::optional<base::Date> examined;  // the day of the position
  base::Date today;
  int64_t position = 0;
  int64_t store_position = 0;
  int64_t last_position = 0;  // of the edition before; 0: none
  int64_t project_count = 0;
};
absl::StatusOr<Decision> ApproveEdition(const EditionOrder& order, const norms::Norms& norms);
absl::StatusOr<Decision> ReplayEdition(const Decision& stored);

// --- Reports (Art. 6(2), 9(12), 11(8)).

// Whether a quarter can be reported on: QUARTER_NOT_ENDED, NOT_ON_MAP. `then`: the state on its
// last day.
absl::Status CheckReportable(base::Quarter quarter, base::Date today,
                             std::optional<Project::State> then);
// Figures against each other: SOURCES_MISMATCH; LOAD_BEFORE_COMMISSIONING, FORECAST_AFTER_
// COMMISSIONING by whether the project was commissioned by the last day.
absl::Status CheckFigures(const Report& report, bool commissioned);
// By the day on which it was, whenever that was recorded.
bool WasCommissioned(const Project& project, base::Quarter quarter);
// The load of a report as it counts: none of a quarter that ended before commissioning, also where
// the day of that has been corrected since the report was filed.
int32_t LoadOf(const Project& project, const Report& report);
// What is counted since the beginning lies between the reports before and after: CUMULATIVE_FELL.
absl::Status CheckCumulative(const Report& report, const Report* before, const Report* after);
// Construction, equipment and other, in tiyn.
int64_t InvestmentUsed(const v1::ReportFigures& figures);

}  // namespace nisi::industry_map
