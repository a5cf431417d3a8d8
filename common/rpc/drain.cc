#include "common/rpc/drain.h"

#include <grpc/grpc.h>
#include <grpcpp/alarm.h>
#include <grpcpp/version_info.h>

#include <chrono>
#include <future>

#include "absl/time/clock.h"

// In the library of gRPC 1.51, but in none of its installed headers. grpc::Server::Shutdown does
// all of it in one step, and from then on every call that comes ends CANCELLED, also one that was
// sent before its client could know (grpc/grpc issue 41785). Taken apart, calls are served until
// the clients have gone. Look again with every other version; without these three the end of a
// server is Shutdown alone.
static_assert(GRPC_CPP_VERSION_MAJOR == 1 && GRPC_CPP_VERSION_MINOR == 51);
namespace grpc_core {

class Server {
 public:
  void StopListening();  // may be repeated
  void SendGoaways();
  bool HasOpenConnections();
};

}  // namespace grpc_core

namespace nisi::rpc {
namespace {

constexpr absl::Duration kLook = absl::Milliseconds(10);
constexpr absl::Duration kIdle = absl::Seconds(1);

// The core's functions need what gRPC sets up in its own threads; an alarm calls back in one.
void RunInCore(const std::function<void()>& work) {
  std::promise<void> done;
  grpc::Alarm alarm;
  alarm.Set(std::chrono::system_clock::now(), [&](bool /*expired*/) {
    work();
    done.set_value();
  });
  done.get_future().wait();
}

}  // namespace

void EndServer(grpc::Server& server, absl::Time limit, const std::function<bool()>& busy) {
  // What C calls grpc_server is this class.
  auto* const core = reinterpret_cast<grpc_core::Server*>(server.c_server());
  RunInCore([core] {
    core->StopListening();
    core->SendGoaways();
  });
  absl::Time last_busy = absl::Now();
  for (absl::Time now = last_busy; now < limit && now < last_busy + kIdle; now = absl::Now()) {
    if (!core->HasOpenConnections()) {
      break;
    }
    if (busy()) {
      last_busy = now;
    }
    absl::SleepFor(kLook);
  }
  // Ends what is left UNAVAILABLE and closes its connections. Shutdown would do it too; now it
  // finds none on which a call could come.
  grpc_server_cancel_all_calls(server.c_server());
  server.Shutdown(std::chrono::system_clock::now());
}

}  // namespace nisi::rpc
