// One call of a connection: HTTP/2's frames of one stream on the one side, a Taker on the other.
#pragma once

#include <nghttp2/nghttp2.h>

#include <atomic>
#include <deque>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "common/http2/call.h"
#include "common/http2/call_count.h"
#include "common/http2/limits.h"
#include "common/http2/loop.h"
#include "common/http2/message_queue.h"
#include "common/http2/message_reader.h"

namespace nisi::http2 {

class ServerConnection;

// Touched on the loop, but for what Replier says.
class ServerCall final : public Replier, public std::enable_shared_from_this<ServerCall> {
 public:
  ServerCall(ServerConnection* connection, EventLoop* loop, int32_t id, const Limits& limits,
             std::shared_ptr<CallCount> count);
  ~ServerCall() override;

  // What the client sends, in this order.
  void OnField(absl::string_view name, absl::string_view value);
  void OnHead(const TakeCall& take, std::shared_ptr<const Peer> peer);
  void OnData(absl::string_view bytes);
  void OnRequestEnd();
  // The stream is over, for whatever reason.
  void OnStreamClosed();
  void OnTick(absl::Time now);
  // Answers in place of whoever took the call.
  void Abort(const Answer& answer);

  bool request_ended() const { return request_ended_; }

  void Send(std::string message) override;
  void Finish(Answer answer) override;
  void Reply(std::string message, Answer answer) override;
  void Ready() override;
  bool cancelled() const override { return cancelled_.load(std::memory_order_relaxed); }

 private:
  void Queue(const std::string& message);
  void End(Answer answer);
  // Answers without a word of gRPC what is not gRPC.
  void RefuseHttp(absl::string_view status);
  void Deliver();
  void SendHead();
  void SendOnlyTrailers();
  void Resume();
  ssize_t Read(uint8_t* room, size_t size, uint32_t* flags);

  ServerConnection* connection_;  // null when the stream is over
  EventLoop* const loop_;
  const int32_t id_;
  const Limits& limits_;
  const std::shared_ptr<CallCount> count_;
  std::atomic<bool> cancelled_{false};

  // The request.
  CallHead head_;
  size_t head_bytes_ = 0;
  std::string http_method_;
  std::string content_type_;
  std::string encoding_;
  std::shared_ptr<Taker> taker_;
  MessageReader reader_;
  std::deque<std::string> messages_;  // whole, and not taken yet
  size_t withheld_ = 0;               // bytes of theirs that the client may not replace yet
  bool ready_ = true;
  bool delivering_ = false;
  bool request_ended_ = false;
  bool end_delivered_ = false;
  Fault fault_ = Fault::kNone;

  // The answer.
  MessageQueue out_;
  bool head_sent_ = false;
  bool waiting_ = false;  // nghttp2 waits to be told that there is more
  bool finished_ = false;
  Answer answer_;
};

}  // namespace nisi::http2
