// An invoice is paid once in the register's life: who has it, and who has one that is like it.
#include "services/export_refunds/env.h"
#include "services/export_refunds/rpcs.h"
#include "services/export_refunds/rules_invoice.h"

namespace nisi::export_refunds {
namespace {

bool IsSelf(const ExpenseRow& one, const ExpenseRow& other) {
  return one.claim() == other.claim() && one.number() == other.number();
}

// Whether another one that counts stands under the beginning of a key. Of those that certainly are
// of one invoice there are few: no two that are the same one hold it.
absl::StatusOr<bool> HasOther(const store::Reader& reader, const store::Index<ExpenseRow>& index,
                              const store::Key& prefix, const ExpenseRow& row, bool numbered_count,
                              const store::At& at) {
  bool other = false;
  RETURN_IF_ERROR(
      reader.Scan(index, {prefix, ""}, at,
                  [&](const store::RowView& view, absl::string_view) -> absl::StatusOr<bool> {
                    ASSIGN_OR_RETURN(const auto stored, store::Reader::Parse<ExpenseRow>(view));
                    const bool is_numbered = !stored.row.expense().issuer_number().empty();
                    other = !IsSelf(row, stored.row) && (numbered_count || !is_numbered);
                    return !other;
                  }));
  return other;
}

}  // namespace

absl::StatusOr<bool> InvoiceTaken(const store::Reader& reader, const ExpenseRow& row,
                                  const InvoiceMarks& marks, Among among, const store::At& at) {
  const Expense& expense = row.expense();
  const bool own = among == Among::kOwn;
  if (!marks.id.empty()) {
    ASSIGN_OR_RETURN(const bool taken,
                     HasOther(reader, kExpensesByIssuer, IssuerIdKey(expense, marks, own), row,
                              /*numbered_count=*/true, at));
    if (taken) return true;
  }
  // By its name, where one of the two has no number.
  return HasOther(reader, kExpensesByIssuerName, IssuerNameKey(expense, marks, own), row,
                  /*numbered_count=*/!marks.is_numbered, at);
}

absl::StatusOr<Alike> AlikeOf(const store::Reader& reader, const ExpenseRow& row,
                              const store::At& at) {
  Alike alike;
  int looked = 0;
  RETURN_IF_ERROR(reader.Scan(
      kExpensesByNumber, {NumberKey(row.expense()), ""}, at,
      [&](const store::RowView& view, absl::string_view) -> absl::StatusOr<bool> {
        if (++looked > kMostCompared) {
          alike.more = true;
          return false;
        }
        ASSIGN_OR_RETURN(auto stored, store::Reader::Parse<ExpenseRow>(view));
        if (!IsSelf(row, stored.row) &&
            CompareInvoices(row.expense(), stored.row.expense()) == Sameness::kAlike) {
          alike.others.push_back(std::move(*stored.row.mutable_expense()->mutable_name()));
        }
        return true;
      }));
  return alike;
}

absl::StatusOr<int> CountAlike(const store::Reader& reader, const std::string& claim) {
  ASSIGN_OR_RETURN(const std::vector<ExpenseRow> expenses, ExpensesOf(reader, claim));
  int count = 0;
  for (const ExpenseRow& row : expenses) {
    if (!row.holds_invoice()) continue;
    ASSIGN_OR_RETURN(const Alike alike, AlikeOf(reader, row));
    count += alike.any() ? 1 : 0;
  }
  return count;
}

absl::StatusOr<v1::ListAlikeInvoicesResponse> ListAlikeInvoices(
    Env& env, Call& call, const v1::ListAlikeInvoicesRequest& request) {
  ASSIGN_OR_RETURN(const store::At at, rpc::AtOf(request));
  const store::View view = env.store->Read();
  RETURN_IF_ERROR(rpc::FindFor(view, call, kClaims, store::Key::Of(request.parent()),
                               request.parent(), nullptr, at)
                      .status());
  ASSIGN_OR_RETURN(const std::vector<ExpenseRow> expenses, ExpensesOf(view, request.parent(), at));
  v1::ListAlikeInvoicesResponse response;
  for (const ExpenseRow& row : expenses) {
    // One that is free by now counts when the claim is decided on, so it is compared before.
    ASSIGN_OR_RETURN(const bool freed, IsFreed(view, row, at));
    if (!row.holds_invoice() && !freed) continue;
    ASSIGN_OR_RETURN(const Alike alike, AlikeOf(view, row, at));
    if (!alike.any()) continue;
    auto* invoice = response.add_invoices();
    invoice->set_expense(row.expense().name());
    for (const std::string& other : alike.others) invoice->add_alike(other);
    invoice->set_more(alike.more);
  }
  return response;
}

}  // namespace nisi::export_refunds
