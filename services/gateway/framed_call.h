// Calls whose messages come in frames, as many as there are: streams of the Connect protocol, and
// gRPC-Web. Both use gRPC's frames and end with one of their own, as no trailers reach a browser.
#pragma once

#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "common/http2/message_reader.h"
#include "common/http2/messages.h"
#include "services/gateway/base64_reader.h"
#include "services/gateway/web_call.h"

namespace nisi::gateway {

class FramedCall final : public WebCall {
 public:
  enum class Form { kConnect, kGrpcWeb, kGrpcWebText };

  static std::shared_ptr<http2::RequestTaker> Take(WebRequest request, http2::CallHead head,
                                                   Form form);
  FramedCall(WebRequest request, Form form, size_t max_bytes);

  void OnBody(absl::string_view bytes) override;
  void OnBodyEnd() override;
  void Ready() override;

 protected:
  void Say(std::string message) override;
  void Conclude(std::string* message, const http2::Answer& answer) override;

 private:
  void Deliver();
  void Write(absl::string_view message, unsigned char flags);

  const Form form_;
  http2::MessageReader reader_;
  Base64Reader base64_;       // of kGrpcWebText
  http2::Messages messages_;  // not taken yet
  size_t taken_ = 0;          // bytes of the one that was taken last, which is under way
  size_t withheld_ = 0;       // bytes of theirs that the client may not replace yet
  bool ready_ = true;
  bool delivering_ = false;
  bool ended_ = false;
  bool end_delivered_ = false;
  http2::Fault fault_ = http2::Fault::kNone;
  bool started_ = false;
};

}  // namespace nisi::gateway
