// List orders: AIP-132, strictly: "made_on desc, name".
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace nisi::rpc {

struct OrderKey {
  std::string field;
  bool descending = false;
  friend bool operator==(const OrderKey&, const OrderKey&) = default;
};

// Reads `text`, in which each field is one of `allowed` and stands once. An empty text is an empty
// order. INVALID_ARGUMENT, reason ORDER_INVALID, BadRequest field "order_by", with the position
// counted from 1 and never the text.
absl::StatusOr<std::vector<OrderKey>> ParseOrderBy(absl::string_view text,
                                                   absl::Span<const absl::string_view> allowed);

// The same order in one spelling.
std::string CanonicalOrder(absl::Span<const OrderKey> keys);

}  // namespace nisi::rpc
