// What this service asks other services before it decides, behind one small interface. Asked
// outside any transaction. An answer comes with the record it is from and its version, to be kept
// with the decision; silence is DEPENDENCY_NOT_ANSWERED (UNAVAILABLE): what needed it is not done.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "common/base/date.h"
#include "common/cases/checked.h"
#include "common/rpc/call.h"
#include "common/rpc/peer.h"
#include "services/export_refunds/rules_claim.h"
#include "services/export_refunds/rules_expense.h"

namespace nisi::export_refunds {

// Of whom, on which day.
using Asked = std::pair<std::string, base::Date>;

// What the database of suppliers says of somebody on a day.
struct Standing {
  Told producer;  // as ExpenseFacts has them
  Told size;
};

class Sources {
 public:
  virtual ~Sources() = default;
  // As what each is a domestic supplier on its day, and how large it is. One answer for each that
  // was asked.
  virtual absl::StatusOr<std::map<Asked, Standing>> Suppliers(const rpc::Call& call,
                                                              const std::set<Asked>& asked) = 0;
  // On which lists of unreliable recipients somebody stands on a day.
  virtual absl::StatusOr<cases::Listed> Lists(const rpc::Call& call, const Asked& asked) = 0;
};

// The database of suppliers (Art. 51), and the register of grants, which keeps the lists (order
// 437/2026). `peers` may be null: then nobody answers.
std::unique_ptr<Sources> AskPeers(rpc::Peers* peers);

}  // namespace nisi::export_refunds
