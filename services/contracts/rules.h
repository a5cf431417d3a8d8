// Art. 46-49 of the law as pure functions: facts, norms and dates in, findings out. One function
// stands behind a decision and its replay.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/numeric/int128.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "common/base/date.h"
#include "common/base/machine.h"
#include "common/base/money.h"
#include "common/norms/norms.h"
#include "google/protobuf/repeated_field.h"
#include "nisi/contracts/v1/contracts.pb.h"
#include "nisi/contracts/v1/planning.pb.h"
#include "nisi/decision/v1/decision.pb.h"
#include "nisi/rpc/v1/options.pb.h"

namespace nisi::cases {
class Facts;
}

namespace nisi::contracts {

using decision::v1::Decision;
using v1::Amendment;
using v1::Contract;
using v1::Customer;
using v1::Cycle;
using v1::Entry;
using v1::ListItem;
using v1::Need;
using v1::Offset;
using v1::Penalty;
using v1::Pledge;
using v1::Proposal;
using v1::Publication;

// ---- States (rules_machines.cc)

enum class CycleVerb {
  kEditNeeds,
  kCloseNeeds,
  kReopenNeeds,
  kForm,
  kSend,
  kTakeBack,  // to be formed again
  kEditList,
  kPropose,
  kAnswer,
  kSubmit,
  kReturn,  // to be agreed on again
  kApprove,
  kPublished,  // the database of suppliers has confirmed
  kRevise,
  kWithdraw
};
enum class ProposalVerb { kAgree, kDecline, kLapse };
enum class ContractVerb {
  kEdit,
  kSign,
  kBeginProduction,
  kDeliver,
  kAccept,
  kPay,
  kRefuse,
  kSettleFault,
  kCorrect,
  kProve,
  kAcceptOffset,
  kAssessOffset,
  kAmend,
  kPledge,
  kAssess,
  kReport,
  kTerminate,
  kFulfil
};
enum class AmendmentVerb { kSign, kWithdraw, kConsent };
enum class PledgeVerb { kConsent, kRelease };
enum class PenaltyVerb {
  kSettle,
  kReplace  // another amount was found since
};
const base::Machine<Cycle::State, CycleVerb>& CycleMachine();
const base::Machine<Proposal::State, ProposalVerb>& ProposalMachine();
const base::Machine<Contract::State, ContractVerb>& ContractMachine();
const base::Machine<Amendment::State, AmendmentVerb>& AmendmentMachine();
const base::Machine<Pledge::State, PledgeVerb>& PledgeMachine();
const base::Machine<Penalty::State, PenaltyVerb>& PenaltyMachine();

// ---- What all decisions share (rules_planning.cc)

// Where a fact comes from: a record and its version.
struct Source {
  std::string name;
  std::string etag;
};
// The first finding that is not satisfied; null when all are.
const decision::v1::Finding* FirstUnsatisfied(const Decision& decision);

// ---- Planning (rules_planning.cc)

// Art. 46(2). Outcome ELIGIBLE or NOT_ELIGIBLE.
absl::StatusOr<Decision> JudgeCustomer(const Customer& customer, const norms::Norms& norms,
                                       base::Date day, const Source& source);
absl::StatusOr<Decision> ReplayCustomer(const Decision& stored);

// What the database of suppliers says of a code on a day.
struct Made {
  bool made = false;
  std::string since;  // the first day; empty where it was not made
  Source source;      // what says so, or the database and its position
};
// Art. 46(1)(1). Outcome NOT_MADE or MADE.
absl::StatusOr<Decision> JudgeProduction(const std::string& ens_tru, const Made& made,
                                         base::Date day, const norms::Norms& norms);
absl::StatusOr<Decision> ReplayProduction(const Decision& stored);

// QUANTITY_ZERO, PRICE_ZERO, YEARS_PAST. `root`: where the need stands in the request, as "need.".
absl::Status CheckNeed(const Need& need, int32_t cycle, absl::string_view root);

// Goods of the List from needs: one for each code and unit, in order of these.
struct Line {
  std::string ens_tru, unit;
  ListItem item;  // without name, state, contract type and decision
};
// NEEDS_TOO_LARGE.
absl::StatusOr<std::vector<Line>> FormLines(absl::Span<const Need> needs);
// Of all that a good was formed with, 32 bytes: by it an update finds a good whose needs are as
// they were, whatever was changed in it by hand.
std::string DigestOf(const Line& line);
// Tells in a good what those who agreed to it have agreed to (Art. 47(3)); none: nothing.
// VOLUME_OVER_LIST with `path`.
absl::Status TakeAgreed(absl::Span<const Proposal> agreed, absl::string_view path, ListItem* item);

// The statutory days of planning (Art. 47), in order.
struct StatutoryDay {
  const char* kind;  // of the deadline
  const char* norm;
  CycleVerb verb;  // what meets it
  std::optional<CycleVerb> undone_by;
  rpc::v1::Role role;
  base::LegalBasis (*basis)();
};
const std::array<StatutoryDay, 4>& StatutoryDays();
absl::StatusOr<base::Date> StatutoryDayOf(const StatutoryDay& day, int32_t year,
                                          const norms::Norms& norms);

struct Approving {
  int32_t goods = 0, agreed = 0, left_out = 0;  // of the List
  base::Date ordered, day;
  base::Date due;  // the statutory day
  Source source;
};
// Art. 47(3), 47(4). Outcome APPROVED.
absl::StatusOr<Decision> JudgeApproval(const Approving& approving, const norms::Norms& norms);
absl::StatusOr<Decision> ReplayApproval(const Decision& stored);

// ---- Contracts (rules_contract.cc)

using YearList = google::protobuf::RepeatedPtrField<v1::YearTerms>;
using OffsetList = google::protobuf::RepeatedPtrField<Offset>;

// Of a year of a contract.
struct Terms {
  int32_t year = 0;
  int64_t volume = 0;  // thousandths
  base::Money price;
  base::Money value;  // volume by price, rounded half up to the tiyn
};
// QUANTITY_ZERO, PRICE_ZERO, SUM_TOO_LARGE. `path`: of the year.
absl::StatusOr<Terms> TermsOfYear(const v1::YearTerms& year, absl::string_view path);
// The same of each, and YEARS_INVALID. `path`: of the list.
absl::StatusOr<std::vector<Terms>> TermsOf(const YearList& years, absl::string_view path);
// SUM_TOO_LARGE.
absl::StatusOr<base::Money> SumOf(absl::Span<const Terms> terms);
// A quantity in thousandths by a price, rounded half up to the tiyn; SUM_TOO_LARGE.
absl::StatusOr<base::Money> ValueOf(int64_t thousandths, base::Money price);
std::string QuantityText(int64_t thousandths);

// Those of `change` in the place of those of the same years, in order.
YearList Amended(const YearList& years, const YearList& change);
// Whether a volume or a price is lower, or a year gone (Art. 48(2)).
bool Lowers(const YearList& before, const YearList& after);
// Whether the amendment lowers what the contract has, which comes to `after` by it. Another formula
// of prices is taken to: what it makes of them later nobody can tell.
bool LowersBy(const Contract& contract, const Amendment& amendment, const YearList& after);
// Whether any is higher or new.
bool Raises(const YearList& before, const YearList& after);

// OFFSETS_INVALID: of an off-take contract none; each worth something and due from `day` on, by the
// end of the last year.
absl::Status CheckOffsets(const Contract& contract, base::Date day);
// The conditions that the contract comes to by the amendment on a day, its term ending with
// `last_year`. What was found of one stays: neither it nor one whose day is over is changed, nor is
// one worth less than was accepted of it. OFFSETS_INVALID, OFFSET_UNKNOWN, OFFSET_STATE.
absl::StatusOr<OffsetList> AmendedOffsets(const Contract& contract, const Amendment& amendment,
                                          int32_t last_year, base::Date day);

struct Concluding {
  const Contract* contract = nullptr;
  const ListItem* item = nullptr;      // as it is on the day; null: not on the List
  const Customer* customer = nullptr;  // as it is on the day; null: not registered
  base::Date day;
};
// Art. 46-49 as of the day of signing. Outcome CONFORMS or DOES_NOT_CONFORM. The index of a year
// whose budget is not adopted is the last one known, which the decision says it assumes.
absl::StatusOr<Decision> JudgeConformity(const Concluding& concluding, const norms::Norms& norms);
absl::StatusOr<Decision> ReplayConformity(const Decision& stored);

// The index of a financial year under a name of its own. Of one whose budget is not adopted yet,
// the last one known. Whether it is an assumption.
absl::StatusOr<bool> SetIndex(const norms::Norms& norms, int32_t year, cases::Facts* facts);
// Whether purchases of a year exceed the threshold of Art. 49(1), told as a finding: the fact
// `value` of what, by the index of that year.
absl::Status FindOverThreshold(const cases::Facts& facts, const std::string& rule,
                               const std::string& value, int32_t year, Decision* decision);

// What an amended contract of procurement must still be on a day (Art. 49(1), 49(2)), its years
// that are not over. Outcome CONFORMS or DOES_NOT_CONFORM, as JudgeConformity.
absl::StatusOr<Decision> JudgeProcurement(const Contract& contract, const norms::Norms& norms,
                                          base::Date day);
absl::StatusOr<Decision> ReplayProcurement(const Decision& stored);

struct Amending {
  const Amendment* amendment = nullptr;
  std::vector<std::string> pledges;  // active ones
  Source source;
};
// Art. 48(1), 48(2). Outcome IN_FORCE or NOT_IN_FORCE.
absl::StatusOr<Decision> JudgeAmendment(const Amending& amending, const norms::Norms& norms);
absl::StatusOr<Decision> ReplayAmendment(const Decision& stored);

// ---- Balances (rules_balance.cc)

// What entries that count come to, by year. The order in which they came makes no difference.
struct Tally {
  int64_t delivered = 0;  // thousandths, as the next
  int64_t accepted = 0;
  int64_t paid = 0;  // tiyn
  // Not bought: by the supplier's fault, as settled, or anybody else's; delivered before, or not.
  int64_t suppliers_delivered = 0;
  int64_t suppliers_undelivered = 0;
  int64_t others_delivered = 0;
  int64_t others_undelivered = 0;

