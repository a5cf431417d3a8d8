// What a search sees of an offer (Art. 51(2)): how it looks on each day on which its supplier is in
// the public register.
#pragma once

#include "absl/status/status.h"
#include "common/search/index.h"
#include "common/store/tx.h"
#include "services/suppliers/tables.h"

namespace nisi::suppliers {

// Tags of codes.
inline constexpr char kGoodsCodeTag = 'g';  // found by 2, 4, 6 and 8 digits and by itself
inline constexpr char kEnsTruTag = 'e';     // by its first group, by two groups and by itself
inline constexpr char kKpvedTag = 'k';      // by NN.NN and whatever follows of it

// The documents of an offer: of each stretch of days on which offer and supplier are the same, the
// supplier is ACTIVE and one piece of evidence at most gives the value.
absl::Status DocumentsOf(const store::Reader& reader, int64_t number,
                         const search::EmitDocument& emit);

// 29. What a search sees of every offer.
extern const search::Index kOfferSearch;

// Whether a search sees the same of both versions of a supplier.
bool LooksAlike(const v1::Supplier& one, const v1::Supplier& other);

// A supplier looks another way: so do its offers.
absl::Status TouchOffers(store::Tx& tx, const std::string& bin);

}  // namespace nisi::suppliers
