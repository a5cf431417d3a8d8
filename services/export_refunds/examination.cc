// Whether expenses count and what they come to: facts from others first, then, in the transaction,
// the list of the day and the invoices of the register.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "services/export_refunds/env.h"
#include "services/export_refunds/errors.h"

namespace nisi::export_refunds {

using base::Money;

namespace {

constexpr char kInvoiceRule[] = "INVOICE_NOT_PAID_BEFORE";

absl::Status SetSum(const Env& env, store::Tx& tx, const std::vector<ExpenseRow>& expenses,
                    base::Date sign_date, Claim* claim) {
  ASSIGN_OR_RETURN(Decision sum, CalculateOf(env, *claim, expenses, sign_date, tx.etag()));
  SetDecideTime(tx, &sum);
  ASSIGN_OR_RETURN(const Money amount, Money::Parse(sum.outcome()));
  *claim->mutable_calculation() = std::move(sum);
  *claim->mutable_calculated() = amount.ToProto();
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Gathered> GatherFacts(Env& env, const rpc::Call& call, const ClaimRow& row,
                                     const std::vector<ExpenseRow>& expenses,
                                     base::Date sign_date) {
  Gathered facts;
  facts.etag = row.claim().etag();
  facts.sign_date = sign_date;
  facts.sizes_of_period = row.claim().state() == Claim::DRAFT || row.sizes_of_period();
  std::set<Asked> asked;
  for (const ExpenseRow& one : expenses) {
    const Expense& expense = one.expense();
    if (expense.has_examination()) continue;
    ASSIGN_OR_RETURN(const base::Date paid_on, base::Date::FromProto(expense.payment_date()));
    asked.emplace(ProducerOf(expense), paid_on);
    if (!IsBySize(expense)) continue;
    asked.emplace(expense.claimant(), facts.sizes_of_period ? paid_on : sign_date);
  }
  if (asked.empty()) return facts;
  ASSIGN_OR_RETURN(facts.suppliers, env.sources->Suppliers(call, asked));
  return facts;
}

absl::StatusOr<ExpenseFacts> FactsFor(const Gathered& gathered, ListOfDay* list, bool taken,
                                      const std::string& etag, const Expense& expense) {
  ExpenseFacts facts;
  facts.sign_date = gathered.sign_date;
  ASSIGN_OR_RETURN(facts.entry, list->Find(CodeOf(expense)));
  ASSIGN_OR_RETURN(const base::Date paid_on, base::Date::FromProto(expense.payment_date()));
  const auto of = [&](const std::string& bin, base::Date day) -> absl::StatusOr<Standing> {
    const auto known = gathered.suppliers.find({bin, day});
    if (known == gathered.suppliers.end()) return errors::NotAnswered("suppliers", "CheckDomestic");
    return known->second;
  };
  ASSIGN_OR_RETURN(const Standing producer, of(ProducerOf(expense), paid_on));
  facts.producer = producer.producer;
  if (IsBySize(expense)) {
    if (gathered.sizes_of_period) facts.size_day = paid_on;
    ASSIGN_OR_RETURN(const Standing claimant,
                     of(expense.claimant(), facts.size_day.value_or(gathered.sign_date)));
    facts.size = claimant.size;
  }
  facts.invoice_taken = taken;
  facts.etag = etag;
  return facts;
}

absl::StatusOr<Decision> CalculateOf(const Env& env, const Claim& claim,
                                     const std::vector<ExpenseRow>& expenses, base::Date sign_date,
                                     const std::string& etag) {
  if (!claim.has_taxes_paid()) return errors::ClaimIncomplete("taxes_paid");
  Limits limits;
  for (const ExpenseRow& row : expenses) {
    ASSIGN_OR_RETURN(const Money amount, Money::FromProto(row.expense().line().amount()));
    const auto sum = limits.lines.Add(amount);
    if (!sum.ok()) return base::InvalidField("expenses", "come to more than 10^15 tenge");
    limits.lines = *sum;
  }
  limits.expense_count = static_cast<int32_t>(expenses.size());
  ASSIGN_OR_RETURN(limits.taxes_paid, Money::FromProto(claim.taxes_paid()));
  limits.sign_date = sign_date;
  limits.claim = claim.name();
  limits.etag = etag;
  return Calculate(limits, *env.norms);
}

absl::Status ExamineAll(const Env& env, store::Tx& tx, const Gathered& facts, ClaimRow* row) {
  Claim& claim = *row->mutable_claim();
  ASSIGN_OR_RETURN(std::vector<ExpenseRow> expenses, ExpensesOf(tx, claim.name()));
  ASSIGN_OR_RETURN(ListOfDay list, ListOfDay::On(tx, facts.sign_date));
  ASSIGN_OR_RETURN(const ExpenseNorms norms, ExpenseNorms::On(*env.norms, facts.sign_date));
  row->set_has_delivery(false);
  for (ExpenseRow& expense : expenses) {
    if (expense.expense().kind() == v1::DELIVERY) row->set_has_delivery(true);
    if (expense.expense().has_examination()) continue;
    Expense& cost = *expense.mutable_expense();
    ASSIGN_OR_RETURN(const bool taken, InvoiceTaken(tx, expense, MarksOf(cost), Among::kRegister));
    ASSIGN_OR_RETURN(ExpenseFacts by, FactsFor(facts, &list, taken, tx.etag(), cost));
    by.register_version = VersionOf(tx);
    ASSIGN_OR_RETURN(*cost.mutable_examination(), ExamineExpense(cost, by, norms));
    ASSIGN_OR_RETURN(*cost.mutable_line(), LineOf(cost, by, norms));
    SetDecideTime(tx, cost.mutable_examination());
    // One that does not count for another reason is not reimbursed, and bars nobody who is.
    expense.set_holds_invoice(cost.line().unsatisfied().empty());
    RETURN_IF_ERROR(tx.Put(kExpenses, &expense));
  }
  row->set_to_examine(false);
  return SetSum(env, tx, expenses, facts.sign_date, &claim);
}

absl::Status TakeFound(const Env& env, store::Tx& tx, const FoundReimbursed& found,
                       const std::string& subject, ClaimRow* row) {
  if (found.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(std::vector<ExpenseRow> expenses, ExpensesOf(tx, row->claim().name()));
  for (int i = 0; i < found.size(); ++i) {
    const auto expense = std::find_if(expenses.begin(), expenses.end(), [&](const ExpenseRow& one) {
      return one.number() == found[i].expense();
    });
    if (expense == expenses.end()) {
      return base::InvalidField(absl::StrCat("found_reimbursed[", i, "].expense"),
                                "is no expense of the claim");
    }
    Expense& cost = *expense->mutable_expense();
    cost.set_found_reimbursed(found[i].source());
    cost.set_found_reimbursed_by(found[i].source().empty() ? "" : subject);
    // What did not count has no invoice: another may have got it since.
    ExpenseFacts by;
    ASSIGN_OR_RETURN(by.invoice_taken, InvoiceTaken(tx, *expense, MarksOf(cost), Among::kRegister));
    by.etag = tx.etag();
    by.register_version = VersionOf(tx);
    ASSIGN_OR_RETURN(Decision decision, ExamineReimbursed(cost, by));
    SetDecideTime(tx, &decision);
    ASSIGN_OR_RETURN(const Money amount, Money::Parse(decision.outcome()));
    *cost.mutable_line()->mutable_amount() = amount.ToProto();
    cost.mutable_line()->clear_unsatisfied();
    for (const std::string& rule : UnsatisfiedOf(decision)) {
      cost.mutable_line()->add_unsatisfied(rule);
    }
    *cost.mutable_examination() = std::move(decision);
    expense->set_holds_invoice(cost.line().unsatisfied().empty());
    RETURN_IF_ERROR(tx.Put(kExpenses, &*expense));
  }
  ASSIGN_OR_RETURN(const base::Date sign_date, base::Date::FromProto(row->claim().sign_date()));
  return SetSum(env, tx, expenses, sign_date, row->mutable_claim());
}

absl::StatusOr<bool> IsFreed(const store::Reader& reader, const ExpenseRow& row,
                             const store::At& at) {
  const auto& unsatisfied = row.expense().line().unsatisfied();
  if (unsatisfied.size() != 1 || unsatisfied[0] != kInvoiceRule) return false;
  ASSIGN_OR_RETURN(const bool taken,
                   InvoiceTaken(reader, row, MarksOf(row.expense()), Among::kRegister, at));
  return !taken;
}

absl::StatusOr<int> LookAgain(const Env& env, store::Tx& tx, ClaimRow* row) {
  ASSIGN_OR_RETURN(std::vector<ExpenseRow> expenses, ExpensesOf(tx, row->claim().name()));
  bool changed = false;
  int alike = 0;
  for (ExpenseRow& expense : expenses) {
    ASSIGN_OR_RETURN(const bool freed, IsFreed(tx, expense));
    if (!freed) continue;
    Expense& cost = *expense.mutable_expense();
    ASSIGN_OR_RETURN(Decision decision, ExamineFreed(cost.examination(), VersionOf(tx)));
    SetDecideTime(tx, &decision);
    ASSIGN_OR_RETURN(const Money amount, Money::Parse(decision.outcome()));
    *cost.mutable_examination() = std::move(decision);
    *cost.mutable_line()->mutable_amount() = amount.ToProto();
    cost.mutable_line()->clear_unsatisfied();
    expense.set_holds_invoice(true);
    RETURN_IF_ERROR(tx.Put(kExpenses, &expense));
    ASSIGN_OR_RETURN(const Alike others, AlikeOf(tx, expense));
    alike += others.any() ? 1 : 0;
    changed = true;
  }
  if (!changed) return 0;
  ASSIGN_OR_RETURN(const base::Date sign_date, base::Date::FromProto(row->claim().sign_date()));
  RETURN_IF_ERROR(SetSum(env, tx, expenses, sign_date, row->mutable_claim()));
  return alike;
}

}  // namespace nisi::export_refunds
