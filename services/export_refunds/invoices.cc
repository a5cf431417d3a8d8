// An invoice is paid once in the register's life: who has it, and who has one that is like it.
#include "services/export_refunds/env.h"
#include "services/export_refunds/rpcs.h"
#include "services/export_refunds/rules_invoice.h"

namespace nisi::export_refunds {
namespace {

bool IsSelf(const ExpenseRow& one, const ExpenseRow& other) {
  return one.claim() == other.claim() && one.number() == other.number();
}

// The others that hold an invoice of this number and day: of whatever issuer, so they are few.
absl::StatusOr<std::vector<ExpenseRow>> OthersOf(const store::Reader& reader,
                                                 const ExpenseRow& row) {
  ASSIGN_OR_RETURN(std::vector<ExpenseRow> others,
                   cases::AllOf(reader, kExpensesByNumber, NumberKey(row.expense())));
  std::erase_if(others, [&](const ExpenseRow& other) { return IsSelf(row, other); });
  return others;
}

}  // namespace

absl::StatusOr<bool> InvoiceTaken(const store::Reader& reader, const ExpenseRow& row, Among among) {
  ASSIGN_OR_RETURN(const std::vector<ExpenseRow> others, OthersOf(reader, row));
  for (const ExpenseRow& other : others) {
    if (among == Among::kOwn && other.expense().claimant() != row.expense().claimant()) continue;
    if (CompareInvoices(row.expense(), other.expense()) == Sameness::kSame) return true;
  }
  return false;
}

absl::StatusOr<std::vector<ExpenseRow>> AlikeOf(const store::Reader& reader,
                                                const ExpenseRow& row) {
  ASSIGN_OR_RETURN(std::vector<ExpenseRow> others, OthersOf(reader, row));
  std::erase_if(others, [&](const ExpenseRow& other) {
    return CompareInvoices(row.expense(), other.expense()) != Sameness::kAlike;
  });
  return others;
}

absl::StatusOr<int> CountAlike(const store::Reader& reader, const std::string& claim) {
  ASSIGN_OR_RETURN(const std::vector<ExpenseRow> expenses, ExpensesOf(reader, claim));
  int alike = 0;
  for (const ExpenseRow& row : expenses) {
    if (!row.holds_invoice()) continue;
    ASSIGN_OR_RETURN(const std::vector<ExpenseRow> others, AlikeOf(reader, row));
    alike += others.empty() ? 0 : 1;
  }
  return alike;
}

absl::StatusOr<v1::ListAlikeInvoicesResponse> ListAlikeInvoices(
    Env& env, Call& call, const v1::ListAlikeInvoicesRequest& request) {
  const store::View view = env.store->Read();
  RETURN_IF_ERROR(
      rpc::FindFor(view, call, kClaims, store::Key::Of(request.parent()), request.parent())
          .status());
  ASSIGN_OR_RETURN(const std::vector<ExpenseRow> expenses, ExpensesOf(view, request.parent()));
  v1::ListAlikeInvoicesResponse response;
  for (const ExpenseRow& row : expenses) {
    if (!row.holds_invoice()) continue;
    ASSIGN_OR_RETURN(const std::vector<ExpenseRow> others, AlikeOf(view, row));
    if (others.empty()) continue;
    auto* invoice = response.add_invoices();
    invoice->set_expense(row.expense().name());
    for (const ExpenseRow& other : others) invoice->add_alike(other.expense().name());
  }
  return response;
}

}  // namespace nisi::export_refunds
