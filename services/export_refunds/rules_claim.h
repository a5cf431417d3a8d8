// A claim as a whole: its states, its sum, and what it is decided by, as pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/base/date.h"
#include "common/base/machine.h"
#include "common/base/money.h"
#include "common/cases/checked.h"
#include "common/norms/norms.h"
#include "nisi/decision/v1/decision.pb.h"
#include "nisi/export_refunds/v1/resources.pb.h"
#include "services/export_refunds/rules_expense.h"

namespace nisi::export_refunds {

using cases::Checked;
using decision::v1::Decision;
using v1::Claim;

enum class ClaimVerb {
  kEdit,
  kSign,
  kStartReview,
  kDecidePart,
  kSendRemarks,
  kAnswerRemarks,
  kAnnul,
  kAccept,
  kReject,
  kRunGate,
  kSignAgreement,
  kPay,
  kBeginMonitoring,
  kReport,
  kAssess,
  kDemand,
  kExcuse,
  kRepay,
  kGiveWay,
  kReverse,
  kGiveUp,  // a draft
};
// From the day of the passed second check, by which a notice of it is good as well.
inline constexpr char kPaymentTerm[] = "export_refunds.days.payment";
// Its refusals are CLAIM_STATE and, of edits, CLAIM_FROZEN.
const base::Machine<Claim::State, ClaimVerb>& ClaimMachine();

// Export is told of the year before signing and the three that follow, in which some is planned,
// and no less than before: EXPORT_VOLUMES_INVALID; expenses and taxes paid are: CLAIM_INCOMPLETE.
absl::Status CheckSignable(const Claim& claim, int32_t expense_count, base::Date sign_date);

// Costs in one currency of one day of payment have one rate of exchange: RATES_DIFFER.
absl::Status CheckRates(const std::vector<const v1::Expense*>& expenses);

// The parts of the review, pending.
void OpenParts(bool has_delivery, Claim* claim);

struct Limits {
  base::Money lines;  // sum of the lines of its expenses
  int32_t expense_count = 0;
  base::Money taxes_paid;
  base::Date sign_date;
  std::string claim;  // its name, and under which etag it is recorded
  std::string etag;
};
// The claim's sum: the least of its lines, the taxes and the cap of the year of signing, whole
// tenge, rounded down. A finding for each limit says whether it left the lines whole. Outcome: the
// sum in tenge. NORM_NOT_IN_FORCE.
absl::StatusOr<Decision> Calculate(const Limits& limits, const norms::Norms& norms);
absl::StatusOr<Decision> ReplayCalculation(const Decision& stored);

// A record of ours as the source of facts.
struct Origin {
  std::string name;
  std::string etag;
};

// Before it is considered: the first check of the recipient, and no demand past due; `owing`: the
// claim that has one. `register_version`: of this register, as "position 17", for what none of its
// records says. Outcome ADMITTED or REJECTED. This one and those below say under which edition of
// norms they were made, also where no norm is among their facts.
absl::StatusOr<Decision> Admit(const Checked& checked, const std::optional<Origin>& owing,
                               const std::string& register_version, const norms::Norms& norms);
absl::StatusOr<Decision> ReplayAdmission(const Decision& stored);

// What a claim is accepted or rejected by.
struct Verdicts {
  const Claim* claim = nullptr;
  std::optional<Origin> owing;  // the claim of the claimant with a demand past due
  bool agreement_late = false;  // the claimant was to sign it by a day that is over
  bool passed_since = false;    // by a notice that came after the second check was run
  Origin origin;
  std::string register_version;  // as of Admit
};
// Outcome ACCEPTED where every finding is satisfied, else REJECTED.
absl::StatusOr<Decision> Judge(const Verdicts& verdicts, const norms::Norms& norms);
absl::StatusOr<Decision> ReplayJudgement(const Decision& stored);
// Why it cannot be accepted, by the first finding that is not satisfied: PARTS_PENDING,
// PART_REJECTED, PART_HAS_REMARKS, NOTHING_TO_PAY, DEMAND_PAST_DUE. OK where all are.
absl::Status CheckAcceptable(const Claim& claim, const Decision& judgement);
// A ground lets it be rejected: a part that is only pending, or has remarks, is none.
absl::Status CheckRejectable(const Claim& claim, const Decision& judgement);

// The second check of the recipient. Outcome PASSED or FAILED.
absl::StatusOr<Decision> PassGate(const Checked& checked, const norms::Norms& norms);
absl::StatusOr<Decision> ReplayGate(const Decision& stored);

struct Paying {
  const Claim* claim = nullptr;
  const Checked* checked = nullptr;
  int64_t ready_before = 0;     // number of an earlier claim that is ready to be paid; 0: none
  std::optional<Origin> owing;  // as of Verdicts
  base::Date day;
  Origin origin;
  std::string register_version;  // as of Admit
};
// Outcome PAID or REFUSED.
absl::StatusOr<Decision> Pay(const Paying& paying, const norms::Norms& norms);
absl::StatusOr<Decision> ReplayPayment(const Decision& stored);

}  // namespace nisi::export_refunds
