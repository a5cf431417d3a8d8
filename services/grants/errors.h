// This service's refusals: one function a reason. Those of steps that a state does not allow, or
// that whoever prepared or examined the case may not take, come from the machines in rules.h.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "common/base/date.h"
#include "common/base/money.h"
#include "common/base/status.h"

namespace nisi::grants::errors {

// The citations used here.
base::LegalBasis Grants();           // Art. 42(1)
base::LegalBasis CoFinancing();      // Art. 42(2)
base::LegalBasis Examining();        // Art. 42(3)
base::LegalBasis Monitoring();       // Art. 42(4)
base::LegalBasis Account();          // Art. 42(5)
base::LegalBasis Criteria();         // Art. 25(4)
base::LegalBasis Conditions();       // Art. 25(5)
base::LegalBasis Refusing();         // Art. 25(6)
base::LegalBasis PriorityGoods();    // Art. 26(3)
base::LegalBasis Agreeing();         // Art. 27(1)
base::LegalBasis Areas();            // Art. 27(3)
base::LegalBasis Recovering();       // Art. 27(4)
base::LegalBasis Competitiveness();  // Art. 28(1)
base::LegalBasis Terminating();      // Art. 28(2)
base::LegalBasis Following();        // Art. 28(3)
base::LegalBasis Excusing();         // Art. 28(4)
base::LegalBasis Operator();         // Art. 13(2)(2)
base::LegalBasis Gate();             // order 437/2026
base::LegalBasis Manufacturer();     // order 403/2022

absl::Status ProgrammeUnknown(const std::string& field);  // PROGRAMME_UNKNOWN
absl::Status EarlierApplicationInvalid();                 // EARLIER_APPLICATION_INVALID
absl::Status NotIncomplete();                             // NOT_INCOMPLETE
absl::Status ExpertsTooFew(int64_t minimum);              // EXPERTS_TOO_FEW
absl::Status ExpertTied();                                // EXPERT_TIED
absl::Status ExpertHasScored();                           // EXPERT_HAS_SCORED
absl::Status ScoresIncomplete();                          // SCORES_INCOMPLETE
absl::Status ScoresMissing(int64_t missing);              // SCORES_MISSING
absl::Status CommissionNotFormed(int64_t minimum);        // COMMISSION_NOT_FORMED
absl::Status MemberRecused();                             // MEMBER_RECUSED
absl::Status MemberTied();                                // MEMBER_TIED
absl::Status GroundsInvalid();                            // GROUNDS_INVALID
absl::Status NoQuorum();                                  // NO_QUORUM
absl::Status VoteUndecided();                             // VOTE_UNDECIDED
absl::Status MeetingDecides();                            // MEETING_DECIDES
absl::Status ExpertNotTied();                             // EXPERT_NOT_TIED
absl::Status DatesInvalid(const std::string& field, const std::string& why);  // DATES_INVALID
absl::Status FiledAsItIs(const std::string& field);                           // FILED_AS_IT_IS
absl::Status SharesInvalid(base::Date day);           // TRANCHE_SHARES_INVALID
absl::Status EarlierNotAssessed();                    // EARLIER_NOT_ASSESSED
absl::Status AgreementOver();                         // AGREEMENT_OVER
absl::Status GrantRunning();                          // GRANT_RUNNING
absl::Status ContributionShort(base::Money missing);  // CONTRIBUTION_SHORT
absl::Status ProtocolDateInvalid();                   // PROTOCOL_DATE_INVALID
absl::Status TermRunning(base::Date until);           // TERM_RUNNING
absl::Status TrancheState(const std::string& state, const std::string& needed);  // TRANCHE_STATE
absl::Status RemarkMissing();                                                    // REMARK_MISSING
absl::Status GateFailed(const std::string& reasons);                             // GATE_FAILED
absl::Status ReportPeriodOpen();                             // REPORT_PERIOD_OPEN
absl::Status IndicatorUnknown(const std::string& field);     // INDICATOR_UNKNOWN
absl::Status ObligationsRunning(base::Date until);           // OBLIGATIONS_RUNNING
absl::Status FactsIncomplete();                              // FACTS_INCOMPLETE
absl::Status DemandExists();                                 // DEMAND_EXISTS
absl::Status PaymentDateInvalid();                           // PAYMENT_DATE_INVALID
absl::Status SumOverDemand(base::Money most);                // SUM_OVER_DEMAND
absl::Status CompetitivenessForbidden();                     // COMPETITIVENESS_FORBIDDEN
absl::Status ListedInFuture(const std::string& field);       // LISTED_IN_FUTURE
absl::Status ListedByDemand();                               // LISTED_BY_DEMAND
absl::Status EntryEndInvalid();                              // ENTRY_END_INVALID
absl::Status ContributionNotRaised();                        // CONTRIBUTION_NOT_RAISED
absl::Status EvidenceMissing();                              // EVIDENCE_MISSING
absl::Status ReportUnknown(const std::string& field);        // REPORT_UNKNOWN
absl::Status FigureNotReported(const std::string& field);    // FIGURE_NOT_REPORTED
absl::Status FigureDiffers(const std::string& field);        // FIGURE_DIFFERS
absl::Status MemberHasActed(const std::string& field);       // MEMBER_HAS_ACTED
absl::Status AmendmentEmpty();                               // AMENDMENT_EMPTY
absl::Status AmendmentMissing();                             // AMENDMENT_MISSING
absl::Status AmendmentDatesInvalid(const std::string& why);  // AMENDMENT_DATES_INVALID
absl::Status ObligationsOver();                              // AGREEMENT_OVER
absl::Status DebtDatesInvalid();                             // DEBT_DATES_INVALID
absl::Status DebtDiffers();                                  // DEBT_DIFFERS
absl::Status DebtOfRegister(const std::string& told_by);     // DEBT_OF_REGISTER
// GRANT_TOO_SMALL
absl::Status GrantTooSmall(const std::string& field, base::Money least);

}  // namespace nisi::grants::errors
