// The steps every call passes before and after its function, in one order: identity, role, time,
// size, parse, form, scope, function, answer, metrics. Inside common/rpc only.
#pragma once

#include <grpcpp/server_context.h>
#include <grpcpp/support/byte_buffer.h>

#include <memory>
#include <string>

#include "common/base/clock.h"
#include "common/rpc/authenticator.h"
#include "common/rpc/call.h"
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

// One call on its way. Lives until the call has been answered.
class Incoming {
 public:
  Incoming(const Site& site, const Bound& bound, grpc::CallbackServerContext* context);

  // Identity, role, deadline: what needs no message.
  absl::Status Open();
  // Size, parse, form, scope. For a client stream, of each message.
  absl::StatusOr<std::unique_ptr<Message>> Read(const grpc::ByteBuffer& bytes);
  // The function of a unary call.
  absl::Status Run(const Message& request, std::string* reply);
  // Whether the time is up or the caller gone.
  absl::Status StillWanted() const;
  // Counts and logs the answer, adds the trailers, and makes it gRPC's.
  grpc::Status Close(const absl::Status& status);

  Call& call() { return call_; }
  const Method& method() const { return *bound_.method; }
  grpc::CallbackServerContext* context() const { return context_; }

 private:
  const Site& site_;
  const Bound& bound_;
  grpc::CallbackServerContext* context_;
  const absl::Time arrived_;  // by the system's clock, as deadlines are
  Call call_;
};

// A reply in gRPC's form, without a copy where it is large.
grpc::ByteBuffer ToByteBuffer(std::string bytes);

}  // namespace nisi::rpc
