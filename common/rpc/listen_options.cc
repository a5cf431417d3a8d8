#include "common/rpc/listen_options.h"

#include <grpc/compression.h>

#include "google/protobuf/message.h"
#include "grpc/health/v1/health.pb.h"

namespace nisi::rpc {
namespace {

constexpr int kMaxStreamsOfAConnection = 1000;
// A little under the 10 s that clients are promised, as pings arrive less evenly than they were
// sent. gRPC's own bound is 5 minutes, and it ends the connection at the third ping before time.
constexpr int kLeastMsBetweenPings = 9'000;
constexpr int kOwnPingMs = 60'000;
constexpr int kOwnPingTimeoutMs = 20'000;

void RefuseCompression(grpc::ServerBuilder& builder) {
  builder.SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_GZIP, false);
  builder.SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_DEFLATE, false);
  // The call is refused by what stands above; this takes away what could inflate its message
  // meanwhile.
  builder.AddChannelArgument(GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION, 0);
}

void SetPings(grpc::ServerBuilder& builder) {
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                             kLeastMsBetweenPings);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, kOwnPingMs);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kOwnPingTimeoutMs);
}

}  // namespace

void SetListenOptions(grpc::ServerBuilder& builder) {
  // gRPC lists its health service in reflection without knowing its descriptor. This keeps the
  // linker from leaving out a file that nothing else names.
  google::protobuf::LinkMessageReflection<grpc::health::v1::HealthCheckRequest>();
  RefuseCompression(builder);
  SetPings(builder);
  builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, kConnectionMetadataBytes);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kMaxStreamsOfAConnection);
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
}

}  // namespace nisi::rpc
