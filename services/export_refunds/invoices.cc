// An invoice is paid once in the register's life: who has it, and who has one that is like it.
#include "services/export_refunds/env.h"
#include "services/export_refunds/rpcs.h"
#include "services/export_refunds/rules_invoice.h"

namespace nisi::export_refunds {
namespace {

bool IsSelf(const ExpenseRow& one, const ExpenseRow& other) {
  return one.claim() == other.claim() && one.number() == other.number();
}

// Marks those of `rows`, named by `which`, under whose key in an index another one stands that
// counts. Of those that certainly are of one invoice there are few: no two that are the same one
// hold it.
absl::Status FindOthers(const store::Reader& reader, const store::Index<ExpenseRow>& index,
                        const std::vector<store::Key>& prefixes, const std::vector<size_t>& which,
                        const std::vector<Marked>& rows, bool by_name, const store::At& at,
                        std::vector<bool>* taken) {
  return reader.ScanEach(
      index, prefixes, at, [&](size_t i, const store::RowView& view) -> absl::StatusOr<bool> {
        const auto& [row, marks] = rows[which[i]];
        ASSIGN_OR_RETURN(const auto stored, store::Reader::Parse<ExpenseRow>(view));
        // By its name, where one of the two has no number.
        const bool counts =
            !by_name || !marks.is_numbered || stored.row.expense().issuer_number().empty();
        const bool other = counts && !IsSelf(*row, stored.row);
        if (other) (*taken)[which[i]] = true;
        return !other;
      });
}

}  // namespace

absl::StatusOr<std::vector<bool>> InvoicesTaken(const store::Reader& reader,
                                                const std::vector<Marked>& rows, Among among,
                                                const store::At& at) {
  const bool own = among == Among::kOwn;
  std::vector<bool> taken(rows.size());
  std::vector<store::Key> prefixes;
  std::vector<size_t> which;
  for (size_t i = 0; i < rows.size(); ++i) {
    if (rows[i].marks.id.empty()) continue;
    prefixes.push_back(IssuerIdKey(rows[i].row->expense(), rows[i].marks, own));
    which.push_back(i);
  }
  RETURN_IF_ERROR(FindOthers(reader, kExpensesByIssuer, prefixes, which, rows,
                             /*by_name=*/false, at, &taken));
  prefixes.clear();
  which.clear();
  for (size_t i = 0; i < rows.size(); ++i) {
    if (taken[i]) continue;
    prefixes.push_back(IssuerNameKey(rows[i].row->expense(), rows[i].marks, own));
    which.push_back(i);
  }
  RETURN_IF_ERROR(FindOthers(reader, kExpensesByIssuerName, prefixes, which, rows,
                             /*by_name=*/true, at, &taken));
  return taken;
}

absl::StatusOr<bool> InvoiceTaken(const store::Reader& reader, const ExpenseRow& row,
                                  const InvoiceMarks& marks, Among among, const store::At& at) {
  ASSIGN_OR_RETURN(const std::vector<bool> taken,
                   InvoicesTaken(reader, {{&row, marks}}, among, at));
  return taken.front();
}

absl::StatusOr<Alike> AlikeOf(const store::Reader& reader, const ExpenseRow& row,
                              const store::At& at) {
  Alike alike;
  int looked = 0;
  RETURN_IF_ERROR(reader.Scan(
      kExpensesByLook, {LookKey(row.expense()), ""}, at,
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
