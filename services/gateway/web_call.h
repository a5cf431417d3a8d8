// A call that came by another protocol than gRPC: what its protocols have in common. One request of
// HTTP on the one side, the way that all calls go on the other.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/http2/request.h"
#include "google/protobuf/descriptor.h"
#include "services/gateway/admission.h"
#include "services/gateway/forwarded_call.h"
#include "services/gateway/hub.h"

namespace nisi::gateway {

// What each protocol is given.
struct WebRequest {
  Hub* hub;
  Ways* ways;
  std::shared_ptr<http2::Responder> responder;
  const google::protobuf::MethodDescriptor* method;  // null: there is none
  const rpc::MethodMetrics* metrics;                 // of it, for what makes no call
  Trace trace;
  bool json = false;
  std::string content_type;  // of the answer
  http2::Fields fields;      // of the answer, whatever it is
};

class WebCall : public http2::RequestTaker,
                public http2::Replier,
                public std::enable_shared_from_this<WebCall> {
 public:
  explicit WebCall(WebRequest request);

  // Hands the call on. False: it was answered at once.
  bool Begin(http2::CallHead head);

  void OnSent() override;
  void OnTick(absl::Time now) override;
  void Abort(const http2::Answer& answer) override;
  void OnCancel() override;

  void Send(std::string message) override;
  void Finish(http2::Answer answer) override;
  void Reply(std::string message, http2::Answer answer) override;
  bool cancelled() const override { return over_; }

 protected:
  // What the service says, on the loop, before the end.
  virtual void Say(std::string message) = 0;
  // `message` null: the end of a stream, or an error.
  virtual void Conclude(std::string* message, const http2::Answer& answer) = 0;

  // A message of the client as bytes; where it is none, the call is refused and this is false.
  bool Decode(std::string* message);
  // A message of the service as the client wants it. False where it is none.
  bool Encode(std::string* message) const;
  // So many bytes of the request are kept here. False: there is no room, and the call has its end.
  bool Keep(size_t bytes);
  bool over() const { return over_; }
  // What came from the service is no message of its type: the service's own mistake.
  http2::Answer NoMessage() const;

  WebRequest request_;
  std::shared_ptr<ForwardedCall> call_;

 private:
  void End(std::string* message, const http2::Answer& answer);

  std::atomic<bool> over_{false};
};

}  // namespace nisi::gateway
