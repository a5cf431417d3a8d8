// The end of a server, so that no call fails because of it.
#pragma once

#include <grpcpp/server.h>

#include <functional>

#include "absl/time/time.h"

namespace nisi::rpc {

// Takes no new connections and tells the clients of the others to go elsewhere; their calls are
// served until they have gone. Then the server is shut down, at `limit` at the latest: what is left
// by then ends UNAVAILABLE, and never CANCELLED, which would mean that the caller gave up.
//
// `busy` says whether a call is under way that is worth waiting for. A second without one is the
// end too: connections that are still open then hold only what nobody waits for, such as a watch of
// gRPC's own health service, or have a client that does not listen.
void EndServer(
    grpc::Server& server, absl::Time limit,
    const std::function<bool()>& busy = [] { return true; });

}  // namespace nisi::rpc
