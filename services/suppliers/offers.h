// Entering offers: what their supplier must be, what they may rest on, how many there may be. Used
// by the methods of offers, by their import, and where evidence changes.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "services/suppliers/env.h"
#include "services/suppliers/rules_evidence.h"

namespace nisi::suppliers {

// For one command; what it has looked up it does not look up again.
class OfferEntry {
 public:
  explicit OfferEntry(const store::Tx& tx) : tx_(tx), books_(tx) {}

  // Whether the offer may be there, among those entered so far. NOT_FOUND, SUPPLIER_STATE,
  // OFFERS_TOO_MANY (of a new one), EVIDENCE_FOREIGN, EVIDENCE_DOES_NOT_COVER.
  absl::Status Judge(const Offer& offer, bool is_new);
  // A new one that was judged: gives it its number and value and puts it.
  absl::Status Enter(store::Tx& tx, const Offer& offer, OfferRow* row);
  // Its in-country value by day, by the evidence that it names.
  absl::Status SetValue(Offer* offer);

 private:
  absl::StatusOr<int64_t> CountOf(const std::string& bin);

  const store::Tx& tx_;
  Books books_;
  std::map<std::string, int64_t> counts_;  // with those that were entered
};

// The in-country value of an offer on a day, from the evidence that it names.
absl::StatusOr<int32_t> ValueOn(const Offer& offer, base::Date day, Books& books);

// Brings the value of the supplier's offers that name the evidence, or did, up to what it says now,
// on the days from `from` on: what is asked of a past day then agrees with the evidence of it.
absl::Status RefreshOffers(store::Tx& tx, const Evidence& evidence, base::Date from);

}  // namespace nisi::suppliers
