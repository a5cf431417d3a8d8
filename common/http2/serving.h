// What all connections of one thread of a server share; outlives them.
#pragma once

#include <functional>
#include <memory>
#include <utility>

#include "absl/time/time.h"
#include "common/http2/call.h"
#include "common/http2/call_count.h"
#include "common/http2/guard.h"
#include "common/http2/limits.h"
#include "common/http2/loop.h"
#include "common/http2/request.h"
#include "common/http2/session.h"

namespace nisi::http2 {

class ServerConnection;

// How long clients are read in one turn of a loop, all together. What else has come waits for them:
// above all the answers of services, without which what was read leads to nothing. On its loop
// only.
class ReadingTurn {
 public:
  ReadingTurn(EventLoop* loop, absl::Duration time) : loop_(loop), time_(time) {}

  // Of the turn that is under way.
  absl::Time Ends(absl::Time now) {
    if (!std::exchange(begun_, true)) {
      ends_ = now + time_;
      loop_->AtEndOfTurn([this] { begun_ = false; });
    }
    return ends_;
  }

 private:
  EventLoop* const loop_;
  const absl::Duration time_;
  bool begun_ = false;
  absl::Time ends_;
};

struct Serving {
  EventLoop* loop;
  Limits limits;
  ReadingTurn* turn;  // null: without end
  Takers take;        // requests: empty where only gRPC is served
  MakeSession http1;  // empty: HTTP/2 alone
  std::shared_ptr<CallCount> calls;
  std::shared_ptr<Guard> guard;
  Answer no_room;  // to a call that guard has no room for
  // The connection is gone, and nothing of it left on the loop.
  std::function<void(ServerConnection*)> on_gone;
};

}  // namespace nisi::http2
