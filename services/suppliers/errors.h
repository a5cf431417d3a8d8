// This service's refusals: one function a reason. Those of steps that the state does not allow, or
// that whoever examined may not take, come from the machines in rules_*.h.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "common/base/date.h"
#include "common/base/status.h"

namespace nisi::suppliers::errors {

// The citations used here.
base::LegalBasis DomesticValue();       // Art. 1(2)
base::LegalBasis FormsOfEvidence();     // Art. 9(6)
base::LegalBasis DatabaseRules();       // Art. 9(13), 51(3)
base::LegalBasis MonitoredList();       // Art. 9(35)
base::LegalBasis Collecting();          // Art. 11(3)
base::LegalBasis Maintaining();         // Art. 13(3)(1)
base::LegalBasis Examination();         // Art. 13(3)(2)
base::LegalBasis Subcontracting();      // Art. 13(3)(4)
base::LegalBasis NewProduction();       // Art. 46(1)(1)
base::LegalBasis ListOfGoods();         // Art. 47(4)
base::LegalBasis Database();            // Art. 51(1)
base::LegalBasis Kazakhstani();         // Art. 51(2)
base::LegalBasis TermOfRegistration();  // Art. 51(3)
base::LegalBasis FreeRegistration();    // Art. 51(4)(1)
base::LegalBasis DomesticProducers();   // Art. 51(4)(2)
base::LegalBasis SizeClasses();         // Entrepreneurial Code, Art. 24

// Suppliers.
absl::Status SizeNormMissing(absl::string_view root, int year);          // SIZE_NORM_MISSING
absl::Status ProfileIncomplete(const std::vector<const char*>& fields);  // PROFILE_INCOMPLETE
// `state`: of a supplier that is there; `needed`: which would do.
absl::Status SupplierState(absl::string_view state, const char* needed);  // SUPPLIER_STATE
absl::Status AnswerTwice(int index);                                      // INVALID_FIELD
absl::Status ReviewOverrulesRegister(absl::string_view check);  // REVIEW_OVERRULES_REGISTER
absl::Status SuspensionEndPast();                               // SUSPENSION_END_PAST

// Evidence and offers.
absl::Status EvidenceExists();                       // ALREADY_EXISTS
absl::Status EvidenceTooMany(int64_t most);          // EVIDENCE_TOO_MANY
absl::Status EvidenceDates(absl::string_view root);  // EVIDENCE_DATES
absl::Status EvidenceTermTooLong(absl::string_view root,
                                 base::Date longest);  // EVIDENCE_TERM_TOO_LONG
absl::Status EvidenceValue(absl::string_view root, int cover, bool conformity);  // EVIDENCE_VALUE
absl::Status CoverTwice(absl::string_view root, int cover);                      // COVER_TWICE
absl::Status RevokeDate(const char* description);                                // REVOKE_DATE
absl::Status EvidenceForeign(const std::string& evidence);                       // EVIDENCE_FOREIGN
absl::Status EvidenceDoesNotCover(const std::string& evidence);  // EVIDENCE_DOES_NOT_COVER
// `path`: of the offer in the request, with its point; empty for a row.
absl::Status PriceRange(absl::string_view path);         // PRICE_RANGE
absl::Status GoodsCodeOfNoGood(absl::string_view path);  // INVALID_FIELD
absl::Status OffersTooMany(int64_t most);                // OFFERS_TOO_MANY

// Demands and responses.
absl::Status QuantityZero(absl::string_view field);  // QUANTITY_ZERO
absl::Status DemandState(absl::string_view state);   // DEMAND_STATE
absl::Status DemandOfTheList();                      // DEMAND_OF_THE_LIST
// `field`: where the day stands.
absl::Status RespondUntilPast(const char* field);                            // RESPOND_UNTIL_PAST
absl::Status PublicationDiffers();                                           // PUBLICATION_DIFFERS
absl::Status ItemMissing(int demand);                                        // INVALID_FIELD
absl::Status ItemTwice(int demand);                                          // ITEM_TWICE
absl::Status AnswerToItself();                                               // ANSWER_TO_ITSELF
absl::Status OfferForeign(const std::string& offer);                         // OFFER_FOREIGN
absl::Status OfferDoesNotMatch(const std::string& offer, const char* what);  // OFFER_DOES_NOT_MATCH
absl::Status SubscriptionsTooMany(int most);  // SUBSCRIPTIONS_TOO_MANY
absl::Status DemandsTooMany(int64_t most);    // DEMANDS_TOO_MANY

// Monitored organizations and their reports.
absl::Status MonitoredExists(const std::string& name);   // ALREADY_EXISTS
absl::Status BeforeOrder(const char* field);             // ORDER_DATE_INVALID
absl::Status NotMonitored(base::Date day);               // NOT_MONITORED
absl::Status NotListedOn(base::Date day);                // NOT_MONITORED
absl::Status PeriodInvalid();                            // PERIOD_INVALID: of a report
absl::Status PeriodReversed();                           // PERIOD_INVALID: of a question
absl::Status PeriodsOverlap(const std::string& report);  // PERIODS_OVERLAP
absl::Status LineTwice(int line);                        // LINE_TWICE
absl::Status LineDate(int line, const char* what);       // LINE_DATE
absl::Status LineAmount(int line);                       // LINE_AMOUNT
absl::Status ResidentShareMissing(int line);             // RESIDENT_SHARE_MISSING
absl::Status SumTooLarge();                              // SUM_TOO_LARGE
absl::Status NoReports();                                // NO_REPORTS

}  // namespace nisi::suppliers::errors
