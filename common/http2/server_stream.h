// A stream of a client's connection, as its connection sees it.
#pragma once

#include <cstddef>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/http2/call.h"

namespace nisi::http2 {

// What one takes before any message: its objects here and those of whoever takes it.
inline constexpr size_t kStreamBytes = 4 << 10;

class ServerStream {
 public:
  virtual ~ServerStream() = default;
  virtual void OnData(absl::string_view bytes) = 0;
  virtual void OnRequestEnd() = 0;
  // It is over, for whatever reason.
  virtual void OnStreamClosed() = 0;
  virtual void OnTick(absl::Time now) = 0;
  // Answers in place of whoever took what it carries.
  virtual void Abort(const Answer& answer) = 0;
  virtual bool request_ended() const = 0;
  // Whether the client may go on for a while when it has its answer: some clients lose the answer
  // where they are stopped.
  virtual bool lingers() const = 0;
};

}  // namespace nisi::http2
