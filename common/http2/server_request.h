// One request of a connection that is no call of gRPC: HTTP/2's frames of one stream on the one
// side, a RequestTaker on the other.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "common/http2/call_count.h"
#include "common/http2/loop.h"
#include "common/http2/message_queue.h"
#include "common/http2/progress.h"
#include "common/http2/request.h"
#include "common/http2/server_stream.h"
#include "common/http2/serving.h"

namespace nisi::http2 {

class ServerRequest final : public ServerStream,
                            public Responder,
                            public std::enable_shared_from_this<ServerRequest> {
 public:
  ServerRequest(ServerConnection* connection, int32_t id, const Serving& shared,
                std::shared_ptr<Source> source);
  ~ServerRequest() override;
  ServerRequest(const ServerRequest&) = delete;
  ServerRequest& operator=(const ServerRequest&) = delete;

  void OnHead(RequestHead head, const TakeRequest& take);
  void OnData(absl::string_view bytes) override;
  void OnRequestEnd() override;
  void OnStreamClosed() override;
  void OnTick(absl::Time now) override;
  void Abort(const Answer& answer) override;
  bool request_ended() const override { return request_ended_; }
  bool lingers() const override { return true; }

  void Respond(int status, Fields fields, std::string body) override;
  void Start(int status, Fields fields) override;
  void Write(std::string bytes) override;
  void End() override;
  void Consume(size_t bytes) override;
  bool Hold(size_t bytes) override;

 private:
  void Resume();
  void Reset(uint32_t error_code);
  ssize_t Read(uint8_t* room, size_t size, uint32_t* flags);

  ServerConnection* connection_;  // null when the stream is over
  EventLoop* const loop_;
  const int32_t id_;
  const Serving& shared_;
  const std::shared_ptr<CallCount> count_;
  Room::Held held_;
  size_t kept_ = 0;  // of the body
  std::shared_ptr<RequestTaker> taker_;
  bool request_ended_ = false;
  bool asks_head_ = false;  // its answer has no body, but the length of one
  MessageQueue out_;
  bool started_ = false;
  bool ended_ = false;
  bool reset_ = false;
  absl::Time linger_until_ = absl::InfiniteFuture();
  absl::Time take_until_ = absl::InfiniteFuture();  // when it has its end; before that,
  Progress progress_;
  bool waiting_ = false;  // nghttp2 waits to be told that there is more
};

}  // namespace nisi::http2
