// What all connections of one thread of a server share; outlives them.
#pragma once

#include <functional>
#include <memory>

#include "common/http2/call.h"
#include "common/http2/call_count.h"
#include "common/http2/guard.h"
#include "common/http2/limits.h"
#include "common/http2/loop.h"
#include "common/http2/reading.h"
#include "common/http2/request.h"
#include "common/http2/session.h"

namespace nisi::http2 {

class ServerConnection;

struct Serving {
  EventLoop* loop;
  Limits limits;
  Reading* reading;   // null: clients are read as they send
  Takers take;        // requests: empty where only gRPC is served
  MakeSession http1;  // empty: HTTP/2 alone
  std::shared_ptr<CallCount> calls;
  std::shared_ptr<Guard> guard;
  Answer no_room;  // to a call that guard has no room for
  // The connection is gone, and nothing of it left on the loop.
  std::function<void(ServerConnection*)> on_gone;
};

}  // namespace nisi::http2
