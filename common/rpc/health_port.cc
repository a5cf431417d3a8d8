#include "common/rpc/health_port.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/rpc/answer.h"
#include "common/rpc/call_errors.h"

namespace nisi::rpc {
namespace {

// Nobody vouches for who comes here, and an honest prober needs next to nothing.
constexpr size_t kConnections = 64;
constexpr size_t kMessageBytes = 1024, kHeadBytes = 8 << 10;
constexpr uint32_t kCalls = 16;

http2::Limits SmallLimits() {
  http2::Limits limits;
  limits.max_message_bytes = kMessageBytes;
  limits.max_head_bytes = kHeadBytes;
  limits.max_calls_of_connection = kCalls;
  limits.max_connections = kConnections;
  limits.max_connections_of_source = kConnections;
  limits.handshake = absl::Seconds(5);
  limits.max_unsent_bytes = 64 << 10;
  limits.resets = limits.settings = {50, 5};
  limits.chatter = {200, 20};
  limits.max_held_bytes = 4 << 20;
  limits.answer = absl::Seconds(10);
  limits.progress = limits.idle = absl::Minutes(1);
  return limits;
}

}  // namespace

absl::StatusOr<std::unique_ptr<HealthPort>> HealthPort::Start(const std::string& address,
                                                              const Health& health) {
  http2::ServerOptions options;
  options.address = address;
  options.loops = 1;
  options.name = "health";
  options.limits = SmallLimits();
  options.no_room = ToAnswer(RefusalOf(http2::Fault::kNoRoom, 0, 0));
  options.take = [&health](http2::EventLoop*) {
    return [&health](http2::CallHead head,
                     std::shared_ptr<http2::Replier> replier) -> std::shared_ptr<http2::Taker> {
      head.peer = std::make_shared<http2::Peer>();  // whoever asks here is a stranger
      if (head.path == kHealthCheckPath) return health.TakeCheck(head, std::move(replier));
      if (head.path == kHealthWatchPath) return health.TakeWatch(head, std::move(replier));
      replier->Finish(ToAnswer(MethodUnknown()));
      return nullptr;
    };
  };
  auto carrier = http2::Server::Start(std::move(options));
  if (!carrier.ok()) {
    return base::Refusal(absl::StatusCode::kFailedPrecondition, "CANNOT_SERVE",
                         absl::StrCat("--health-address: ", carrier.status().message()));
  }
  return std::unique_ptr<HealthPort>(new HealthPort(*std::move(carrier)));
}

}  // namespace nisi::rpc
