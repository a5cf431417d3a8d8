// One call of a connection: HTTP/2's frames of one stream on the one side, a Taker on the other.
#pragma once

#include <nghttp2/nghttp2.h>

#include <atomic>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "common/http2/call.h"
#include "common/http2/call_count.h"
#include "common/http2/limits.h"
#include "common/http2/loop.h"
#include "common/http2/message_queue.h"
#include "common/http2/message_reader.h"
#include "common/http2/messages.h"
#include "common/http2/progress.h"
#include "common/http2/request.h"
#include "common/http2/server_stream.h"
#include "common/http2/serving.h"
#include "common/http2/withheld.h"

namespace nisi::http2 {

// Touched on the loop, but for what Replier says.
class ServerCall final : public ServerStream,
                         public Replier,
                         public std::enable_shared_from_this<ServerCall> {
 public:
  ServerCall(ServerConnection* connection, int32_t id, const Serving& shared,
             std::shared_ptr<Source> source);
  ~ServerCall() override;

  void OnHead(RequestHead head, const TakeCall& take);
  void OnData(absl::string_view bytes) override;
  void OnRequestEnd() override;
  void OnStreamClosed() override;
  void OnTick(absl::Time now) override;
  void Abort(const Answer& answer) override;
  bool request_ended() const override { return request_ended_; }
  bool lingers() const override { return false; }

  void Send(std::string message) override;
  void Finish(Answer answer) override;
  void Reply(std::string message, Answer answer) override;
  void Ready() override;
  void Narrow(double part) override;
  bool cancelled() const override { return cancelled_.load(std::memory_order_relaxed); }

 private:
  // False: there is no room for it.
  bool Queue(const std::string& message);
  // Counts what is held for the call. False where there is no room: then it is held no more, and
  // the call must end.
  bool Hold();
  void End(Answer answer);
  void Conclude(Answer answer);
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
  const Serving& shared_;
  const Limits& limits_;
  const std::shared_ptr<CallCount> count_;
  bool narrows_ = false;  // how many calls its client may have under way
  Room::Held held_;
  std::atomic<bool> cancelled_{false};

  // The request.
  std::shared_ptr<Taker> taker_;
  MessageReader reader_;
  Messages messages_;  // not taken yet
  Withheld withheld_;
  size_t taken_ = 0;  // bytes of the last that was taken, with which it still works
  bool ready_ = true;
  bool delivering_ = false;
  bool request_ended_ = false;
  bool end_delivered_ = false;
  Fault fault_ = Fault::kNone;
  bool compressed_ = false;  // what the client sent

  // The answer.
  MessageQueue out_;
  bool head_sent_ = false;
  bool waiting_ = false;  // nghttp2 waits to be told that there is more
  bool finished_ = false;
  Answer answer_;
  absl::Time take_until_ = absl::InfiniteFuture();  // when finished; before that,
  Progress progress_;
};

}  // namespace nisi::http2
