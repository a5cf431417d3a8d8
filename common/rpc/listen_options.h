// What every server of the house listens with, so that none is looser than another.
#pragma once

#include <grpcpp/server_builder.h>

namespace nisi::rpc {

// Sets, for the gateway and every service alike:
// - No compressed requests: they are UNIMPLEMENTED and never inflated. gRPC judges the size of a
//   message after inflating it, and 256 KiB can become 256 MiB. gRPC itself refuses, so without
//   details.
// - Up to kConnectionMetadataBytes of metadata a call, past which gRPC ends not the call but every
//   stream of its connection. How much a call may really bring is the gateway's to judge.
// - As many calls at once on one connection as a service has use for.
// - Pings of a client every 10 s, also without calls; and pings of our own, so that a client that
//   is gone without a word is noticed.
// - A port that is taken is an error, not shared.
// Reflection, where it is served, can describe gRPC's health service too.
void SetListenOptions(grpc::ServerBuilder& builder);

inline constexpr int kConnectionMetadataBytes = 64 << 10;

}  // namespace nisi::rpc
