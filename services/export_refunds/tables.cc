#include "services/export_refunds/tables.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "common/base/date.h"
#include "common/cases/budget.h"
#include "common/cases/deadlines.h"
#include "common/cases/gate.h"
#include "services/export_refunds/rules_invoice.h"
#include "services/export_refunds/rules_list.h"

namespace nisi::export_refunds {
using store::EmitKey;
using store::Key;

const store::Table<EditionRow> kLists{1, "lists",
                                      [](const EditionRow& row) { return Key::Of(row.number()); }};
const store::Index<EditionRow> kListsByState{
    2, "lists_by_state", kLists, false, [](const EditionRow& row, const EmitKey& emit) {
      emit(Key::Of(static_cast<int64_t>(row.edition().state())));
    }};
const store::Index<EditionRow> kListsByEffectiveDay{
    3, "lists_by_effective_day", kLists, true, [](const EditionRow& row, const EmitKey& emit) {
      const auto day = base::Date::FromProto(row.edition().effective_from());
      if (IsPublished(row.edition().state()) && day.ok()) emit(Key::Of(*day));
    }};
const store::Table<EntryRow> kEntries{
    4, "entries", [](const EntryRow& row) { return Key::Of(row.edition(), CodeOf(row.entry())); }};

const store::Table<ClaimRow> kClaims{
    5, "claims", [](const ClaimRow& row) { return Key::Of(row.claim().name()); }};
const store::Index<ClaimRow> kClaimsByClaimant{
    6, "claims_by_claimant", kClaims, false,
    [](const ClaimRow& row, const EmitKey& emit) { emit(Key::Of(row.claim().claimant())); }};
const store::Index<ClaimRow> kClaimsByState{
    7, "claims_by_state", kClaims, false, [](const ClaimRow& row, const EmitKey& emit) {
      emit(Key::Of(static_cast<int64_t>(row.claim().state()), row.claim().number()));
    }};
const store::Index<ClaimRow> kQueue{
    8, "queue", kClaims, true, [](const ClaimRow& row, const EmitKey& emit) {
      const v1::Claim::State state = row.claim().state();
      if (state == v1::Claim::ACCEPTED || state == v1::Claim::GATE_2 ||
          state == v1::Claim::AGREEMENT_SIGNED) {
        emit(Key::Of(row.claim().number()));
      }
    }};

const store::Table<ExpenseRow> kExpenses{
    9, "expenses", [](const ExpenseRow& row) { return Key::Of(row.claim(), row.number()); }};
const store::Index<ExpenseRow> kExpensesByInvoice{10,
                                                  "expenses_by_invoice",
                                                  kExpenses,
                                                  true,
                                                  [](const ExpenseRow& row, const EmitKey& emit) {
                                                    if (row.holds_invoice())
                                                      emit(InvoiceKey(row.expense()));
                                                  },
                                                  /*is_secret=*/true};

const store::Table<ExportReportRow> kReports{11, "reports", [](const ExportReportRow& row) {
                                               return Key::Of(row.claim(), row.report().year());
                                             }};

const store::Index<ClaimRow> kRefusedDebts{12,
                                           "refused_debts",
                                           kClaims,
                                           false,
                                           [](const ClaimRow& row, const EmitKey& emit) {
                                             if (!row.claim().demand().listing_refusal().empty())
                                               emit(Key::Of(row.claim().name()));
                                           },
                                           /*is_secret=*/true};

const store::Index<ExpenseRow> kExpensesByIssuer{
    14,
    "expenses_by_issuer",
    kExpenses,
    false,
    [](const ExpenseRow& row, const EmitKey& emit) {
      if (!row.holds_invoice()) return;
      const InvoiceMarks marks = MarksOf(row.expense());
      if (!marks.id.empty()) emit(IssuerIdKey(row.expense(), marks, /*of_claimant=*/true));
    },
    /*is_secret=*/true};
const store::Index<ExpenseRow> kExpensesByIssuerName{
    15,
    "expenses_by_issuer_name",
    kExpenses,
    false,
    [](const ExpenseRow& row, const EmitKey& emit) {
      if (!row.holds_invoice()) return;
      emit(IssuerNameKey(row.expense(), MarksOf(row.expense()), /*of_claimant=*/true));
    },
    /*is_secret=*/true};
const store::Index<ExpenseRow> kExpensesByLook{16,
                                               "expenses_by_look",
                                               kExpenses,
                                               false,
                                               [](const ExpenseRow& row, const EmitKey& emit) {
                                                 if (row.holds_invoice())
                                                   emit(LookKey(row.expense()));
                                               },
                                               /*is_secret=*/true};

const store::Schema& ExportRefundsSchema() {
  static const auto* const kSchema = new store::Schema(cases::WithNotices(cases::WithBudget(
      cases::WithDeadlines({"export-refunds",
                            1,
                            {&kLists, &kEntries, &kClaims, &kExpenses, &kReports},
                            {&kListsByState, &kListsByEffectiveDay, &kClaimsByClaimant,
                             &kClaimsByState, &kQueue, &kExpensesByInvoice, &kRefusedDebts,
                             &kExpensesByIssuer, &kExpensesByIssuerName, &kExpensesByLook},
                            {},
                            {},
                            {13}}))));
  return *kSchema;
}

std::string EditionName(int32_t number) {
  return absl::StrCat("lists/", number);
}
std::string EntryName(int32_t edition, const std::string& code) {
  // A name has no dots: the service 62.01 is entries/62-01.
  return absl::StrCat(EditionName(edition), "/entries/", absl::StrReplaceAll(code, {{".", "-"}}));
}
std::string ExpenseName(const std::string& claim, int32_t number) {
  return absl::StrCat(claim, "/expenses/", number);
}
std::string ReportName(const std::string& claim, int32_t year) {
  return absl::StrCat(claim, "/reports/", year);
}

Key InvoiceKey(const v1::Expense& expense) {
  return Key::Of(IssuerKey(expense), OneSpellingOfNumber(expense.invoice_number()),
                 base::Date::FromProto(expense.invoice_date()).value_or(base::Date()));
}
Key LookKey(const v1::Expense& expense) {
  return Key::Of(LookOfNumber(expense.invoice_number()),
                 base::Date::FromProto(expense.invoice_date()).value_or(base::Date()));
}
Key IssuerIdKey(const v1::Expense& expense, const InvoiceMarks& marks, bool of_claimant) {
  return of_claimant ? Key::Of(marks.id, marks.number, marks.day, expense.claimant())
                     : Key::Of(marks.id, marks.number, marks.day);
}
Key IssuerNameKey(const v1::Expense& expense, const InvoiceMarks& marks, bool of_claimant) {
  return of_claimant ? Key::Of(marks.name, marks.number, marks.day, expense.claimant())
                     : Key::Of(marks.name, marks.number, marks.day);
}

const std::string& CodeOf(const v1::Entry& entry) {
  return entry.goods_code().empty() ? entry.oked() : entry.goods_code();
}

}  // namespace nisi::export_refunds
