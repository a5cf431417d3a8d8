// For tests of single calls: the way back to a client that keeps what it is told.
#pragma once

#include <string>
#include <utility>

#include "common/http2/call.h"

namespace nisi::rpc {

inline constexpr char kTraceId[] = "0af7651916cd43dd8448eb211c80319c";
inline constexpr char kTraceparent[] = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

class Kept final : public http2::Replier {
 public:
  void Send(std::string) override { ++sent_; }
  void Finish(http2::Answer answer) override {
    ended_ = true;
    answer_ = std::move(answer);
  }
  void Reply(std::string message, http2::Answer answer) override {
    message_ = std::move(message);
    Finish(std::move(answer));
  }
  void Ready() override {}
  bool cancelled() const override { return false; }

  int sent() const { return sent_; }
  bool ended() const { return ended_; }
  const http2::Answer& answer() const { return answer_; }
  const std::string& message() const { return message_; }

 private:
  int sent_ = 0;
  bool ended_ = false;
  std::string message_;
  http2::Answer answer_;
};

}  // namespace nisi::rpc
