// What this service asks the database of suppliers before it decides. Asked outside any
// transaction; silence is DEPENDENCY_NOT_ANSWERED (UNAVAILABLE): what needed it is not done.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>

#include "absl/status/statusor.h"
#include "common/base/date.h"
#include "common/rpc/call.h"
#include "common/rpc/peer.h"
#include "services/contracts/rules.h"

namespace nisi::contracts {

class Sources {
 public:
  virtual ~Sources() = default;
  // Whether each ENS TRU code was made in the country by a day. One answer for each.
  virtual absl::StatusOr<std::map<std::string, Made>> Production(const rpc::Call& call,
                                                                 const std::set<std::string>& codes,
                                                                 base::Date day) = 0;
};

// `peers` may be null: then nobody answers.
std::unique_ptr<Sources> AskSuppliers(rpc::Peers* peers);

}  // namespace nisi::contracts
