// The registry of priority goods, as supports of projects ask it.
#pragma once

#include "common/rpc/peer.h"
#include "services/clusters/env.h"

namespace nisi::clusters {

// For Env::check_goods. `peers` may be null: then nobody answers.
std::function<absl::StatusOr<GoodsOnList>(const rpc::Call&, const Support&, base::Date)> AskGoods(
    rpc::Peers* peers);

}  // namespace nisi::clusters
