// Art. 25-28 and 42 of the law as pure functions: facts, norms and dates in, findings out. One
// function stands behind a decision and its replay.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/base/date.h"
#include "common/base/machine.h"
#include "common/base/money.h"
#include "common/cases/commission.h"
#include "common/cases/obligations.h"
#include "common/norms/norms.h"
#include "google/protobuf/repeated_field.h"
#include "nisi/decision/v1/decision.pb.h"
#include "nisi/gate/v1/gate.pb.h"
#include "nisi/grants/v1/agreements.pb.h"
#include "nisi/grants/v1/resources.pb.h"
#include "nisi/grants/v1/service.pb.h"

namespace nisi::grants {

using decision::v1::Decision;
using v1::Agreement;
using v1::Application;
using v1::Commission;
using v1::CompetitivenessAgreement;
using v1::Demand;
using v1::Examination;

// ---- States (rules_machines.cc)

enum class ApplicationVerb {
  kEdit,
  kSubmit,
  kWithdraw,
  kCheck,  // completeness
  kReturn,
  kResubmit,
  kAnnul,  // the window for fixing is over
  kRunGate,
  kAssign,
  kScore,
  kCloseExamination,
  kOpenMeeting,
  kDecide,  // the meeting is closed
  kWrite,   // the agreement
  kSign,
  kDecline,
  kFileProof,
  kProve,
  kPay,
  kEndTranches,
  kReport,
  kAssess,
  kDemand,
  kExcuse,
  kRecover,  // the demand is paid
  kRaise,    // the own contribution
  kPropose,  // an amendment
  kSignAmendment,
  kReopen  // what paid the demand was typed in wrongly
};
enum class CommissionVerb { kVote, kRecuse, kClose, kSupersede };
enum class DemandVerb { kRepay, kCancel, kReverse };
enum class CompetitivenessVerb { kConclude, kAssess, kExcuse, kTerminate };
const base::Machine<Application::State, ApplicationVerb>& ApplicationMachine();
const base::Machine<Commission::State, CommissionVerb>& CommissionMachine();
const base::Machine<Demand::State, DemandVerb>& DemandMachine();
const base::Machine<CompetitivenessAgreement::State, CompetitivenessVerb>& CompetitivenessMachine();

// From the decision to give a grant until nothing is owed under it any more: who has one gets no
// other.
bool IsRunning(Application::State state);

// ---- What all decisions share (rules_eligibility.cc)
//
// Each says in which edition of the norms it was made, also where it asks none of them.

// Where a fact comes from: a record and its version.
struct Source {
  std::string name;
  std::string etag;
};
// Whether one of these has to do with the applicant, as itself or as one affiliated with it.
bool IsTied(const google::protobuf::RepeatedPtrField<std::string>& bins,
            const Application& application);
// The rule of the first finding that is not satisfied; empty when all are.
std::string FirstUnsatisfied(const Decision& decision);
// The grounds of Art. 25(6) that the unsatisfied findings of a decision are.
std::vector<v1::Ground> GroundsOf(const Decision& decision);

// ---- Completeness (rules_eligibility.cc)

// DATES_INVALID: commissioning before the day of filing, or an obligation that is not due between
// the day after it and the last day of the obligations.
absl::Status CheckDates(const Application& application, const norms::Norms& norms, base::Date day);

// Outcome COMPLETE or INCOMPLETE: a document of each kind that is needed, the seller of each cost
// and the tax debt told, and the officer's word that the documents say what they must.
absl::StatusOr<Decision> JudgeCompleteness(const Application& application, bool documents_complete,
                                           const norms::Norms& norms, const Source& source);
absl::StatusOr<Decision> ReplayCompleteness(const Decision& stored);

// ---- Eligibility (rules_eligibility.cc)

// What other services say of a day.
struct Outside {
  // The list of priority goods, by code: LISTED, NOT_LISTED or PARTIAL.
  std::vector<std::pair<std::string, std::string>> goods;
  Source edition;
  // ACTIVE in the database of suppliers, and a domestic producer.
  bool producer = false;
  // "SMALL"; empty: not known.
  std::string size;
  // Since when it is active; absent: not known.
  std::optional<base::Date> active_since;
  // No register has told that day: it follows from the BIN, or from when the supplier was entered.
  bool active_since_assumed = false;
  Source supplier;
  // That it is a producer, or its size, rests on an assumption over there.
  bool producer_assumed = false;
  bool size_assumed = false;
  bool project_on_map = false;
  std::string project_owner;  // BIN or IIN
  Source project;
};

struct Candidacy {
  const Application* application = nullptr;
  const Outside* outside = nullptr;
  const gate::v1::Notice* notice = nullptr;
  int64_t running_grants = 0;  // of the applicant
  base::Date day;              // of submission
  Source source;
  std::string
      register_version;  // of this register, as "position 17": what none of its records says
};
// The conditions of Art. 25(5), 26(3), 42(2) and order 403/2022. Outcome ELIGIBLE or NOT_ELIGIBLE.
absl::StatusOr<Decision> JudgeEligibility(const Candidacy& candidacy, const norms::Norms& norms);
absl::StatusOr<Decision> ReplayEligibility(const Decision& stored);

// Whether an enterprise of that size, as "MICRO", may get one.
bool IsSmallOrMedium(const std::string& size);
// All that the project costs. INVALID_FIELD for over 10^15 tenge.
absl::StatusOr<base::Money> CostOf(const Application& application);

// Whether a reason of the gate is the programme's, which waits; all others are the recipient's.
bool IsOfProgramme(const std::string& gate_reason);

// ---- Examination (rules_examination.cc)

inline constexpr std::array<v1::Criterion, 5> kCriteria{v1::INNOVATIVENESS, v1::COMPETITIVENESS,
                                                        v1::SCALE, v1::EXPORT_ORIENTATION,
                                                        v1::LABOUR_PRODUCTIVITY};
using ScoreList = google::protobuf::RepeatedPtrField<v1::CriterionScore>;
// In the order of the law: SCORES_INCOMPLETE unless each criterion is scored once.
absl::StatusOr<ScoreList> InOrder(const ScoreList& scores);

// What of the costs is accepted, item by item, set on the application: COSTS_INCOMPLETE,
// ACCEPTED_OVER_COST.
absl::StatusOr<base::Money> AcceptCosts(
    const google::protobuf::RepeatedPtrField<v1::CloseExaminationRequest::Item>& items,
    Application* application);

// The most that could be granted to an enterprise of that size if all its costs were accepted, by
// the norms of the day on which it was filed: the least of what is asked for, the share of the
// costs and the ceiling, where the index that it is counted in is known. Nothing to one that is
// neither small nor medium.
absl::StatusOr<base::Money> MostGrantable(const Application& application, const std::string& size,
                                          const norms::Norms& norms, base::Date day);
// Whether what is asked for is enough for its tranches. GRANT_TOO_SMALL.
absl::Status CheckAskedFor(const Application& application, const norms::Norms& norms,
                           base::Date day);

struct Examined {
  const Application* application = nullptr;  // with accepted_cost
  std::vector<int64_t> totals;               // of each expert, 0 to 50
  std::string size;                          // as the gate found it
  Source source;
};
// Outcome the most that may be granted, in tenge: accepted cost by the share of the size, down to
// the tiyn; the norm's ceiling in MCI of the year; the sum asked for. Findings say whether the
// scores reach the pass mark, and whether that much is enough for its tranches. Norms are those of
// `day`, on which it was filed.
absl::StatusOr<Decision> JudgeExamination(const Examined& examined, const norms::Norms& norms,
                                          base::Date day);
absl::StatusOr<Decision> ReplayExamination(const Decision& stored);

// ---- Commission (rules_commission.cc)

// The norms by which it votes.
const cases::VoteNorms& VotesBy();
// COMMISSION_NOT_FORMED. MEMBER_HAS_ACTED for one of `acted`, who prepared or examined the case and
// could not vote.
absl::Status CheckFormed(const google::protobuf::RepeatedPtrField<Commission::Member>& members,
                         const std::set<std::string>& acted, const norms::Norms& norms,
                         base::Date day);

struct Meeting {
  const Commission* commission = nullptr;
  const Application* application = nullptr;  // with its examination
  int64_t running_grants = 0;
  Source source;
  std::string register_version;  // as of Candidacy
};
// Outcome APPROVED or REFUSED; each ground that votes against name is a finding, and so is whether
// own money and what is granted cover the accepted costs. NO_QUORUM; VOTE_UNDECIDED where nobody,
// or as many for as against, voted and the chair did not or breaks no tie; CONTRIBUTION_SHORT and
// GRANT_RUNNING where nothing but these is against it.
absl::StatusOr<Decision> DecideAsCommission(const Meeting& meeting, const norms::Norms& norms,
                                            base::Date day);
// Whether own money with what may be granted covers the accepted costs (Art. 42(2)); after the
// examination.
absl::StatusOr<bool> IsCovered(const Application& application);
absl::StatusOr<Decision> ReplayCommission(const Decision& stored);
// Whether an open meeting could be closed with a decision.
absl::StatusOr<bool> CanDecide(const Commission& commission, const Application& application,
                               const norms::Norms& norms, base::Date day);

// ---- Agreement, payment, excuse (rules_agreement.cc)

// The least sum none of whose tranches is nothing, by the norms of the day; and by the shares of
// all but the last, which takes what rounding leaves. TRANCHE_SHARES_INVALID.
absl::StatusOr<base::Money> LeastGrant(const norms::Norms& norms, base::Date day);
absl::StatusOr<base::Money> LeastGrantBy(const std::vector<base::Percent>& shares);
// Three, by the norms of the day. TRANCHE_SHARES_INVALID; GRANT_TOO_SMALL where one is nothing.
absl::StatusOr<std::vector<base::Money>> TranchesOf(base::Money sum, const norms::Norms& norms,
                                                    base::Date day);
// Whether the shares are a whole on every day of the norms, also one to come.
// TRANCHE_SHARES_INVALID with the first day on which they are not.
absl::Status CheckTrancheShares(const norms::Norms& norms);
// The last day of obligations: some years after commissioning.
absl::StatusOr<base::Date> ObligationsUntil(base::Date commissioning, const norms::Norms& norms,
                                            base::Date day);
// Whether a norm that these follow from is an assumption.
bool TranchesAreAssumed(const norms::Norms& norms, base::Date day);
bool YearsAreAssumed(const norms::Norms& norms, base::Date day);
// The same day so many years later; 29 February becomes the 28th.
base::Date AddYears(base::Date day, int64_t years);

struct Paying {
  const Agreement* agreement = nullptr;
  int32_t tranche = 0;
  const gate::v1::Notice* notice = nullptr;
  Source source;
};
// Outcome PAID or REFUSED.
absl::StatusOr<Decision> JudgePayment(const Paying& paying, const norms::Norms& norms);
absl::StatusOr<Decision> ReplayPayment(const Decision& stored);

// What the figures of an assessment are taken from. Documents are facts by their hashes.
using Documents = google::protobuf::RepeatedPtrField<type::v1::Document>;
struct Evidence {
  std::vector<v1::MonitoringReport> reports;  // by half-year
  Documents documents;
};
// EVIDENCE_MISSING for none; where there are no documents, FIGURE_NOT_REPORTED for a figure that no
// report names, and FIGURE_DIFFERS for one that is not what the last of the reports with its
// indicator says.
absl::Status CheckEvidence(const cases::Obligations& obligations,
                           const std::vector<std::string>& facts, const Evidence& evidence);
// How far obligations are fulfilled and what is to be returned for the rest, as of a day.
// FACTS_INCOMPLETE, and as CheckEvidence.
absl::StatusOr<cases::Judged> JudgeObligations(const cases::Obligations& obligations,
                                               const std::vector<std::string>& facts,
                                               const Evidence& evidence,
                                               const std::vector<v1::Payment>& payments,
                                               const norms::Norms& norms, base::Date day,
                                               const Source& source);
// The same for a demand: of what the assessment found, with its tolerance and evidence.
absl::StatusOr<cases::Judged> JudgeDemand(const cases::Obligations& obligations,
                                          const Decision& assessed,
                                          const std::vector<v1::Payment>& payments,
                                          const norms::Norms& norms, base::Date day,
                                          const Source& source);
absl::StatusOr<Decision> ReplayObligations(const Decision& stored);

// Outcome EXCUSED or NOT_EXCUSED. The documents are facts by their hashes.
absl::StatusOr<Decision> JudgeExcuse(bool beyond_control, const Documents& documents,
                                     const std::string& reason, const norms::Norms& norms,
                                     const Source& source);
absl::StatusOr<Decision> ReplayExcuse(const Decision& stored);

// ---- Competitiveness (rules_agreement.cc)

// Art. 28(4). `failed`: earlier agreements of the entity that failed and are not excused. Outcome
// ADMITTED or FORBIDDEN.
absl::StatusOr<Decision> JudgeAdmission(int64_t failed, const norms::Norms& norms,
                                        const Source& source);
absl::StatusOr<Decision> ReplayAdmission(const Decision& stored);

// ---- The lists of unreliable recipients (rules_lists.cc)

// What a recipient owes past due, or has owed, beside the debt in question.
struct OtherDebt {
  std::string basis;
  base::Date from;
  std::optional<base::Date> until;  // the first day on which it was owed no more
};
// From a day on the entry of a recipient stands so, or not at all.
struct Stretch {
  base::Date from;
  std::optional<v1::UnreliableRecipient> entry;
  bool recorded = true;
};

// What holds of an entry where it is learnt that its recipient has stood on the list since a day:
// on each from then on on which neither it stands nor another entry of that list, `told` does.
// `own`: the entry as it is recorded, nothing for a new one. All are in the order of days, and each
// says since when it stands without a break; what is to be recorded anew is not `recorded`.
absl::StatusOr<std::vector<Stretch>> StandingSince(base::Date from,
                                                   const v1::UnreliableRecipient& told,
                                                   const std::vector<Stretch>& own,
                                                   const std::vector<std::vector<Stretch>>& others);

// The oldest debt that was past due on a day; null where none was.
const OtherDebt* OldestOn(const std::vector<OtherDebt>& debts, base::Date day);

// What holds of an entry where the debt of this basis was none: on its days it rests on the oldest
// of the others, or does not stand.
absl::StatusOr<std::vector<Stretch>> WithoutDebt(const std::vector<Stretch>& stretches,
                                                 const std::string& basis,
                                                 const std::vector<OtherDebt>& others);

// ---- Half-years (rules_agreement.cc)

struct HalfYear {
  int32_t year = 0;
  int32_t half = 0;

  static HalfYear Containing(base::Date day) {
    return {static_cast<int32_t>(day.year()), day.month() <= 6 ? 1 : 2};
  }
  HalfYear Next() const { return half == 1 ? HalfYear{year, 2} : HalfYear{year + 1, 1}; }
  // Of a year that no date of ours has: the nearest day that there is.
  base::Date first_day() const { return Nearest(half == 1 ? 1 : 7, 1); }
  base::Date last_day() const { return half == 1 ? Nearest(6, 30) : Nearest(12, 31); }
  friend bool operator==(const HalfYear&, const HalfYear&) = default;

 private:
  base::Date Nearest(int month, int day) const {
    return base::Date::Of(year, month, day)
        .value_or(year > base::Date::Max().year() ? base::Date::Max() : base::Date::Min());
  }
};

}  // namespace nisi::grants
