// Streaming calls: messages are pulled from a source when the stream can take one, or pushed to a
// sink as they come. No stream holds a thread. Inside common/rpc only.
#pragma once

#include <atomic>
#include <memory>

#include "common/rpc/pipeline.h"

namespace nisi::rpc {

// Null where the call was refused at once. A server stream ends soon after `draining` was set, with
// SHUTTING_DOWN; it outlives the calls.
std::shared_ptr<http2::Taker> TakeServerStream(const Site& site, const Bound& bound,
                                               const std::atomic<bool>& draining,
                                               http2::CallHead head,
                                               std::shared_ptr<http2::Replier> replier);
std::shared_ptr<http2::Taker> TakeClientStream(const Site& site, const Bound& bound,
                                               http2::CallHead head,
                                               std::shared_ptr<http2::Replier> replier);

}  // namespace nisi::rpc
