// The obligations of a claim and the money that is returned for those not fulfilled (Art. 27,
// 13(5)(10-2)). The arithmetic is common/cases/obligations.h.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/base/date.h"
#include "common/base/money.h"
#include "common/cases/obligations.h"
#include "common/norms/norms.h"
#include "services/export_refunds/rules_claim.h"

namespace nisi::export_refunds {

// Of the agreement: export of the current year and of the two ahead, from the last actual one, each
// by the end of its year, all counting alike.
absl::Status SetObligations(Claim* claim);
// The year of an obligation.
int32_t YearOf(const cases::Obligation& obligation);

// The last day for the report on a year, for one whose obligations run from `since` on: the norm's
// day of the next year, or the first such day after it. NORM_NOT_IN_FORCE.
absl::StatusOr<base::Date> ReportDueOn(const norms::Norms& norms, int32_t year, base::Date since);

// What a claimant reported of a year.
struct Reported {
  std::string volume;
  std::string record;
  std::string etag;
};
using Documents = google::protobuf::RepeatedPtrField<type::v1::Document>;
using Volumes = google::protobuf::RepeatedPtrField<v1::ExportVolume>;

// What the institute accepts of reports, where that is less than they say, and what by.
struct Accepted {
  std::map<int32_t, std::string> less;  // by year
  Documents documents;
  std::string grounds;
  Origin origin;  // the claim with which all this is recorded
};
// What is told to be accepted, without years that are accepted as they were reported.
// FIGURE_NOT_REPORTED of a year without a report; FIGURE_OVER_REPORTED for more than was reported;
// EVIDENCE_MISSING for less by nothing; INVALID_FIELD for a year twice, and for evidence of no such
// figure.
absl::StatusOr<Accepted> AcceptedOf(const Volumes& told, const Documents& documents,
                                    const std::string& grounds,
                                    const std::map<int32_t, Reported>& reports,
                                    const Origin& origin);

// How far the obligations are fulfilled and what is to be returned if that is demanded on `day`. A
// year without a report counts as none; of one that is accepted in part the report stands among the
// facts, with what the rest is refused by. Outcome FULFILLED, NOTHING_TO_RETURN or RETURN; the sums
// stand in the findings. Of a claim that is assessed the tolerance and what was accepted are those
// of its assessment: what was found not fulfilled is not found fulfilled by a norm that came later.
absl::StatusOr<cases::Judged> JudgeExport(const Claim& claim,
                                          const std::map<int32_t, Reported>& reports,
                                          const Accepted& accepted, const norms::Norms& norms,
                                          base::Date day);
absl::StatusOr<Decision> ReplayAssessment(const Decision& stored);

// Whether the failure is excused: by circumstances beyond control, with documents. Outcome EXCUSED
// or NOT_EXCUSED.
absl::StatusOr<Decision> Excuse(bool beyond_control, const Documents& documents,
                                const std::string& reason, const Origin& origin,
                                const norms::Norms& norms);
absl::StatusOr<Decision> ReplayExcuse(const Decision& stored);

// Money as it is told to have come. `another`: it is not the same payment as one of that number and
// sum of another day.
struct Came {
  base::Money amount;
  base::Date day;
  std::string order;
  bool another = false;
};
// Takes a repayment of a day, by an order of the claimant, into a demand, and returns it as it
// counts: late interest is found anew for all of them, in the order of their days; money goes to
// the demand first. REPAYMENT_RECORDED for an order of that day that it has, REPAYMENT_ALIKE for
// one of that sum that it has of another day, REPAYMENT_DATE_INVALID, REPAYMENT_OVER_DUE;
// INVALID_FIELD for nothing.
absl::StatusOr<v1::Demand::Repayment> Repay(const Came& came, base::Date today, v1::Demand* demand);
// The repayment by this order of that day that counts; null where there is none.
v1::Demand::Repayment* RepaymentBy(const std::string& order, base::Date day, v1::Demand* demand);
// Finds late interest and what was repaid anew, after one of the repayments was undone.
absl::Status ChargeAnew(v1::Demand* demand);
// Whether nothing of it is owed any more.
absl::StatusOr<bool> IsRepaid(const v1::Demand& demand);

}  // namespace nisi::export_refunds
