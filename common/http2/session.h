// Another way to speak on a client's connection than HTTP/2: what a server gets from outside, so
// that it need not know it. On the loop's thread.
#pragma once

#include <functional>
#include <memory>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/http2/call.h"
#include "common/http2/call_count.h"
#include "common/http2/guard.h"
#include "common/http2/limits.h"
#include "common/http2/loop.h"
#include "common/http2/reading.h"
#include "common/http2/request.h"
#include "common/http2/socket.h"

namespace nisi::http2 {

class Session {
 public:
  virtual ~Session() = default;
  // As of Socket::Owner.
  virtual void OnBytes(absl::string_view bytes) = 0;
  virtual void OnWritten() = 0;
  virtual void OnClosed() = 0;
  // Some times a second.
  virtual void OnTick(absl::Time now) = 0;
  // No request after the one under way.
  virtual void GoAway() = 0;
  // Answers what is under way, and closes.
  virtual void End(const Answer& answer) = 0;
  virtual bool has_calls() const = 0;
};

// What a session is made with; all of it outlives the session.
struct SessionParts {
  EventLoop* loop;
  Socket* socket;
  const Limits* limits;
  Reading* reading;  // null: clients are read as they send
  const TakeRequest* take;
  std::shared_ptr<const Peer> peer;
  std::shared_ptr<CallCount> calls;
  std::shared_ptr<Guard> guard;
  std::shared_ptr<Source> source;  // whose client it is
};

using MakeSession = std::function<std::shared_ptr<Session>(SessionParts parts)>;

}  // namespace nisi::http2
