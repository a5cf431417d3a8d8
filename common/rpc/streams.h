// Streaming calls over the callback API: messages are pulled from a source when the stream can take
// one, or pushed to a sink as they come. No stream holds a thread. Inside common/rpc only.
#pragma once

#include <grpcpp/support/server_callback.h>

#include <condition_variable>
#include <mutex>
#include <set>
#include <thread>

#include "common/rpc/pipeline.h"

namespace nisi::rpc {

class ServerStream;

// The open server streams of a server: woken from time to time, so that idle ones can send a
// bookmark and notice their deadline, and ended when the server drains.
class LiveStreams {
 public:
  LiveStreams();
  ~LiveStreams();
  void Add(ServerStream* stream);
  void Remove(ServerStream* stream);
  void Drain();
  bool draining() const;

 private:
  void Loop();

  mutable std::mutex mutex_;
  std::condition_variable change_;
  std::set<ServerStream*> streams_;
  bool draining_ = false;
  bool stopping_ = false;
  std::thread ticker_;
};

grpc::ServerWriteReactor<grpc::ByteBuffer>* NewServerStream(const Site& site, const Bound& bound,
                                                            LiveStreams* live,
                                                            grpc::CallbackServerContext* context,
                                                            const grpc::ByteBuffer* request);
grpc::ServerReadReactor<grpc::ByteBuffer>* NewClientStream(const Site& site, const Bound& bound,
                                                           grpc::CallbackServerContext* context,
                                                           grpc::ByteBuffer* response);

}  // namespace nisi::rpc
