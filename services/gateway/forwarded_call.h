// One call on its way through the gateway: a state machine driven by the events of one completion
// queue, on one thread. One message is under way in each direction, so a slow reader slows its
// writer through the gateway.
//
// Unary: read the message, see that no second comes, one batch to the backend, one batch back.
// Server stream: the same beginning, then messages down one by one. With a stream from the client:
// messages up and down, each side at its own pace.
#pragma once

#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/generic/generic_stub.h>

#include <chrono>
#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/rpc/metrics.h"
#include "services/gateway/admission.h"
#include "services/gateway/limits.h"
#include "services/gateway/routes.h"

namespace nisi::gateway {

using SystemTime = std::chrono::system_clock::time_point;

// What a completion queue gives back.
class Tag {
 public:
  virtual ~Tag() = default;
  virtual void Fire(bool ok) = 0;
};

class ForwardedCall;

// What all calls share; touched by the queue's thread only.
struct Hub {
  grpc::AsyncGenericService service;
  std::unique_ptr<grpc::ServerCompletionQueue> queue;
  const Routes* routes = nullptr;
  Admission* admission = nullptr;
  Limits limits;
  absl::flat_hash_map<std::string, std::unique_ptr<grpc::GenericStub>> stubs;  // by owner
  std::vector<rpc::MethodMetrics> metrics;  // by Route::index; after the last, unknown methods
  std::list<ForwardedCall*> live;           // those that a client has begun
  size_t calls = 0;                         // unary ones under way
  size_t streams = 0;                       // the others
  size_t objects = 0;                       // live ones, and those that wait for a client
  uint64_t refused = 0;                     // by the bounds on calls at once
};

class ForwardedCall {
 public:
  // Waits for the next call; deletes itself after it.
  static void Accept(Hub& hub);

  // Ends the call: what the client did not get yet, it does not get.
  void Abort(const absl::Status& status);
  // Whether it is a stream from a service, which may go on for as long as the client wants.
  bool is_server_stream() const;
  // Ends it when its time is over and its own steps did not: a client that does not send or take.
  void Sweep(SystemTime now);

  ForwardedCall(const ForwardedCall&) = delete;
  ForwardedCall& operator=(const ForwardedCall&) = delete;

 private:
  using Handler = void (ForwardedCall::*)(bool);
  class Step final : public Tag {
   public:
    Step(ForwardedCall* call, Handler handler) : call_(call), handler_(handler) {}
    void Fire(bool ok) override;

   private:
    ForwardedCall* call_;
    Handler handler_;
  };

  explicit ForwardedCall(Hub& hub);
  ~ForwardedCall();

  Tag* Post(Step& step);
  absl::Status Open();
  bool CountIn();
  void Refuse(const absl::Status& status);
  void Answer(const grpc::Status& status);
  void Forward();
  void PassTrailers();

  // From the client, before the backend.
  void OnAccepted(bool ok);
  void OnMessage(bool ok);
  void OnNoMore(bool ok);
  void OnDone(bool ok);
  void OnAnswered(bool ok);
  // From the backend.
  void OnStarted(bool ok);
  void OnHeaders(bool ok);
  void OnHeadersPassed(bool ok);
  void OnDownRead(bool ok);
  void OnDownWritten(bool ok);
  void OnBackendStatus(bool ok);
  // A stream from the client.
  void OnUpRead(bool ok);
  void OnUpProbed(bool ok);
  void OnUpWritten(bool ok);
  void OnUpClosed(bool ok);

  void GiveUpDownward();

  Hub& hub_;
  grpc::GenericServerContext in_;
  grpc::GenericServerAsyncReaderWriter client_;
  std::optional<grpc::ClientContext> out_;
  std::unique_ptr<grpc::GenericClientAsyncResponseReader> unary_;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> stream_;

  const Route* route_ = nullptr;
  Trace trace_;
  Admitted admitted_;
  SystemTime deadline_ = SystemTime::max();
  absl::Time began_;
  grpc::ByteBuffer up_;
  grpc::ByteBuffer down_;
  grpc::Status backend_status_;
  absl::Status ours_;  // not OK: answered instead of the backend's status
  grpc::StatusCode answered_ = grpc::StatusCode::UNKNOWN;

  int pending_ = 0;  // events that will still come; at 0 the call is over
  bool live_ = false;
  bool counted_ = false;
  bool answering_ = false;
  bool gone_ = false;  // the client, before its answer
  bool headers_sent_ = false;
  std::list<ForwardedCall*>::iterator place_;

  Step accepted_{this, &ForwardedCall::OnAccepted};
  Step done_{this, &ForwardedCall::OnDone};
  Step message_{this, &ForwardedCall::OnMessage};
  Step no_more_{this, &ForwardedCall::OnNoMore};
  Step answered_step_{this, &ForwardedCall::OnAnswered};
  Step started_{this, &ForwardedCall::OnStarted};
  Step headers_{this, &ForwardedCall::OnHeaders};
  Step headers_passed_{this, &ForwardedCall::OnHeadersPassed};
  Step down_read_{this, &ForwardedCall::OnDownRead};
  Step down_written_{this, &ForwardedCall::OnDownWritten};
  Step backend_status_step_{this, &ForwardedCall::OnBackendStatus};
  Step up_read_{this, &ForwardedCall::OnUpRead};
  Step up_probed_{this, &ForwardedCall::OnUpProbed};
  Step up_written_{this, &ForwardedCall::OnUpWritten};
  Step up_closed_{this, &ForwardedCall::OnUpClosed};
};

}  // namespace nisi::gateway
