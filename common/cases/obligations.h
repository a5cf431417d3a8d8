// Counter-obligations (Art. 27): how far they are fulfilled, and what is to be returned for the
// rest. Exact throughout, as fractions; a sum is rounded once, at its end.
//
//   Facts facts;                       // what the judgment rests on, each with its record
//   SetObligations(agreement.obligations(), agreement.name(), agreement.etag(), &facts);
//   SetOutcome(1, "812.5", report.name(), report.etag(), &facts);
//   SetPayment(1, paid, payment.name(), payment.etag(), &facts);
//   RETURN_IF_ERROR(SetReturnNorms(norms, today, &facts));
//   ASSIGN_OR_RETURN(Judged judged, JudgeReturn(facts));  // the same again years later
//
// Knows neither calls nor the store: rules use it.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/base/date.h"
#include "common/base/money.h"
#include "common/cases/findings.h"
#include "common/norms/norms.h"
#include "google/protobuf/repeated_field.h"
#include "nisi/obligations/v1/obligation.pb.h"

namespace nisi::cases {

using obligations::v1::Achievement;
using obligations::v1::Obligation;
using obligations::v1::Return;
using Obligations = google::protobuf::RepeatedPtrField<Obligation>;

base::LegalBasis CounterObligations();  // Art. 27(3)
base::LegalBasis ReturnOfMoneyOwed();   // Art. 27(4)

// Whether an agreement may hold them: OBLIGATION_MISSING for none (Art. 27(3)); INVALID_FIELD where
// a target is 0 without a baseline above it, by which alone it could be judged; or of productivity
// or export below its baseline, as Art. 27(3) asks for an increase of these; where the weights do
// not add up to 10000 or only some have one. `field`: the path of the list in the request.
absl::Status CheckObligations(const Obligations& obligations, const std::string& field);

// ---- The facts of a judgment. `record` and `version` as with Facts::Set.

void SetObligations(const Obligations& obligations, const std::string& record,
                    const std::string& version, Facts* facts);
// What was reached of the obligation with this number, from 1 on. One without an outcome reached
// nothing.
void SetOutcome(int number, const std::string& fact, const std::string& record,
                const std::string& version, Facts* facts);
// Payment `number`, from 1 on without gaps.
void SetPayment(int number, base::Money paid, base::Date day, const std::string& record,
                const std::string& version, Facts* facts);
// The day of demand with its norms, and the base rates from the first payment on. After all
// payments. The tolerance is that of this day, unless one was taken of an assessment before.
// NORM_NOT_IN_FORCE.
absl::Status SetReturnNorms(const norms::Norms& norms, base::Date demanded, Facts* facts);

// ---- Pure functions of the facts. FACT_MISSING and DATA_LOSS as Facts has them.

struct Judged {
  // Findings: OBLIGATION_<n>_FULFILLED, TOLERANCE_REACHED, NOTHING_TO_RETURN. Computed facts in
  // them: achievement.level, exact; return.principal, return.interest and return.total in tenge.
  // Outcome: "FULFILLED" where the tolerance is reached; else "RETURN" where money is owed, and
  // "NOTHING_TO_RETURN" where nothing is: nothing was paid, or what is left of it rounds to 0
  // tenge, which nobody could pay. That is not fulfilled, but ends the case as fulfilment does.
  decision::v1::Decision decision;
  Achievement achievement;
  Return demand;  // of JudgeReturn
};

// How far obligations are fulfilled, by the tolerance of SetReturnNorms, and what is to be
// returned.
absl::StatusOr<Judged> JudgeReturn(const Facts& facts);

// The base rate of the day of demand that a stored decision rests on: for interest on what is paid
// late, whatever norms say by then.
absl::StatusOr<base::Percent> RateOfDemand(const decision::v1::Decision& stored);

// Interest on what stays unpaid of a demand after its last day: each day of `late_from` to
// `late_to`, both counted, at the base rate of the day of demand. To the tiyn, rounded half up;
// zero when the days are none.
absl::StatusOr<base::Money> LateInterest(base::Money unpaid, base::Percent rate,
                                         base::Date late_from, base::Date late_to);

}  // namespace nisi::cases
