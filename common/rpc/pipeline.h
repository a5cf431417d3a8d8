// The steps every call passes before and after its function, in one order: identity, role, time,
// size, parse, form, scope, function, answer, metrics. Inside common/rpc only.
#pragma once

#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "common/base/clock.h"
#include "common/http2/call.h"
#include "common/rpc/authenticator.h"
#include "common/rpc/call.h"
#include "common/rpc/disclosure.h"
#include "common/rpc/executor.h"
#include "common/rpc/metrics.h"
#include "common/rpc/registry.h"

namespace nisi::rpc {

// What all calls of a server share.
struct Site {
  base::Clock* clock;
  const Authenticator* authenticator;
  Executor* executor;
  Executor* stream_executor;
};

// A method with its metrics.
struct Bound {
  const Method* method;
  MethodMetrics metrics;
};

// One call on its way, used by one thread at a time.
class Incoming {
 public:
  Incoming(const Site& site, const Bound& bound, http2::CallHead head,
           std::shared_ptr<http2::Replier> replier);
  // A call that nobody answered was given up by its caller.
  ~Incoming();
  Incoming(const Incoming&) = delete;
  Incoming& operator=(const Incoming&) = delete;

  // Identity, role, deadline: what needs no message.
  absl::Status Open();
  // Size, parse, form, scope. For a client stream, of each message.
  absl::StatusOr<std::unique_ptr<Message>> Read(absl::string_view bytes);
  // The function of a unary call, and what of its answer the caller may see.
  absl::StatusOr<Masked> Run(const Message& request);
  // Whether the time is up or the caller gone.
  absl::Status StillWanted() const;
  // Sends the answer when what it shows by right is settled; `self` keeps this call until then.
  void Close(absl::StatusOr<Masked> reply, std::shared_ptr<void> self);
  // Counts and logs the answer, and sends it: its only message, or an error.
  void Close(absl::StatusOr<std::string> reply);
  // The same without a message: an error, or the end of a stream.
  void Close(const absl::Status& status);

  Call& call() { return call_; }
  const Method& method() const { return *bound_.method; }
  http2::Replier& replier() const { return *replier_; }

 private:
  http2::Answer Closed(const absl::Status& status);

  const Site& site_;
  const Bound& bound_;
  const http2::CallHead head_;
  const std::shared_ptr<http2::Replier> replier_;
  const absl::Time arrived_;  // by the system's clock, as deadlines are
  bool closed_ = false;
  std::string question_;  // to be told back to whoever wants it (question.h)
  Call call_;
};

}  // namespace nisi::rpc