  int64_t refused_delivered() const { return suppliers_delivered + others_delivered; }
  int64_t refused() const {
    return refused_delivered() + suppliers_undelivered + others_undelivered;
  }
  // Delivered, and neither accepted nor refused.
  int64_t waiting() const { return delivered - accepted - refused_delivered(); }
  friend bool operator==(const Tally&, const Tally&) = default;
};
// What one entry adds: the measures of the totals, without their count.
using Shares = std::array<int64_t, 7>;
Shares SharesOf(const Entry& entry);
void AddShares(const Shares& shares, Tally* tally);

// What an entry adds to the goods that were delivered and are neither accepted nor refused.
int64_t WaitingBy(const Entry& entry);

// What a year may not go beyond: OVER_CONTRACT, OVER_DELIVERED, OVER_PRICE.
absl::Status CheckTally(const Tally& tally, const Terms& terms);
// What was refused before delivery leaves no room to be delivered, and what was delivered none to
// be refused so: OVER_CONTRACT. `claimed`: of it, refused by the supplier's fault as the customer
// alone says; its word does not keep the supplier from showing that it delivers.
absl::Status CheckRoom(const Tally& tally, int64_t claimed, const Terms& terms);

struct YearFacts {
  const Contract* contract = nullptr;
  Terms terms;
  int32_t number = 1;  // of the year in the contract: 1 is the first
  Tally tally;
  bool over = false;  // the year is
  Tally late = {};    // of `tally`, what happened after the year
};
// How a year stands (Art. 48(2), 48(4)): with its decision. The norms are those of its last day.
// Performed and accepted counts what was so by that day, whenever it was recorded; paid for is what
// is by the day of the judgement.
absl::StatusOr<v1::YearBalance> JudgeYear(const YearFacts& facts, const norms::Norms& norms);
// Whether an assessment still says what is owed for its year: payments since change nothing of it.
bool OwesTheSame(const v1::YearBalance& assessed, const v1::YearBalance& now);
absl::StatusOr<Decision> ReplayYear(const Decision& stored);

// Art. 49(3): the penalty for what is missing of a condition; outcome the sum in tenge.
absl::StatusOr<Decision> JudgeOffset(const Offset& offset, const Source& source,
                                     const norms::Norms& norms, base::Date day);
absl::StatusOr<Decision> ReplayOffset(const Decision& stored);

}  // namespace nisi::contracts
