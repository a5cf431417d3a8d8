// This service's refusals: one function a reason. Those of steps that a state does not allow, or
// that whoever prepared the case may not take, come from the machines in rules.h.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "common/base/date.h"
#include "common/base/money.h"
#include "common/base/status.h"

namespace nisi::clusters::errors {

// The citations used here.
base::LegalBasis WhatAClusterIs();      // Art. 1(1)
base::LegalBasis Initiatives();         // Art. 23(3)(3)
base::LegalBasis Diagnostics();         // Art. 23(4)
base::LegalBasis RulesOfSelection();    // Art. 9(16)
base::LegalBasis RulesOfRegister();     // Art. 9(17)
base::LegalBasis KeepingTheRegister();  // Art. 9(18)
base::LegalBasis Operator();            // Art. 13(2)(4)
base::LegalBasis Selected();            // Art. 40(1)
base::LegalBasis Organization();        // Art. 40(2)
base::LegalBasis Account();             // Art. 40(3)
base::LegalBasis Conditions();          // Art. 25(5)
base::LegalBasis PriorityGoods();       // Art. 25(5), 26(1)
base::LegalBasis Refusing();            // Art. 25(6)
base::LegalBasis Gate();                // order 437/2026
base::LegalBasis PaymentTerm();         // order 437/2026

absl::Status ParticipantTwice(const std::string& field);                 // PARTICIPANT_TWICE
absl::Status RegionNotNeighbouring(const std::string& field);            // REGION_NOT_NEIGHBOURING
absl::Status CriteriaIncomplete(const std::string& field);               // CRITERIA_INCOMPLETE
absl::Status PointsOverNorm(const std::string& field, int64_t maximum);  // POINTS_OVER_NORM
absl::Status PointsOverWeight(const std::string& field, int64_t maximum);      // POINTS_OVER_WEIGHT
absl::Status DatesInvalid(const std::string& field, const std::string& what);  // DATES_INVALID
absl::Status ApplicationsNotOpen(base::Date from, base::Date until);  // APPLICATIONS_NOT_OPEN
absl::Status TiesNotDeclared();                                       // TIES_NOT_DECLARED
absl::Status ExpertTied();                                            // EXPERT_TIED
absl::Status ActedInSelection();                                      // SEPARATION_OF_DUTIES
absl::Status TooManyExperts(int64_t maximum);                         // EXPERTS_FULL
// `missing`: numbers only, as "application 2: experts 1, 3".
absl::Status ScoresMissing(const std::string& missing);    // SCORES_MISSING
absl::Status NoQuorum(const std::string& why);             // NO_QUORUM
absl::Status NotCarried();                                 // NOT_CARRIED
absl::Status VoteConflicted();                             // VOTE_CONFLICTED
absl::Status ProtocolDateInvalid();                        // PROTOCOL_DATE_INVALID
absl::Status PassedOverUnknown(const std::string& field);  // PASSED_OVER_UNKNOWN
// ORDER_DATE_INVALID. `since`: the first day that is possible.
absl::Status OrderDateInvalid(base::Date since = base::Date::Min());
absl::Status CompositionBelowMinimum(const std::string& finding);  // COMPOSITION_BELOW_MINIMUM
absl::Status GroundNotMet(const std::string& what);                // GROUND_NOT_MET
absl::Status MemberDateInvalid(const std::string& field,
                               const std::string& what);  // MEMBER_DATE_INVALID
// `field`: where the reason stands in the request.
absl::Status CorrectionReasonMissing(const std::string& field);  // CORRECTION_REASON_MISSING
absl::Status ReportYearOpen(int year);                           // REPORT_YEAR_OPEN
absl::Status ClusterNotEligible();                               // CLUSTER_NOT_ELIGIBLE
// RECIPIENT_NOT_IN_CLUSTER
absl::Status RecipientNotInCluster(bool project);
absl::Status UpkeepTermOver();  // UPKEEP_TERM_OVER
// `first`, `last`: the years that may be named today.
absl::Status SupportYearNotPossible(int first, int last);  // SUPPORT_YEAR_NOT_POSSIBLE
// `now`: the year of support today, 0 when it is none any longer.
absl::Status SupportYearChanged(int32_t now);              // SUPPORT_YEAR_CHANGED
absl::Status FindingUnsatisfied(const std::string& rule);  // FINDING_UNSATISFIED
absl::Status GroundMissing();                              // GROUND_MISSING
absl::Status SumOverCeiling();                             // SUM_OVER_CEILING
absl::Status SumOverApproved();                            // SUM_OVER_APPROVED
absl::Status PaymentDateInvalid();                         // PAYMENT_DATE_INVALID
absl::Status SumOverPaid(base::Money most);                // SUM_OVER_PAID
absl::Status ReturnRecorded();                             // RETURN_RECORDED
absl::Status ReturnAlike();                                // RETURN_ALIKE
absl::Status ReturnUnknown();                              // RETURN_UNKNOWN
absl::Status GateFailed();                                 // GATE_FAILED
absl::Status NoticeUsed();                                 // NOTICE_USED
absl::Status InSelection();                                // CLUSTER_IN_SELECTION
absl::Status ClusterRefused();                             // CLUSTER_REFUSED

}  // namespace nisi::clusters::errors
