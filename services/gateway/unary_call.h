// A call of the Connect protocol with one message each way: bodies as they are, an error as JSON.
// Plain HTTP with JSON reads like it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "services/gateway/web_call.h"

namespace nisi::gateway {

class UnaryCall final : public WebCall {
 public:
  // `message`: where it came in the head already.
  static std::shared_ptr<http2::RequestTaker> Take(WebRequest request, http2::CallHead head,
                                                   std::optional<std::string> message);
  UnaryCall(WebRequest request, size_t max_bytes)
      : WebCall(std::move(request)), max_bytes_(max_bytes) {}

  void OnBody(absl::string_view bytes) override;
  void OnBodyEnd() override;
  void Ready() override {}  // no message follows the one

 protected:
  void Say(std::string) override {}  // its one message and the end come together, see ClientCall
  void Conclude(std::string* message, const http2::Answer& answer) override;

 private:
  void Ask(std::string message);

  const size_t max_bytes_;
  std::string body_;
  bool asked_ = false;
};

// Answers with an error of HTTP and JSON what is no call.
void RespondError(const WebRequest& request, int http_status, const http2::Answer& answer);

}  // namespace nisi::gateway
