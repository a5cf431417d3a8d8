// Unary calls. Inside common/rpc only.
#pragma once

#include <memory>

#include "common/rpc/pipeline.h"

namespace nisi::rpc {

// Null where the call was refused at once.
std::shared_ptr<http2::Taker> TakeUnary(const Site& site, const Bound& bound, http2::CallHead head,
                                        std::shared_ptr<http2::Replier> replier);

}  // namespace nisi::rpc
