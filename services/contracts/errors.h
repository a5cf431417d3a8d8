// This service's refusals: one function a reason. Those of steps that a state does not allow, or
// that whoever formed the List may not take, come from the machines in rules.h.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "common/base/date.h"
#include "common/base/status.h"

namespace nisi::contracts::errors {

// The citations used here.
base::LegalBasis Production();     // Art. 46(1)(1)
base::LegalBasis Customers();      // Art. 46(2)
base::LegalBasis Needs();          // Art. 47(1)
base::LegalBasis Listing();        // Art. 47(2)
base::LegalBasis Agreeing();       // Art. 47(3)
base::LegalBasis Approving();      // Art. 47(4)
base::LegalBasis Concluding();     // Art. 47(5)
base::LegalBasis Organizing();     // Art. 48(1)
base::LegalBasis Buying();         // Art. 48(2)
base::LegalBasis NotBuying();      // Art. 48(4)
base::LegalBasis Content();        // Art. 48(5)
base::LegalBasis Procurement();    // Art. 49(1)
base::LegalBasis Offsets();        // Art. 49(2)
base::LegalBasis OffsetPenalty();  // Art. 49(3)
base::LegalBasis Monitoring();     // Art. 9(40)

// Planning. `path`: of the field.
absl::Status CustomerNotEligible(absl::string_view path,
                                 absl::string_view rule);  // CUSTOMER_NOT_ELIGIBLE
absl::Status YearPast(absl::string_view path);             // YEAR_PAST
absl::Status YearsPast(absl::string_view path);            // YEARS_PAST
absl::Status QuantityZero(absl::string_view path);         // QUANTITY_ZERO
absl::Status PriceZero(absl::string_view path);            // PRICE_ZERO
absl::Status NeedsTooLarge(absl::string_view ens_tru);     // NEEDS_TOO_LARGE
absl::Status ListNotFormed();                              // LIST_NOT_FORMED
absl::Status MadeBefore();                                 // MADE_BEFORE
absl::Status ItemUnknown();                                // ITEM_UNKNOWN
absl::Status ProposalExists();                             // PROPOSAL_EXISTS
absl::Status VolumeOverList(absl::string_view path);       // VOLUME_OVER_LIST
absl::Status PublicationNotRefused();                      // PUBLICATION_NOT_REFUSED

// Contracts.
absl::Status ItemNotApproved();                                              // ITEM_NOT_APPROVED
absl::Status SameParties();                                                  // SAME_PARTIES
absl::Status YearsInvalid(absl::string_view path, absl::string_view why);    // YEARS_INVALID
absl::Status SumTooLarge(absl::string_view path);                            // SUM_TOO_LARGE
absl::Status OffsetsInvalid(absl::string_view path, absl::string_view why);  // OFFSETS_INVALID
absl::Status NotConform(absl::string_view rule, const base::LegalBasis& basis);  // NOT_CONFORM
absl::Status PledgeeConsentMissing(absl::string_view pledge);  // PLEDGEE_CONSENT_MISSING
absl::Status TermRunning(int32_t last_year);                   // TERM_RUNNING
absl::Status YearNotAssessed(int32_t year);                    // YEAR_NOT_ASSESSED
absl::Status NothingDelivered();                               // NOTHING_DELIVERED
absl::Status TerminationNotSigned();                           // TERMINATION_NOT_SIGNED
absl::Status PenaltyDue(absl::string_view penalty);            // PENALTY_DUE
// PAYMENT_DUE
absl::Status PaymentDue(int32_t year, const base::LegalBasis& basis);
absl::Status OffsetOpen(int32_t number);  // OFFSET_OPEN

// Amendments.
absl::Status AmendmentOpen(absl::string_view amendment);  // AMENDMENT_OPEN
absl::Status VolumeBelowEntries(int32_t year);            // VOLUME_BELOW_ENTRIES
absl::Status UnilateralReduction();                       // UNILATERAL_REDUCTION
absl::Status UnilateralChange();                          // UNILATERAL_CHANGE

// Entries.
absl::Status YearUnknown(absl::string_view path);      // YEAR_UNKNOWN
absl::Status EventDateInvalid(absl::string_view why);  // EVENT_DATE_INVALID
absl::Status AmountZero(absl::string_view path);       // AMOUNT_ZERO
absl::Status OverContract();                           // OVER_CONTRACT
absl::Status OverDelivered();                          // OVER_DELIVERED
// BEFORE_DELIVERY: by `day`, of the year.
absl::Status BeforeDelivery(int32_t year, base::Date day);
absl::Status OverPrice();                                 // OVER_PRICE
absl::Status FaultMissing();                              // FAULT_MISSING
absl::Status ReasonMissing();                             // REASON_MISSING
absl::Status DocumentsMissing();                          // DOCUMENTS_MISSING
absl::Status NotARefusal();                               // NOT_A_REFUSAL
absl::Status EntryCorrected(int32_t by);                  // ENTRY_CORRECTED
absl::Status DocumentRecorded(const std::string& entry);  // DOCUMENT_RECORDED
absl::Status NotOwnEntry();                               // NOT_OWN_ENTRY
absl::Status NotOwnFault();                               // NOT_OWN_FAULT
absl::Status RefusalStands(int32_t year);                 // REFUSAL_STANDS
absl::Status FaultOpen(absl::string_view entry);          // FAULT_OPEN
absl::Status YearNotOver(int32_t year);                   // YEAR_NOT_OVER
absl::Status CorrectionReasonMissing();                   // CORRECTION_REASON_MISSING
absl::Status YearAhead(int32_t year);                     // YEAR_AHEAD
absl::Status YearAssessed(int32_t year);                  // YEAR_ASSESSED

// Conditions, pledges, penalties.
// `path`: of its number in the request.
absl::Status OffsetUnknown(absl::string_view path);  // OFFSET_UNKNOWN
absl::Status OffsetState(absl::string_view path, absl::string_view state,
                         absl::string_view needed);  // OFFSET_STATE
absl::Status AcceptedOverProven();                   // ACCEPTED_OVER_PROVEN
absl::Status RemarkMissing();                        // REMARK_MISSING
absl::Status CureRunning(base::Date until);          // CURE_RUNNING
absl::Status NotOffTake();                           // NOT_OFF_TAKE
absl::Status PledgeDateInvalid();                    // PLEDGE_DATE_INVALID
absl::Status PledgeeIsParty();                       // PLEDGEE_IS_PARTY
absl::Status PledgeExists();                         // PLEDGE_EXISTS
absl::Status PledgesTooMany();                       // PLEDGES_TOO_MANY
absl::Status NotCreditor();                          // NOT_CREDITOR

}  // namespace nisi::contracts::errors
