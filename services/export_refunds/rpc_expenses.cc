#include "absl/strings/str_cat.h"
#include "common/cases/findings.h"
#include "common/cases/refusals.h"
#include "google/protobuf/util/message_differencer.h"
#include "services/export_refunds/errors.h"
#include "services/export_refunds/rpcs.h"
#include "services/export_refunds/rules_invoice.h"

namespace nisi::export_refunds {
namespace {

// Of one claim: what a calculation, its answer and a command must hold.
constexpr int32_t kMostExpenses = 1000;

struct ExpenseKey {
  std::string claim;
  int32_t number;

  store::Key key() const { return store::Key::Of(claim, number); }
};

absl::StatusOr<ExpenseKey> ExpenseKeyOf(const std::string& name) {
  ASSIGN_OR_RETURN(const int32_t number, rpc::NumberIn(name, "claims/*/expenses/*", 1));
  return ExpenseKey{name.substr(0, name.find("/expenses/")), number};
}

absl::Status SetNet(const std::string& path, Expense* expense) {
  ASSIGN_OR_RETURN(const base::Money net, NetOf(*expense, path));
  *expense->mutable_net() = net.ToProto();
  return absl::OkStatus();
}

// What signing would find of an expense by what this register knows.
absl::StatusOr<std::vector<std::string>> Foresee(const Env& env, const store::Tx& tx,
                                                 const ExpenseRow& row, ListOfDay* list,
                                                 Invoices* invoices) {
  const Expense& expense = row.expense();
  std::vector<std::string> unsatisfied;
  ASSIGN_OR_RETURN(const std::optional<Told> entry, list->Find(CodeOf(expense)));
  if (!entry.has_value()) unsatisfied.emplace_back("ON_LIST");
  ASSIGN_OR_RETURN(const int64_t months, env.norms->Int("export_refunds.cost_months", tx.today()));
  ASSIGN_OR_RETURN(const base::Date paid_on, base::Date::FromProto(expense.payment_date()));
  if (paid_on < FirstDayOf(tx.today(), months)) unsatisfied.emplace_back("PAID_WITHIN_MONTHS");
  // Whether others have it is not told for the asking: the signed claim gets the finding.
  const InvoiceMarks marks = MarksOf(expense);
  ASSIGN_OR_RETURN(const bool taken, InvoiceTaken(tx, row, marks, Among::kOwn));
  if (taken || invoices->Has(marks)) unsatisfied.emplace_back("INVOICE_NOT_PAID_BEFORE");
  if (expense.reimbursed_before()) unsatisfied.emplace_back("NOT_REIMBURSED_BEFORE");
  return unsatisfied;
}

}  // namespace

absl::StatusOr<v1::AddExpensesResponse> AddExpenses(Env& env, const Call& call, store::Tx& tx,
                                                    const v1::AddExpensesRequest& request) {
  ASSIGN_OR_RETURN(ClaimStep step,
                   BeginClaim(tx, call, ClaimVerb::kEdit, request.parent(), request.etag()));
  RETURN_IF_ERROR(CheckRemarked(step.row, "expenses"));
  Claim& claim = *step.row.mutable_claim();
  if (claim.expense_count() + request.expenses_size() > kMostExpenses) {
    return errors::ExpensesFull(kMostExpenses);
  }
  ASSIGN_OR_RETURN(ListOfDay list, ListOfDay::On(tx, tx.today()));
  Invoices invoices;
  ASSIGN_OR_RETURN(const std::vector<ExpenseRow> before, ExpensesOf(tx, claim.name()));
  for (const ExpenseRow& row : before) invoices.Add(MarksOf(row.expense()));
  v1::AddExpensesResponse response;
  for (int i = 0; i < request.expenses_size(); ++i) {
    const std::string path = absl::StrCat("expenses[", i, "]");
    ExpenseRow row;
    row.set_claim(claim.name());
    row.set_number(step.row.last_expense() + 1);
    step.row.set_last_expense(row.number());
    Expense& expense = *row.mutable_expense();
    expense = request.expenses(i);
    expense.set_name(ExpenseName(claim.name(), row.number()));
    expense.set_claimant(claim.claimant());
    RETURN_IF_ERROR(CheckExpense(expense, tx.today(), path));
    RETURN_IF_ERROR(SetNet(path, &expense));
    ASSIGN_OR_RETURN(const std::vector<std::string> unsatisfied,
                     Foresee(env, tx, row, &list, &invoices));
    if (!unsatisfied.empty()) {
      auto* note = response.add_notes();
      note->set_index(i);
      for (const std::string& rule : unsatisfied) note->add_unsatisfied(rule);
    }
    RETURN_IF_ERROR(tx.Put(kExpenses, &row));
    *response.add_expenses() = expense;
    invoices.Add(MarksOf(*response.expenses().rbegin()));
  }
  claim.set_expense_count(claim.expense_count() + request.expenses_size());
  step.row.set_mended(true);
  RETURN_IF_ERROR(FinishClaim(env, tx, &step));
  return response;
}

absl::StatusOr<v1::Expense> UpdateExpense(Env& env, const Call& call, store::Tx& tx,
                                          const v1::UpdateExpenseRequest& request) {
  ASSIGN_OR_RETURN(const ExpenseKey key, ExpenseKeyOf(request.expense().name()));
  ASSIGN_OR_RETURN(auto found,
                   rpc::FindFor(tx, call, kExpenses, key.key(), request.expense().name()));
  Expense& expense = *found.row.mutable_expense();
  const Expense before = expense;
  RETURN_IF_ERROR(rpc::CheckEtag(request.expense().etag(), expense.etag()));
  ASSIGN_OR_RETURN(ClaimStep step, BeginClaim(tx, call, ClaimVerb::kEdit, key.claim, ""));
  RETURN_IF_ERROR(rpc::ApplyUpdate(request.expense(), request.update_mask(), &expense, &call));
  // What stays as it was is not examined anew either: facts of others may be other ones by now.
  if (google::protobuf::util::MessageDifferencer::Equals(before, expense)) return expense;
  RETURN_IF_ERROR(
      CheckChangesRemarked(step.row, before, expense, absl::StrCat("expenses/", key.number, ".")));
  RETURN_IF_ERROR(CheckExpense(expense, tx.today(), "expense"));
  RETURN_IF_ERROR(SetNet("expense", &expense));
  // It is examined again when the claim is signed or answered; its invoice stays its own till then,
  // unless it is another one.
  expense.clear_examination();
  expense.clear_line();
  if (InvoiceKey(expense) != InvoiceKey(before)) found.row.set_holds_invoice(false);
  RETURN_IF_ERROR(tx.Put(kExpenses, &found.row));
  step.row.set_mended(true);
  RETURN_IF_ERROR(FinishClaim(env, tx, &step));
  return found.row.expense();
}

absl::StatusOr<v1::DeleteExpenseResponse> DeleteExpense(Env& env, const Call& call, store::Tx& tx,
                                                        const v1::DeleteExpenseRequest& request) {
  ASSIGN_OR_RETURN(const ExpenseKey key, ExpenseKeyOf(request.name()));
  ASSIGN_OR_RETURN(auto found, rpc::FindFor(tx, call, kExpenses, key.key(), request.name()));
  RETURN_IF_ERROR(rpc::CheckEtag(request.etag(), found.row.expense().etag()));
  ASSIGN_OR_RETURN(ClaimStep step, BeginClaim(tx, call, ClaimVerb::kEdit, key.claim, ""));
  // A remark on one of its fields does not let it go.
  if (!CheckRemarked(step.row, "expenses").ok()) {
    RETURN_IF_ERROR(CheckRemarked(step.row, absl::StrCat("expenses/", key.number)));
  }
  RETURN_IF_ERROR(tx.End(kExpenses, key.key()));
  Claim& claim = *step.row.mutable_claim();
  claim.set_expense_count(claim.expense_count() - 1);
  step.row.set_mended(true);
  RETURN_IF_ERROR(FinishClaim(env, tx, &step));
  return v1::DeleteExpenseResponse();
}

absl::StatusOr<Encoded<v1::Expense>> GetExpense(Env& env, Call& call,
                                                const v1::GetExpenseRequest& request) {
  ASSIGN_OR_RETURN(const ExpenseKey key, ExpenseKeyOf(request.name()));
  return rpc::GetRecord<Expense>(*env.store, call, kExpenses, key.key(), request);
}

absl::StatusOr<v1::Replays> ReplayExpense(Env& env, Call& call,
                                          const v1::ReplayExpenseRequest& request) {
  ASSIGN_OR_RETURN(const ExpenseKey key, ExpenseKeyOf(request.name()));
  const store::View view = env.store->Read();
  ASSIGN_OR_RETURN(const auto found,
                   rpc::FindFor(view, call, kExpenses, key.key(), request.name()));
  const Expense& expense = found.row.expense();
  if (!expense.has_examination()) return cases::DecisionMissing(errors::Rules());
  v1::Replays replays;
  replays.set_name(expense.name());
  replays.set_claimant(expense.claimant());
  ASSIGN_OR_RETURN(*replays.add_replays(), cases::ReplayAnswer<v1::Replays::Replay>(
                                               expense.examination(), ReplayExamination));
  replays.mutable_replays(0)->set_field("examination");
  return replays;
}

absl::StatusOr<Encoded<v1::ListExpensesResponse>> ListExpenses(
    Env& env, Call& call, const v1::ListExpensesRequest& request) {
  ASSIGN_OR_RETURN(rpc::ListPlan plan, rpc::PlanList(kExpenses, request, call));
  plan.prefix = store::Key::Of(request.parent());
  RETURN_IF_ERROR(rpc::CheckParent(*env.store, call, kClaims, request.parent(), plan.at));
  plan.show = rpc::ShowTo<Expense>(call);
  return rpc::ListAs<v1::ListExpensesResponse>(*env.store, plan);
}

}  // namespace nisi::export_refunds
