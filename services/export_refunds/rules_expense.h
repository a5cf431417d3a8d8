// One cost: whether it counts (Art. 10(2)-(3), 38(1)(1)) and what it comes to, as pure functions.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/base/date.h"
#include "common/base/money.h"
#include "common/norms/norms.h"
#include "nisi/decision/v1/decision.pb.h"
#include "nisi/export_refunds/v1/resources.pb.h"

namespace nisi::export_refunds {

using decision::v1::Decision;
using v1::Expense;

// The fifteen kinds.
struct KindRule {
  v1::CostKind kind;
  bool goods;     // else a service
  bool by_level;  // of processing; else by the size of the enterprise
};
// Null for none of them.
const KindRule* RuleOfKind(v1::CostKind kind);

// Whether the rate of such a cost goes by the size of the enterprise.
bool IsBySize(const Expense& expense);

// What a cost must hold by its kind: a goods code or a kind of activity, a producer where that is
// not the claimant, a rate of exchange, days in order. INVALID_FIELD under `path`.
absl::Status CheckExpense(const Expense& expense, base::Date today, const std::string& path);

// The cost in tenge: amount by rate for so many units, rounded half up to the tiyn. INVALID_FIELD
// under `path` for over 10^15 tenge, and for nothing.
absl::StatusOr<base::Money> NetOf(const Expense& expense, const std::string& path);

// Two letters of ISO 3166, and not of Kazakhstan.
bool IsMarket(const std::string& country);

// Who makes the good, or supplies the service.
const std::string& ProducerOf(const Expense& expense);
// The code by which it is sought on the list.
const std::string& CodeOf(const Expense& expense);

// A fact that somebody else's record tells, and which version of it.
struct Told {
  std::string value;
  std::string source;
  std::string version;
  bool assumption = false;  // whoever told it rests it on one
};

// No size: the public register of suppliers does not have the enterprise on the day, or has it and
// its finance does not tell.
inline constexpr char kNotActive[] = "NOT_ACTIVE";
inline constexpr char kNotTold[] = "NOT_TOLD";

// What a cost is judged by beside itself.
struct ExpenseFacts {
  base::Date sign_date;
  std::optional<Told> entry;  // the entry of the list of that day; value: its processing level
  Told producer;              // on the day of payment: "PRODUCER,SERVICES"; "0" is not domestic
  // Of the claimant on size_day: "MICRO" to "LARGE". Where it is not known, why: kNotActive or
  // kNotTold.
  Told size;
  // The day of payment. Absent of claims that were signed before it was that: then the size is of
  // the day of signing, and no fact names its day.
  std::optional<base::Date> size_day;
  bool invoice_taken = false;
  std::string etag;  // under which the expense is recorded with it
  // Of this register, as "position 17": for what its records say together, or none of them says.
  std::string register_version;
};

// What norms say of costs on a day of signing, looked up once for all of them.
class ExpenseNorms {
 public:
  // NORM_NOT_IN_FORCE.
  static absl::StatusOr<ExpenseNorms> On(const norms::Norms& norms, base::Date sign_date);

  const norms::Norm& months() const { return months_; }
  const norms::Norm& factor(bool logistics) const { return logistics ? factor_ : no_factor_; }
  // By "HIGH" or "SMALL"; MICRO enterprises are small ones. Null for what there is no rate for.
  const norms::Norm* rate(bool by_level, const std::string& by) const;
  const std::string& edition() const { return edition_; }

 private:
  norms::Norm months_, factor_, no_factor_;
  std::map<std::string, norms::Norm> rates_;  // by the end of the key: "level.high"
  std::string edition_;
};

// What a cost comes to: rate and factor with the norms they are from, the rules that are not
// satisfied, and the sum, which is nothing where there are any.
absl::StatusOr<v1::Line> LineOf(const Expense& expense, const ExpenseFacts& facts,
                                const ExpenseNorms& norms);
// The same as a decision that explains itself. Outcome: the sum in tenge.
absl::StatusOr<Decision> ExamineExpense(const Expense& expense, const ExpenseFacts& facts,
                                        const ExpenseNorms& norms);
absl::StatusOr<Decision> ReplayExamination(const Decision& stored);
// A stored examination as it stands when its invoice is free after all, by the register of that
// version: nobody was paid by it.
absl::StatusOr<Decision> ExamineFreed(const Decision& stored, const std::string& register_version);

// A stored examination of a cost as it stands when an examiner has found it to be reimbursed
// before, or has taken that back (Expense.found_reimbursed); `told`: whether its invoice is taken
// by now, and under which etag it is recorded.
absl::StatusOr<Decision> ExamineReimbursed(const Expense& expense, const ExpenseFacts& told);

// Rules of a decision that are not satisfied.
std::vector<std::string> UnsatisfiedOf(const Decision& decision);

// The first day whose costs count for a claim that is signed on `day`.
base::Date FirstDayOf(base::Date day, int64_t months);

// net x rate x factor, rounded half up to the tiyn: hundredths of a percent and thousandths. The
// error of Money.
absl::StatusOr<base::Money> LineAmount(base::Money net, int32_t rate_bp, int64_t factor_milli);

}  // namespace nisi::export_refunds
