// Art. 1(1), 9(16)-(18), 23 and 40 of the law as pure functions: facts, norms and dates in,
// findings out. One function stands behind a decision and its replay.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/base/date.h"
#include "common/base/machine.h"
#include "common/cases/commission.h"
#include "common/norms/norms.h"
#include "google/protobuf/repeated_field.h"
#include "nisi/clusters/v1/resources.pb.h"
#include "nisi/clusters/v1/rows.pb.h"
#include "nisi/clusters/v1/service.pb.h"
#include "nisi/decision/v1/decision.pb.h"

namespace nisi::clusters {

using decision::v1::Decision;
using v1::Application;
using v1::Cluster;
using v1::ClusterRow;
using v1::Criterion;
using v1::CriterionPoints;
using v1::Diagnostic;
using v1::Expert;
using v1::Initiative;
using v1::Participant;
using v1::Selection;

// ---- States (rules_machines.cc)

enum class InitiativeVerb { kUpdate, kDiagnose, kApply, kRelease, kAdopt, kWithdraw };
enum class SelectionVerb {
  kEdit,
  kAnnounce,
  kTakeIn,             // an application is filed
  kCloseApplications,  // the last day is over
  kAppoint,
  kChangeExperts,  // an expert declares ties or is dismissed
  kAdmit,          // an application is admitted or refused
  kLose,           // one is taken back
  kScore,
  kCloseScoring,
  kDecide,
  kPublish,
  kCancel
};
enum class ApplicationVerb { kAdmit, kScore, kOpen, kPublish, kWithdraw, kCancel };
enum class ExpertVerb { kDeclare, kDismiss };
enum class ClusterVerb {
  kSelect,
  kRegister,
  kSuspend,
  kResume,
  kRemove,
  kUpdate,
  kChangeMembers,
  kProposeSuspension,
  kReport
};
const base::Machine<Initiative::State, InitiativeVerb>& InitiativeMachine();
const base::Machine<Selection::State, SelectionVerb>& SelectionMachine();
const base::Machine<Application::State, ApplicationVerb>& ApplicationMachine();
const base::Machine<Expert::State, ExpertVerb>& ExpertMachine();
const base::Machine<Cluster::State, ClusterVerb>& ClusterMachine();

// What everybody may see: a selection once announced, an application once its result is published,
// a cluster once selected.
bool IsPublic(const Selection& selection);
bool IsPublic(const Application& application);
bool IsPublic(const Cluster& cluster);

// ---- Composition (rules_composition.cc)

// Where a fact comes from: a record and its version.
struct Source {
  std::string name;
  std::string etag;
};

// Whether these organizations are a territorial cluster on a day (Art. 1(1), 9(17), 40(2)): enough
// participants, manufacturers and science, a cluster organization, one place. Outcome WHOLE or
// BELOW_MINIMUM. An organization counts once, whatever its roles; the cluster organization only if
// it is among them.
absl::StatusOr<Decision> JudgeComposition(const std::vector<Participant>& members,
                                          const std::string& organization,
                                          const std::string& main_region, const Source& source,
                                          const norms::Norms& norms, base::Date day);
absl::StatusOr<Decision> ReplayComposition(const Decision& stored);
// The rule of the first finding that is not satisfied; empty when all are.
std::string FirstUnsatisfied(const Decision& decision);
// COMPOSITION_BELOW_MINIMUM naming it.
absl::Status CheckWhole(const Decision& composition);

// A place lies in the main region or in one that borders on it: no chains.
bool IsNear(const std::string& main_region, const std::string& region);
// PARTICIPANT_TWICE, REGION_NOT_NEIGHBOURING. `path`: of the resource in the request.
absl::Status CheckPlaces(const std::string& main_region,
                         const google::protobuf::RepeatedPtrField<std::string>& others,
                         const google::protobuf::RepeatedPtrField<Participant>& participants,
                         const std::string& path);

// What a composition does to the cure period (Art. 9(17)). `day`: of one below the minimum the
// first on which it was and stayed so; `recorded`: the day this became known. Whole to below: a
// period begins with the later of the two. A second loss gives no new period, a correction that
// shows the loss to be older neither; one that shows it to be younger, as it was whole in between,
// lets the period end no earlier than that loss has it. Whole again ends it.
struct Cure {
  std::optional<base::Date> below_from;
  std::optional<base::Date> until;
  std::optional<base::Date> proposed;  // suspension
  friend bool operator==(const Cure&, const Cure&) = default;
};
absl::StatusOr<Cure> CureAfter(const Cure& before, bool whole, base::Date day, base::Date recorded,
                               const norms::Norms& norms);

// ---- Diagnosis and admission (rules_composition.cc)

inline constexpr std::array<Criterion, 5> kCriteria{v1::CRITICAL_MASS, v1::COOPERATION,
                                                    v1::EXPORT_AND_MARKET,
                                                    v1::SCIENCE_AND_EDUCATION, v1::STRATEGY};
// "clusters.points.critical_mass_max"
std::string MaximumNorm(Criterion criterion);

using PointsList = google::protobuf::RepeatedPtrField<CriterionPoints>;
using Points = std::array<int64_t, kCriteria.size()>;  // in the announced order
// Every criterion once: CRITERIA_INCOMPLETE, naming `field`.
absl::StatusOr<Points> PointsOf(const PointsList& list, const std::string& field);

// The level of development (Art. 23(4)) by the norms of the day; outcome its name.
// CRITERIA_INCOMPLETE, POINTS_OVER_NORM. The diagnostic's name and etag say where the points are.
absl::StatusOr<Decision> Diagnose(const Diagnostic& diagnostic, const norms::Norms& norms,
                                  base::Date day);
absl::StatusOr<Decision> ReplayDiagnosis(const Decision& stored);

// Whether an application is admitted (Art. 9(16), 1(1), 23(4), 40(2)): by the initiative as it was
// filed, on the day of filing. Outcome ADMITTED or REFUSED.
struct Filing {
  const Initiative* initiative = nullptr;
  const Selection* selection = nullptr;
  Source application;
  base::Date filed;
  bool documents_complete = false;
};
absl::StatusOr<Decision> Admit(const Filing& filing, const norms::Norms& norms);
absl::StatusOr<Decision> ReplayAdmission(const Decision& stored);

// ---- Selection (rules_selection.cc)

inline constexpr int kMaxExperts = 50;

// Criteria, pass points and least number of experts as of the day of announcement.
absl::Status FixTerms(const norms::Norms& norms, base::Date day, Selection* selection);
// DATES_INVALID: from before until, and `today` not after from. `root`: where the selection stands
// in the request, as "selection.".
absl::Status CheckDates(const Selection& selection, base::Date today, const std::string& root);
// Whether applications are taken on a day: APPLICATIONS_NOT_OPEN.
absl::Status CheckOpen(const Selection& selection, base::Date today);

// Whether somebody has an organization in common with an applicant.
bool IsTied(const google::protobuf::RepeatedPtrField<std::string>& own,
            const google::protobuf::RepeatedPtrField<std::string>& ties,
            const std::set<std::string>& applicant);
// Whether the expert may score the applicant: TIES_NOT_DECLARED, EXPERT_TIED.
absl::Status CheckIndependent(const Expert& expert, const std::set<std::string>& applicant);
// POINTS_OVER_WEIGHT: by what was announced.
absl::Status CheckWeights(const Points& points, const Selection& selection,
                          const std::string& field);

// The scores of one application that count.
struct Scored {
  int32_t number = 0;  // of the application
  int64_t filed_us = 0;
  std::map<int32_t, Points> scores;  // by number of the expert
};
// SCORES_MISSING: an application without the score of an expert who must score it, or with fewer
// than min_experts. `due`: by application, who must.
absl::Status CheckScores(const std::map<int32_t, std::set<int32_t>>& due,
                         const std::vector<Scored>& applications, int32_t min_experts);

// The total of one application: outcome the mean of the experts' sums, rounded half up to two
// decimals, as "72.33".
absl::StatusOr<Decision> Total(const Scored& application, const Source& source,
                               const norms::Norms& norms);
absl::StatusOr<Decision> ReplayTotal(const Decision& stored);
// The order of all: by the exact mean; then by the means of the criteria in the announced order;
// then by time of filing. Outcome the numbers in order of rank, "3,1,2"; a finding an application
// says whether it passed. The same scores always give the same order.
// Rests on an assumption where the points to pass, which were fixed with the announcement, do.
absl::StatusOr<Decision> Rank(const std::vector<Scored>& applications, const Selection& selection,
                              const Source& source, const norms::Norms& norms);
absl::StatusOr<Decision> ReplayRanking(const Decision& stored);
// What a ranking says: numbers in order of rank, and which of them passed.
struct Ranked {
  std::vector<int32_t> order;
  std::set<int32_t> passed;
};
absl::StatusOr<Ranked> RankedBy(const Decision& ranking);

// The norms by which it votes.
const cases::VoteNorms& VotesBy();

// The commission's decision (Art. 40(1)): quorum, majority, nobody conflicted; then in order of
// rank those who passed and were not passed over, up to `max_selected` (0: all). Outcome the
// selected numbers, "3,1". NO_QUORUM, NOT_CARRIED, VOTE_CONFLICTED.
struct Meeting {
  const google::protobuf::RepeatedPtrField<v1::DecideSelectionRequest::Member>* members = nullptr;
  std::set<std::string> applicants;  // BINs of all ranked
  std::set<std::string> officials;   // subjects who acted in the selection, its experts too
  Ranked ranked;
  std::set<int32_t> passed_over;
  int32_t max_selected = 0;
  Source selection;
};
absl::StatusOr<Decision> DecideAsCommission(const Meeting& meeting, const norms::Norms& norms,
                                            base::Date day);
absl::StatusOr<Decision> ReplayCommission(const Decision& stored);

// Whole numbers as "3,1,2", and back. DATA_LOSS.
std::string Joined(const std::vector<int64_t>& numbers);
absl::StatusOr<std::vector<int64_t>> Split(const std::string& text);

// ---- Register (rules_composition.cc)

// Whether what the register knows bears the ground of a suspension or removal (Art. 9(17)): one
// that it knows nothing about is for the official to find. Outcome the state that the step leads
// to, or REFUSED.
struct Grounding {
  Cluster::State to = Cluster::STATE_UNSPECIFIED;
  Cluster::Ground ground = Cluster::GROUND_UNSPECIFIED;
  const Cluster* cluster = nullptr;
  bool report_overdue = false;
  Source source;
  // Of a report that is overdue: its deadline, and whether the day by which it was due is assumed.
  Source report = {};
  bool report_assumed = false;
  base::Date report_due = base::Date::Min();  // its last day
};
// Rests on an assumption where the days of the ground do.
absl::StatusOr<Decision> JudgeGround(const Grounding& grounding, const norms::Norms& norms);
// GROUND_NOT_MET.
absl::Status CheckGround(const Decision& ground);
// The first day on which a ground that is met was there: of one that an official finds any.
base::Date GroundSince(const Grounding& grounding);

// An order on the state of a cluster holds from its date. It is not dated before what it rests on,
// nor in the future: ORDER_DATE_INVALID.
absl::Status CheckOrderDate(base::Date order, base::Date since, base::Date today);
// What stands before it: the day on which a candidate was entered, a cluster selected, or the last
// order's.
absl::StatusOr<base::Date> InStateSince(const ClusterRow& row);
// What each order makes of a cluster as it stood on a day, today or since the order's date: on a
// day since it may have been in another state than today.
void Enter(ClusterRow* row);
void Suspend(ClusterRow* row);
void Resume(ClusterRow* row);
void Remove(ClusterRow* row);
// Of the last decision on the state of a cluster: by its composition or by a ground.
absl::StatusOr<Decision> ReplayRegister(const Decision& stored);
// For the last day for the report on a year: the norm of the next year's first day.
inline constexpr char kReportDue[] = "clusters.report_due";
absl::StatusOr<norms::Norm> ReportNorm(int year, const norms::Norms& norms);
// The last day itself.
absl::StatusOr<base::Date> ReportDue(int year, const norms::Norms& norms);

}  // namespace nisi::clusters
