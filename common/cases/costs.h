// What an examiner accepts of the cost items of a case.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "common/base/money.h"
#include "common/base/status.h"
#include "common/cases/refusals.h"
#include "google/protobuf/repeated_field.h"

namespace nisi::cases {

// Puts what `items` say into the cost items, in their order, and returns the sum that is accepted.
// An item without a sum accepts all of it; one that accepts less needs a remark. COSTS_INCOMPLETE;
// ACCEPTED_OVER_COST.
template <class Item, class CostItem>
absl::StatusOr<base::Money> AcceptCosts(const google::protobuf::RepeatedPtrField<Item>& items,
                                        const base::LegalBasis& basis,
                                        google::protobuf::RepeatedPtrField<CostItem>* costs) {
  if (items.size() != costs->size()) return CostsIncomplete("items", basis);
  base::Money total;
  for (int i = 0; i < items.size(); ++i) {
    const std::string at = absl::StrCat("items[", i, "]");
    CostItem& cost = *costs->Mutable(i);
    ASSIGN_OR_RETURN(const base::Money asked, base::Money::FromProto(cost.cost()));
    base::Money accepted = asked;
    if (items[i].has_accepted()) {
      ASSIGN_OR_RETURN(accepted, base::Money::FromProto(items[i].accepted()));
    }
    if (accepted > asked) return AcceptedOverCost(at + ".accepted", basis);
    if (accepted < asked && items[i].remark().empty())
      return CostsIncomplete(at + ".remark", basis);
    *cost.mutable_accepted() = accepted.ToProto();
    cost.set_remark(items[i].remark());
    ASSIGN_OR_RETURN(total, total.Add(accepted));
  }
  return total;
}

}  // namespace nisi::cases
