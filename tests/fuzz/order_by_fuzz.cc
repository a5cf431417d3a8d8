// List orders: one that is read prints as a text that reads the same.
#include "common/rpc/order_by.h"

#include <set>

#include "common/base/status.h"
#include "tests/fuzz/fuzz.h"

namespace nisi::fuzz::order_by_target {

NISI_FUZZ_TARGET(order_by) {
  constexpr absl::string_view kFields[] = {"name", "made_on", "row.amount", "desc"};
  Input in(data, size);
  const auto keys = rpc::ParseOrderBy(in.Rest(), kFields);
  if (!keys.ok()) {
    Expect(base::ReasonOf(keys.status()) == "ORDER_INVALID", "an order has one reason");
    return 0;
  }
  std::set<std::string> seen;
  for (const auto& key : *keys) Expect(seen.insert(key.field).second, "a field stands once");
  const std::string canonical = rpc::CanonicalOrder(*keys);
  const auto again = rpc::ParseOrderBy(canonical, kFields);
  Expect(again.ok() && *again == *keys, "a printed order is the same");
  return 0;
}

}  // namespace nisi::fuzz::order_by_target
