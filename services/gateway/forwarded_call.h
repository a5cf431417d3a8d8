// One call on its way through the gateway: what takes it from the client, and what the service's
// answers go through. Messages pass as they are; where a stream takes many, one is under way in
// each direction, so a slow reader slows its writer through the gateway.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/http2/call.h"
#include "services/gateway/hub.h"

namespace nisi::gateway {

// As a Taker it is called on its loop; as a Replier from any thread.
class ForwardedCall final : public http2::Taker,
                            public http2::Replier,
                            public std::enable_shared_from_this<ForwardedCall> {
 public:
  // Null where the call was refused at once. `hub` and `ways` outlive the calls.
  static std::shared_ptr<ForwardedCall> Take(Hub* hub, Ways* ways, http2::CallHead head,
                                             std::shared_ptr<http2::Replier> client, Trace trace);
  ForwardedCall(Hub* hub, Ways* ways, http2::CallHead head, std::shared_ptr<http2::Replier> client,
                Trace trace);
  ~ForwardedCall() override;
  ForwardedCall(const ForwardedCall&) = delete;
  ForwardedCall& operator=(const ForwardedCall&) = delete;

  // From the client.
  void OnMessage(std::string message) override;
  void OnEnd() override;
  void OnFault(http2::Fault fault) override;
  void OnSent() override;
  void OnTick(absl::Time now) override;
  void OnCancel() override;
  http2::Answer OnEnded(const http2::Answer& answer) override;

  // Ends the call with a refusal of the gateway's own; a service may be at it.
  void Abort(const absl::Status& status);

  // From the service.
  void Send(std::string message) override;
  void Finish(http2::Answer answer) override;
  void Reply(std::string message, http2::Answer answer) override;
  void Ready() override;
  bool cancelled() const override;

 private:
  absl::Status FindRoute();
  absl::Status Admit();
  void KeepIdentity();
  // Takes its room, when the first message is whole: whoever sends it slowly keeps nobody out. Of a
  // stream, where there is some, and refuses it otherwise; of another call, which may have to wait.
  bool TakeStream();
  void Enter();
  void OnTurn(Capacity::Turn turn);
  void ForwardMessage();
  Capacity& capacity() const { return *hub_->capacities.find(admitted_.owner)->second; }
  void Forward();
  // As Abort, of one that no service is at.
  void Refuse(const absl::Status& status);
  // The same, for want of room.
  void RefuseBusy();
  void Answered(std::optional<std::string> message, http2::Answer answer);
  // Where the failure is the house's, not the caller's.
  void LogFailed(const absl::Status& status) const;
  // It has its end, with this code.
  void Over(absl::StatusCode code);

  Hub* const hub_;
  Ways* const ways_;
  http2::CallHead head_;  // once it is admitted, of its metadata only what CheckStill needs
  const std::shared_ptr<http2::Replier> client_;
  const absl::Time began_;
  const Trace trace_;
  const Route* route_ = nullptr;
  Admitted admitted_;
  absl::Time deadline_ = absl::InfiniteFuture();
  absl::Time next_look_ = absl::InfiniteFuture();  // at who calls; of a stream
  std::optional<std::string> message_;             // of a method that takes one
  std::shared_ptr<http2::Taker> service_;
  bool counted_ = false;
  absl::Time forwarded_;  // counted_, and at a service since then
  std::shared_ptr<Capacity::Waiting> waiting_;
  absl::Time waits_until_ = absl::InfiniteFuture();
  std::atomic<bool> over_{false};
};

}  // namespace nisi::gateway
