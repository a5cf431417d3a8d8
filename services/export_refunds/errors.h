// This service's refusals: one function a reason, and the citations used here. What the state of a
// record does not allow, or its duties, is refused by the machines (rules_machines.cc).
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "common/base/date.h"
#include "common/base/status.h"

namespace nisi::export_refunds::errors {

// The citations.
base::LegalBasis Rules();          // Art. 10(2)
base::LegalBasis List();           // Art. 10(3)
base::LegalBasis Reimbursement();  // Art. 38(1)(1)
base::LegalBasis Account();        // Art. 13(5)(10)
base::LegalBasis Operator();       // Art. 13(5)(10-1)
base::LegalBasis Monitoring();     // Art. 13(5)(10-2)
base::LegalBasis Agreement();      // Art. 27(1)
base::LegalBasis Return();         // Art. 27(4)
base::LegalBasis BeyondControl();  // Art. 28(4)
base::LegalBasis RecipientGate();  // order 437 of the Minister of Finance

// Claims and expenses.
absl::Status ExpensesFull(int32_t most);                 // EXPENSES_FULL
absl::Status ClaimIncomplete(const std::string& field);  // CLAIM_INCOMPLETE
absl::Status ExportVolumesInvalid(int32_t first_year);   // EXPORT_VOLUMES_INVALID
absl::Status RatesDiffer(const std::string& expense);
absl::Status PartNotOfClaim();                         // PART_NOT_OF_CLAIM
absl::Status RemarksMissing();                         // REMARKS_MISSING
absl::Status RemarkUnknown(const std::string& field);  // REMARK_UNKNOWN
absl::Status NotRemarked(absl::string_view what);
absl::Status TermOver(base::Date last);
absl::Status PartsPending();    // PARTS_PENDING
absl::Status PartRejected();    // PART_REJECTED
absl::Status PartHasRemarks();  // PART_HAS_REMARKS
absl::Status NothingToPay();    // NOTHING_TO_PAY
absl::Status GroundMissing();   // GROUND_MISSING
// The claimant owes a demand past its day: said to whoever decides, not of whom.
absl::Status DemandPastDue();  // DEMAND_PAST_DUE

// Queue and payment.
absl::Status QueueWaits();              // QUEUE_WAITS
absl::Status InvoicesAlike(int count);  // INVOICES_ALIKE
// The same of what has become free since: the finance part is to look again.
absl::Status FreedInvoicesAlike(int count);
absl::Status QueueOrder(int64_t earlier);                 // QUEUE_ORDER
absl::Status AgreementDiffers();                          // AGREEMENT_DIFFERS
absl::Status AgreementDateInvalid();                      // AGREEMENT_DATE_INVALID
absl::Status GateFailed();                                // GATE_FAILED
absl::Status ProgrammeUnknown(const std::string& field);  // PROGRAMME_UNKNOWN

// Obligations.
absl::Status ReportYearInvalid(const std::string& what);   // REPORT_YEAR_INVALID
absl::Status ObligationsNotDue(base::Date day);            // OBLIGATIONS_NOT_DUE
absl::Status EvidenceMissing();                            // EVIDENCE_MISSING
absl::Status FigureNotReported(const std::string& field);  // FIGURE_NOT_REPORTED
// FIGURE_OVER_REPORTED
absl::Status FigureOverReported(const std::string& field, const std::string& reported);
absl::Status DemandMade();                              // DEMAND_MADE
absl::Status DemandMissing();                           // DEMAND_MISSING
absl::Status RepaymentOverDue(const std::string& due);  // REPAYMENT_OVER_DUE
absl::Status RepaymentDateInvalid();                    // REPAYMENT_DATE_INVALID

// A service that is asked for facts has not answered: not done, nothing changed.
absl::Status NotAnswered(const std::string& service, const std::string& what);

}  // namespace nisi::export_refunds::errors
