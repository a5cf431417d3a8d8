#include "services/export_refunds/errors.h"

#include "absl/strings/str_cat.h"

namespace nisi::export_refunds::errors {

using absl::StatusCode;
using base::Refusal;

namespace {

Refusal Forbidden(const char* reason, const char* message, const char* type,
                  const std::string& subject, const std::string& needed,
                  const base::LegalBasis& basis) {
  return Refusal(StatusCode::kFailedPrecondition, reason, message)
      .Precondition(type, subject, needed)
      .Cite(basis);
}

}  // namespace

base::LegalBasis Rules() {
  return base::Law(
      "Art. 10(2)",
      "The authorized body for foreign trade approves the rules for reimbursement of "
      "part of the costs of promoting domestic goods and services to foreign markets.");
}
base::LegalBasis List() {
  return base::Law("Art. 10(3)",
                   "The authorized body for foreign trade develops and approves the list of goods "
                   "and services the costs of whose promotion are partially reimbursed.");
}
base::LegalBasis Reimbursement() {
  return base::Law("Art. 38(1)(1)",
                   "Part of the costs of promoting domestic goods and services of the "
                   "manufacturing industry to foreign markets is reimbursed.");
}
base::LegalBasis Account() {
  return base::Law("Art. 13(5)(10)",
                   "The national development institute for non-resource exports manages the funds "
                   "allocated to reimburse part of the costs on a current account.");
}
base::LegalBasis Operator() {
  return base::Law("Art. 13(5)(10-1)",
                   "The national development institute for non-resource exports provides services "
                   "in reimbursing part of the costs.");
}
base::LegalBasis Monitoring() {
  return base::Law("Art. 13(5)(10-2)",
                   "The national development institute for non-resource exports monitors the "
                   "counter-obligations of those whose costs are reimbursed.");
}
base::LegalBasis Agreement() {
  return base::Law("Art. 27(1)",
                   "An agreement provides for the obligations of the state to give the measure and "
                   "of the recipient to fulfil counter-obligations.");
}
base::LegalBasis Return() {
  return base::Law("Art. 27(4)",
                   "Where counter-obligations are not fulfilled the money is returned by the level "
                   "of fulfilment achieved and the base rate of the National Bank.");
}
base::LegalBasis BeyondControl() {
  return base::Law("Art. 28(4)",
                   "Failure through circumstances beyond the recipient's control is excepted.");
}
base::LegalBasis RecipientGate() {
  base::LegalBasis basis;
  basis.set_act("Order of the Minister of Finance of 2026 No. 437");
  basis.set_article("No. 437");
  basis.set_summary(
      "A recipient is checked before its application is considered and before each payment.");
  return basis;
}

absl::Status ExpensesFull(int32_t most) {
  return Forbidden("EXPENSES_FULL", "The claim already has the maximum number of expenses.",
                   "EXPENSES", "expenses",
                   absl::StrCat("at most ", most, " are held: make another claim"), Rules())
      .With("most", absl::StrCat(most));
}
absl::Status ClaimIncomplete(const std::string& field) {
  return Forbidden("CLAIM_INCOMPLETE", "The claim is incomplete: it lacks what a signature needs.",
                   "CLAIM", field, "must be given", Rules())
      .With("field", field);
}
absl::Status ExportVolumesInvalid(int32_t first_year) {
  return Forbidden("EXPORT_VOLUMES_INVALID",
                   "Give export volumes of four years: the last actual one, the current one and "
                   "two ahead.",
                   "EXPORT_VOLUMES", "export_volumes",
                   absl::StrCat("years ", first_year, " to ", first_year + 3,
                                " in order, each planned one above 0 and no less than the first"),
                   Monitoring())
      .With("firstYear", absl::StrCat(first_year));
}
absl::Status RatesDiffer(const std::string& expense) {
  return Forbidden("RATES_DIFFER",
                   "The National Bank has one rate for a currency on a day, and these differ.",
                   "EXCHANGE_RATE", expense,
                   "the rate that another expense of this currency and day has", Rules())
      .With("expense", expense);
}
absl::Status PartNotOfClaim() {
  return Forbidden("PART_NOT_OF_CLAIM", "The review of this claim has no such part.", "PART",
                   "part", "DIGITAL belongs to claims with delivery", Operator());
}
absl::Status RemarksMissing() {
  return Forbidden("REMARKS_MISSING", "There is no remark to send.", "REMARKS", "remarks",
                   "at least one remark is needed", Operator());
}
absl::Status RemarkUnknown(const std::string& field) {
  return Forbidden("REMARK_UNKNOWN", "No remark of that number waits for an answer.", "REMARK",
                   field, "the number of an open remark is needed", Operator());
}
absl::Status NotRemarked(absl::string_view what) {
  return Forbidden("NOT_REMARKED",
                   "A signed claim can be changed only where an open remark asks for it.", "REMARK",
                   std::string(what), "a remark that names it is needed", Operator());
}
absl::Status TermOver(base::Date last) {
  return Forbidden("TERM_OVER", "The term to answer remarks is over.", "TERM", "answers",
                   absl::StrCat("the last day was ", last.ToString()), Rules())
      .With("last", last.ToString());
}
absl::Status PartsPending() {
  return Forbidden("PARTS_PENDING", "Not every part of the review is decided.", "PARTS", "parts",
                   "every part must be decided", Operator());
}
absl::Status PartRejected() {
  return Forbidden("PART_REJECTED", "A claim with a rejected part must be rejected.", "PARTS",
                   "parts", "RejectClaim is needed", Operator());
}
absl::Status PartHasRemarks() {
  return Forbidden("PART_HAS_REMARKS", "A claim with remarks must be sent back to be fixed.",
                   "PARTS", "parts", "SendRemarks is needed", Operator());
}
absl::Status NothingToPay() {
  return Forbidden("NOTHING_TO_PAY", "The refund of the claim comes to zero.", "CALCULATION",
                   "calculation", "a sum of at least one tenge is needed", Rules());
}
absl::Status GroundMissing() {
  return Forbidden("GROUND_MISSING", "No finding allows the claim to be rejected.", "GROUND",
                   "decision", "a finding that is not satisfied is needed", Operator());
}
absl::Status DemandPastDue() {
  return Forbidden("DEMAND_PAST_DUE", "The recipient owes a demand past its day.", "DEMAND",
                   "claimant", "the demand must be repaid first", Return());
}

absl::Status QueueWaits() {
  return Forbidden("QUEUE_WAITS", "The claim waits for money in the order of numbers.", "QUEUE",
                   "funded", "its turn has not come", Account());
}
absl::Status InvoicesAlike(int count) {
  return Forbidden("INVOICES_ALIKE",
                   "Some invoices may be the same as those of other expenses that count.",
                   "INVOICES", "invoices_compared",
                   "that they were compared must be said; ListAlikeInvoices names them", Rules())
      .With("expenses", absl::StrCat(count));
}
absl::Status FreedInvoicesAlike(int count) {
  return Forbidden("INVOICES_ALIKE",
                   "Since the finance part was accepted, some invoices were released that may be "
                   "the same as those of other expenses that count.",
                   "INVOICES", "parts",
                   "the finance part must be decided on again (DecidePart), by who has compared "
                   "them; ListAlikeInvoices names them",
                   Rules())
      .With("expenses", absl::StrCat(count));
}
absl::Status QueueOrder(int64_t earlier) {
  return Forbidden("QUEUE_ORDER", "An earlier claim is ready to be paid.", "QUEUE", "number",
                   absl::StrCat("claim number ", earlier, " is paid first"), Account())
      .With("earlier", absl::StrCat(earlier));
}
absl::Status AgreementDiffers() {
  return Forbidden("AGREEMENT_DIFFERS", "The other side has signed another agreement.", "AGREEMENT",
                   "agreement_number", "number and date must be those that the other side signed",
                   Agreement());
}
absl::Status AgreementDateInvalid() {
  return Forbidden("AGREEMENT_DATE_INVALID",
                   "The agreement is dated before the acceptance or in the future.", "AGREEMENT",
                   "agreement_date", "between the acceptance and today", Agreement());
}
absl::Status GateFailed() {
  return Forbidden("GATE_FAILED", "The recipient has failed the second check, or stands on a list.",
                   "GATE", "gate", "a recipient that passes is needed", RecipientGate());
}
absl::Status ProgrammeUnknown(const std::string& field) {
  return Refusal(StatusCode::kInvalidArgument, "PROGRAMME_UNKNOWN", "There is no such programme.")
      .Field(field, "is not of the one programme of this register, programmes/export-refunds")
      .Cite(Account());
}

absl::Status ReportYearInvalid(const std::string& what) {
  return Forbidden("REPORT_YEAR_INVALID", "No report is due for that year.", "REPORT",
                   "report.year", what, Monitoring());
}
absl::Status ObligationsNotDue(base::Date day) {
  return Forbidden("OBLIGATIONS_NOT_DUE", "An obligation is not due yet.", "OBLIGATIONS",
                   "obligations", absl::StrCat("assessed from ", day.ToString(), " on"),
                   Monitoring())
      .With("from", day.ToString());
}
absl::Status DemandMade() {
  return Forbidden("DEMAND_MADE", "The return of the money has already been demanded.", "DEMAND",
                   "demand", "one demand is made", Return());
}
absl::Status DemandMissing() {
  return Forbidden("DEMAND_MISSING", "No return of money has been demanded yet.", "DEMAND",
                   "demand", "DemandReturn is needed", Return());
}
absl::Status RepaymentOverDue(const std::string& due) {
  return Forbidden("REPAYMENT_OVER_DUE", "The sum exceeds what is due.", "REPAYMENT", "amount",
                   absl::StrCat("at most ", due, " tenge"), Return())
      .With("due", due);
}
absl::Status EvidenceMissing() {
  return Refusal(StatusCode::kInvalidArgument, "EVIDENCE_MISSING",
                 "A figure below the reported one needs documents or a reason.")
      .Field("documents", "must be given, or grounds")
      .Cite(Monitoring());
}
absl::Status FigureNotReported(const std::string& field) {
  return Refusal(StatusCode::kInvalidArgument, "FIGURE_NOT_REPORTED",
                 "A year without a report counts as none: there is no figure to accept.")
      .Field(field, "must be a year that was reported on")
      .Cite(Monitoring());
}
absl::Status FigureOverReported(const std::string& field, const std::string& reported) {
  return Refusal(StatusCode::kInvalidArgument, "FIGURE_OVER_REPORTED",
                 "A figure cannot exceed what was reported for the year.")
      .With("reported", reported)
      .Field(field, "must not be above what was reported")
      .Cite(Monitoring());
}
absl::Status RepaymentDateInvalid() {
  return Forbidden("REPAYMENT_DATE_INVALID", "The money cannot have come on that day.", "REPAYMENT",
                   "pay_date", "between the demand and today", Return());
}
absl::Status NotAnswered(const std::string& service, const std::string& what) {
  return Refusal(
             StatusCode::kUnavailable, "DEPENDENCY_NOT_ANSWERED",
             "Another service has not answered. The check was not made, and nothing has changed.")
      .With("service", service)
      .With("question", what)
      .RetryAfter(absl::Minutes(1));
}

}  // namespace nisi::export_refunds::errors
