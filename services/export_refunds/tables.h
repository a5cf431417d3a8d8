// Everything this service keeps on disk.
#pragma once

#include <cstdint>
#include <string>

#include "common/store/table.h"
#include "nisi/export_refunds/v1/rows.pb.h"
#include "services/export_refunds/rules_invoice.h"

namespace nisi::export_refunds {

using v1::ClaimRow;
using v1::EditionRow;
using v1::EntryRow;
using v1::ExpenseRow;
using v1::ExportReportRow;

// Numbers are on disk: append only, never reuse. testdata/schema.golden shows every change.
extern const store::Table<EditionRow> kLists;         // 1: number
extern const store::Index<EditionRow> kListsByState;  // 2: state
extern const store::Index<EditionRow>
    kListsByEffectiveDay;                      // 3: effective_from; unique, approved ones only
extern const store::Table<EntryRow> kEntries;  // 4: edition, code of the good or service
extern const store::Table<ClaimRow> kClaims;   // 5: name
extern const store::Index<ClaimRow> kClaimsByClaimant;  // 6: claimant
extern const store::Index<ClaimRow> kClaimsByState;     // 7: state, number
// What is to be paid and is not, in the order in which it is: ACCEPTED, GATE_2, AGREEMENT_SIGNED.
extern const store::Index<ClaimRow> kQueue;       // 8: number; unique
extern const store::Table<ExpenseRow> kExpenses;  // 9: claim, number
// One expense an invoice over the register's whole life: of those that were signed, had their
// invoice free and whose claim was not rejected or annulled. Secret: it is asked before Put.
extern const store::Index<ExpenseRow> kExpensesByInvoice;  // 10: issuer, number, date; unique
extern const store::Table<ExportReportRow> kReports;       // 11: claim, year

// Of whose demand the register of grants refused to hear. Secret, as the demand is: it is counted.
extern const store::Index<ClaimRow> kRefusedDebts;  // 12: name

// 13 was kExpensesByNumber: number and date of the invoice, in the spelling that is certainly one.
// Of those that hold their invoice, for what is certainly the same one: however many have its
// number, few are read. Secret as they are.
extern const store::Index<ExpenseRow>
    kExpensesByIssuer;  // 14: issuer's number in its country, number and date, claimant
extern const store::Index<ExpenseRow>
    kExpensesByIssuerName;  // 15: issuer's name, whether it has a number, number and date, claimant
// Of the same ones, for what is perhaps it. Secret.
extern const store::Index<ExpenseRow> kExpensesByLook;  // 16: look of the number, date

// With the tables of deadlines, budgets and notices.
const store::Schema& ExportRefundsSchema();

// Timer kinds. Each looks at the record first and does nothing where there is nothing to do.
inline constexpr char kTakeEffectTimer[] = "list/take-effect";             // the edition's number
inline constexpr char kBeginMonitoringTimer[] = "claim/begin-monitoring";  // the claim's name
inline constexpr char kServeQueueTimer[] = "queue/serve";                  // nothing
inline constexpr char kTellAgainTimer[] = "debt/tell-again";               // method, message
inline constexpr char kTellDailyTimer[] = "debt/tell-daily";               // claim, sequence

// Kinds of deadlines that are opened and closed by hand.
inline constexpr char kReportDeadline[] = "export_report";
inline constexpr char kRepaymentDeadline[] = "repayment";
inline constexpr char kAssessmentDeadline[] = "assessment";  // of the institute, as the next
inline constexpr char kDemandDeadline[] = "demand";

// The one programme of the register: the current account of Art. 13(5)(10).
inline constexpr char kProgramme[] = "export-refunds";

std::string EditionName(int32_t number);
std::string EntryName(int32_t edition, const std::string& code);
std::string ExpenseName(const std::string& claim, int32_t number);
std::string ReportName(const std::string& claim, int32_t year);
// How an invoice is found again, however its issuer and number are typed.
store::Key InvoiceKey(const v1::Expense& expense);
// Under which those stand that are perhaps the same one, whoever is said to have issued them.
store::Key LookKey(const v1::Expense& expense);
// Beginnings of kExpensesByIssuer, where marks.id is there, and kExpensesByIssuerName; with the
// claimant, or of all.
store::Key IssuerIdKey(const v1::Expense& expense, const InvoiceMarks& marks, bool of_claimant);
store::Key IssuerNameKey(const v1::Expense& expense, const InvoiceMarks& marks, bool of_claimant);
const std::string& CodeOf(const v1::Entry& entry);

}  // namespace nisi::export_refunds
