// What the functions of this service work with, and what their commands share.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/cases/gate.h"
#include "common/cases/rows.h"
#include "common/cases/step.h"
#include "common/norms/norms.h"
#include "common/rpc/call.h"
#include "common/rpc/gather.h"
#include "common/rpc/resource.h"
#include "common/store/outbox.h"
#include "common/store/store.h"
#include "services/export_refunds/list.h"
#include "services/export_refunds/rules_claim.h"
#include "services/export_refunds/rules_invoice.h"
#include "services/export_refunds/rules_list.h"
#include "services/export_refunds/sources.h"
#include "services/export_refunds/tables.h"

namespace nisi::export_refunds {

struct Env {
  store::Store* store = nullptr;
  const norms::Norms* norms = nullptr;
  cases::Gate* gate = nullptr;
  Sources* sources = nullptr;
  Catalog* catalog = nullptr;
};

using ClaimStep = cases::Step<ClaimRow>;

// ---- Steps and records of a claim (env.cc)

// A step of the claim that `name` names, by whoever has a role over it. `acts`: what was done with
// it beside its own steps.
absl::StatusOr<ClaimStep> BeginClaim(const store::Tx& tx, const rpc::Call& call, ClaimVerb verb,
                                     const std::string& name, const std::string& etag,
                                     std::vector<base::Acted> acts = {});
// Finishes it: the claimant has to act, or waits for who has.
absl::Status FinishClaim(const Env& env, store::Tx& tx, ClaimStep* step);

// The claim as it stands in the transaction.
absl::StatusOr<Claim> ClaimNow(const store::Tx& tx, const std::string& name);
// While a claim is being fixed, only what open remarks name may change: a field, as "taxes_paid" or
// "expenses/3.amount", an expense with all its fields, as "expenses/3", or "expenses". A remark on
// one field of an expense is none on the others. NOT_REMARKED.
absl::Status CheckRemarked(const ClaimRow& row, absl::string_view what);
// The same of each field in which two versions of a record differ; `path` stands before its name.
absl::Status CheckChangesRemarked(const ClaimRow& row, const google::protobuf::Message& before,
                                  const google::protobuf::Message& after,
                                  absl::string_view path = "");

using cases::SetDecideTime;
// Of this register as a command sees it: the version of facts that no one record of it tells.
inline std::string VersionOf(const store::Tx& tx) {
  return absl::StrCat("position ", tx.position());
}
// Who sees all claims: the institute, the authority for trade and auditors.
bool IsOfficial(const rpc::Caller& caller);

// The expenses of a claim by number.
absl::StatusOr<std::vector<ExpenseRow>> ExpensesOf(const store::Reader& reader,
                                                   const std::string& claim,
                                                   const store::At& at = {});
// A claim that ends without being paid has its invoices no longer. `day`: as with Tx::Put.
absl::Status FreeInvoices(store::Tx& tx, const std::string& claim,
                          std::optional<base::Date> day = std::nullopt);
// The claim of the claimant that owes a demand past its day.
absl::StatusOr<std::optional<Origin>> OwesPastDue(const store::Reader& reader,
                                                  const std::string& claimant);
// Closes the open deadlines of a claim of one kind.
absl::Status CloseDeadlines(store::Tx& tx, const std::string& claim, absl::string_view kind,
                            cases::Deadline::State state);

// rpc::GatherThenWrite of facts: `gather` gives them, `run` has them.
template <class Response, class Request, class Gather, class Run>
absl::StatusOr<Response> GatherThenWrite(Env& env, rpc::Call& call, const Request& request,
                                         const Gather& gather, const Run& run) {
  std::decay_t<decltype(gather())> facts = absl::UnknownError("not gathered");
  return rpc::GatherThenWrite<Response>(
      *env.store, call, request,
      [&] {
        facts = gather();
        return facts.status();
      },
      [&](store::Tx& tx) -> absl::StatusOr<Response> { return run(tx, *facts); });
}

// What cannot be signed, now or again: CheckSignable and CheckRates.
absl::Status CheckWhole(const Claim& claim, const std::vector<ExpenseRow>& expenses,
                        base::Date sign_date);

// The gate, and the lists that the register of grants keeps. GATE_NOT_CHECKED.
inline absl::StatusOr<Checked> AskGate(const Env& env, const rpc::Call& call,
                                       const cases::GateQuestion& question) {
  const auto lists = [&env](const rpc::Call& asking, const std::string& recipient, base::Date day) {
    return env.sources->Lists(asking, {recipient, day});
  };
  return cases::AskGate(*env.gate, lists, call, question);
}

// ---- The list of a day (list_of_day.cc)

// The entry that covers a code in the edition in force on a day, as a fact; nullopt where none
// does. Of one edition each asks once.
class ListOfDay {
 public:
  static absl::StatusOr<ListOfDay> On(const store::Reader& reader, base::Date day);
  // The edition's name; empty where none was in force.
  const std::string& edition() const { return edition_; }
  absl::StatusOr<std::optional<Told>> Find(const std::string& code);

