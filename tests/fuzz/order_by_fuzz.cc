// List orders: one that is read prints as a text that reads the same.
#include "common/rpc/order_by.h"

#include <set>

#include "common/base/status.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using nisi::fuzz::Expect;
  constexpr absl::string_view kFields[] = {"name", "made_on", "row.amount", "desc"};
  nisi::fuzz::Input in(data, size);
  const auto keys = nisi::rpc::ParseOrderBy(in.Rest(), kFields);
  if (!keys.ok()) {
    Expect(nisi::base::ReasonOf(keys.status()) == "ORDER_INVALID", "an order has one reason");
    return 0;
  }
  std::set<std::string> seen;
  for (const auto& key : *keys) Expect(seen.insert(key.field).second, "a field stands once");
  const std::string canonical = nisi::rpc::CanonicalOrder(*keys);
  const auto again = nisi::rpc::ParseOrderBy(canonical, kFields);
  Expect(again.ok() && *again == *keys, "a printed order is the same");
  return 0;
}
