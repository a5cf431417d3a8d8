// What an examiner accepts of the cost items of a case.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "common/base/money.h"
#include "common/base/status.h"
#include "google/protobuf/repeated_field.h"

namespace nisi::cases {

// The refusals of the service, each of a field of its request.
struct CostErrors {
  absl::Status (*incomplete)(const std::string& field);
  absl::Status (*over_cost)(const std::string& field);
};

// Puts what `items` say into the cost items, in their order, and returns the sum that is accepted.
// An item without a sum accepts all of it; one that accepts less needs a remark.
template <class Item, class CostItem>
absl::StatusOr<base::Money> AcceptCosts(const google::protobuf::RepeatedPtrField<Item>& items,
                                        const CostErrors& errors,
                                        google::protobuf::RepeatedPtrField<CostItem>* costs) {
  if (items.size() != costs->size()) return errors.incomplete("items");
  base::Money total;
  for (int i = 0; i < items.size(); ++i) {
    const std::string at = absl::StrCat("items[", i, "]");
    CostItem& cost = *costs->Mutable(i);
    ASSIGN_OR_RETURN(const base::Money asked, base::Money::FromProto(cost.cost()));
    base::Money accepted = asked;
    if (items[i].has_accepted()) {
      ASSIGN_OR_RETURN(accepted, base::Money::FromProto(items[i].accepted()));
    }
    if (accepted > asked) return errors.over_cost(at + ".accepted");
    if (accepted < asked && items[i].remark().empty()) return errors.incomplete(at + ".remark");
    *cost.mutable_accepted() = accepted.ToProto();
    cost.set_remark(items[i].remark());
    ASSIGN_OR_RETURN(total, total.Add(accepted));
  }
  return total;
}

}  // namespace nisi::cases