 private:
  explicit ListOfDay(const store::Reader& reader) : reader_(&reader) {}

  const store::Reader* reader_;
  int32_t number_ = 0;
  std::string edition_;
  std::map<std::string, std::optional<Told>> known_;
};

// ---- Examination of expenses (examination.cc)

// What others told of the expenses of a claim, gathered before the transaction, and for which
// version of the claim.
struct Gathered {
  bool answered = true;  // false: nothing was told of what is not examined
  std::string etag;
  base::Date sign_date;
  bool sizes_of_period = true;  // ClaimRow has it; of a draft it will
  std::map<Asked, Standing> suppliers;
};
absl::StatusOr<Gathered> GatherFacts(Env& env, const rpc::Call& call, const ClaimRow& row,
                                     const std::vector<ExpenseRow>& expenses, base::Date sign_date);

// What one expense is judged by beside itself. `taken`: whether another one has its invoice;
// `etag`: under which it is recorded.
absl::StatusOr<ExpenseFacts> FactsFor(const Gathered& gathered, ListOfDay* list, bool taken,
                                      const std::string& etag, const Expense& expense);

// Examines what is not examined yet, puts it, and finds the sum of the claim.
absl::Status ExamineAll(const Env& env, store::Tx& tx, const Gathered& facts, ClaimRow* row);
// What an examiner has found of costs that were reimbursed before (DecidePartRequest), and the sum
// of the claim by it. INVALID_FIELD for what is no expense of the claim.
using FoundReimbursed = google::protobuf::RepeatedPtrField<v1::FoundReimbursed>;
absl::Status TakeFound(const Env& env, store::Tx& tx, const FoundReimbursed& found,
                       const std::string& subject, ClaimRow* row);
// Before it is decided: a line that failed by its invoice alone counts when that is free by now.
// How many lines do since that have an alike invoice, which nobody has compared.
absl::StatusOr<int> LookAgain(const Env& env, store::Tx& tx, ClaimRow* row);
// Whether it would find so of a line.
absl::StatusOr<bool> IsFreed(const store::Reader& reader, const ExpenseRow& row,
                             const store::At& at = {});
// The claim's sum by expenses that are examined.
absl::StatusOr<Decision> CalculateOf(const Env& env, const Claim& claim,
                                     const std::vector<ExpenseRow>& expenses, base::Date sign_date,
                                     const std::string& etag);

// ---- Invoices (invoices.cc)

// Whether another expense has the invoice of this one, as the two are now: of the register, or,
// where that is not to be told yet, of the same claimant.
enum class Among { kRegister, kOwn };
absl::StatusOr<bool> InvoiceTaken(const store::Reader& reader, const ExpenseRow& row,
                                  const InvoiceMarks& marks, Among among, const store::At& at = {});
// Of many, in the order of `rows`, with two walks instead of two looks each: the invoices of a
// claim have few issuers and lie close together.
struct Marked {
  const ExpenseRow* row;
  InvoiceMarks marks;
};
absl::StatusOr<std::vector<bool>> InvoicesTaken(const store::Reader& reader,
                                                const std::vector<Marked>& rows, Among among,
                                                const store::At& at = {});
// How many of one number and day are read for it: it is asked within commands, of each expense.
inline constexpr int kMostCompared = 100;
// Names of expenses that have an invoice which is perhaps that of a given one: an official compares
// them. `more`: there are more of its number and day than are read, so perhaps more of these.
struct Alike {
  std::vector<std::string> others;
  bool more = false;

  bool any() const { return more || !others.empty(); }
};
absl::StatusOr<Alike> AlikeOf(const store::Reader& reader, const ExpenseRow& row,
                              const store::At& at = {});
// How many expenses of a claim have such, or perhaps have.
absl::StatusOr<int> CountAlike(const store::Reader& reader, const std::string& claim);

// ---- The queue (queue.cc)

// What is free in this year's account.
absl::StatusOr<base::Money> AvailableOn(const store::Reader& reader, base::Date day);
// Reserves the money of claims that wait, in the order of their numbers, as far as it goes: a later
// one never before an earlier one, and where one was accepted before an earlier one it gives its
// money back, unless it is agreed on. One that failed the second check gets none. What is too much
// for one command goes on by timer. What is held in a year that is over is not taken before that
// year is closed.
absl::Status ServeQueue(const Env& env, store::Tx& tx);
// The number of an earlier claim that is ready to be paid; 0: none. One that has failed the second
// check by the last notice of its case, or by the lists when that was used, is not.
absl::StatusOr<int64_t> ReadyBefore(const store::Reader& reader, int64_t number);
// Takes money that is held for a claim back, where there is any, for those that wait.
absl::Status ReleaseMoney(store::Tx& tx, const std::string& subject, Claim* claim);
// Before a posting that brought money is undone: what of it is held for claims that are not agreed
// on is given back, the last first, as nobody is paid what was never there. What is agreed on
// stays: then the undoing is BUDGET_EXCEEDED, and nothing has changed.
absl::Status FreeToUndo(const Env& env, store::Tx& tx, const std::string& posting);
// A posting of the register's one programme in this year's account; a COMMIT, RELEASE, PAY or
// UNCOMMIT out of the one that holds what was reserved or committed for the record.
absl::StatusOr<std::string> PostFor(store::Tx& tx, int kind, base::Money amount,
                                    const std::string& record, const std::string& subject);

// ---- Demands past due and the list of unreliable recipients (debts.cc)

// Leaves word for the register of grants, which keeps the list, in the command that changes the
// demand; the caller puts the claim. It reaches it when that answers, in order, and counts once.
// That the demand is past due from a day on:
void TellPastDue(store::Tx& tx, base::Date from, ClaimRow* row);
// That nothing is owed any more, where it was told that something is. `in_time`: all had come by
// the due date and was recorded late, so that it was never owed past it.
void TellSettled(store::Tx& tx, const std::string& reason, bool in_time, ClaimRow* row);
// Notes in the claim that the list has it, or why that was refused: rpc::Delivery::note. What is
// refused holds up nothing behind it, and is told again by a timer.
absl::Status NoteTold(store::Tx& tx, const store::OutboxMessage& message,
                      const absl::StatusOr<std::string>& said);
absl::Status TellAgain(store::Tx& tx, absl::string_view payload, absl::Time due);
// Tells once more, every day, what was told last of a claim and confirmed: a timer's.
absl::Status TellDaily(store::Tx& tx, absl::string_view payload, absl::Time due);
// How many demands wait for that, for the metrics.
std::vector<store::Figure> DebtFigures(const store::Store& store);
// The methods that are told by; for the check at the start that there is a way to them.
std::vector<const google::protobuf::MethodDescriptor*> ToldBy();

// ---- What happens by itself

// Timers run until the store ends, after the service.
cases::OverdueFns OverdueActs(std::shared_ptr<const Env> env);

}  // namespace nisi::export_refunds
