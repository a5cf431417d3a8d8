#include "common/rpc/streams.h"

#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "common/base/jitter.h"
#include "common/base/status.h"
#include "common/rpc/answer.h"
#include "common/rpc/call_errors.h"

namespace nisi::rpc {
namespace {

// An idle source is asked so often whether it has something to say, as a bookmark.
constexpr absl::Duration kIdleLook = absl::Seconds(2);

absl::Status Busy() {
  return base::Overloaded("executor", base::Jittered(absl::Milliseconds(200)));
}

class ServerStream final : public http2::Taker, public std::enable_shared_from_this<ServerStream> {
 public:
  ServerStream(const Site& site, const Bound& bound, const std::atomic<bool>& draining,
               http2::CallHead head, std::shared_ptr<http2::Replier> replier)
      : site_(site), draining_(draining), in_(site, bound, std::move(head), std::move(replier)) {}

  bool Open() {
    const absl::Status opened = in_.Open();
    if (!opened.ok()) End(opened);
    return opened.ok();
  }

  void OnMessage(std::string message) override {
    if (request_.has_value()) return End(MessageCount());
    request_ = std::move(message);
    in_.replier().Ready();
  }
  void OnEnd() override {
    if (!request_.has_value()) return End(MessageCount());
    begun_ = true;
    Wake();
  }
  void OnFault(http2::Fault fault) override {
    End(RefusalOf(fault, in_.method().policy.max_request_bytes));
  }
  void OnSent() override {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (!std::exchange(sending_, false)) return;
      again_ = true;
    }
    (void)Schedule();
  }
  void OnTick(absl::Time now) override {
    if (!begun_) {
      if (now > in_.call().deadline) End(absl::DeadlineExceededError(""));
      return;
    }
    if (now < next_look_ && now < in_.call().deadline && !draining_) return;
    next_look_ = now + kIdleLook;
    Wake();
  }
  void OnCancel() override {
    if (!begun_ || Wake()) return;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (std::exchange(busy_, true)) return;  // somebody else woke it meanwhile: that ends it
    }
    End(absl::CancelledError());
  }
  http2::Answer OnEnded(const http2::Answer& answer) override {
    OnCancel();
    return WithTrace(answer, in_.call().trace_id);
  }

 private:
  // Something may have changed: pull again. False where nobody will; the next tick asks again.
  bool Wake() {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (finished_) return true;
      again_ = true;
      if (busy_) return true;
      busy_ = true;
    }
    return Schedule();
  }

  bool Schedule() {
    // The source may wake a stream that its last holder is just letting go.
    const std::shared_ptr<ServerStream> self = weak_from_this().lock();
    if (self == nullptr) return true;
    if (site_.stream_executor->Submit([self] { self->Pump(); })) return true;
    const std::lock_guard<std::mutex> lock(mutex_);
    busy_ = false;
    return false;
  }

  absl::Status OpenSource() {
    ASSIGN_OR_RETURN(const std::unique_ptr<Message> request, in_.Read(*request_));
    ASSIGN_OR_RETURN(source_, in_.method().server_stream(in_.call(), *request));
    source_->OnStart([this] { Wake(); });
    return absl::OkStatus();
  }

  // Runs on the executor, one at a time: busy_ is held from Wake until a wait, a message or the
  // end.
  void Pump() {
    if (source_ == nullptr) {
      if (const absl::Status opened = OpenSource(); !opened.ok()) return End(opened);
    }
    while (true) {
      {
        const std::lock_guard<std::mutex> lock(mutex_);
        again_ = false;
      }
      if (const absl::Status wanted = in_.StillWanted(); !wanted.ok()) return End(wanted);
      if (draining_) return End(ShuttingDown());
      std::string message;
      const auto state = source_->Pull(&message);
      if (!state.ok()) return End(state.status());
      if (*state == MessageSource::State::kEnd) return End(absl::OkStatus());
      if (*state == MessageSource::State::kMessage) {
        auto shown = MaskStreamed(in_.method(), in_.call(), std::move(message));
        if (!shown.ok()) return End(shown.status());
        {
          const std::lock_guard<std::mutex> lock(mutex_);
          sending_ = true;
        }
        return in_.replier().Send(*std::move(shown));
      }
      const std::lock_guard<std::mutex> lock(mutex_);
      if (!again_) {
        busy_ = false;
        return;
      }
    }
  }

  void End(const absl::Status& status) {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (finished_) return;
      finished_ = true;
    }
    in_.Close(status);
    // Here and not with the last holder, who may be one that the source is just waking: its end
    // waits for those.
    source_.reset();
  }

  const Site& site_;
  const std::atomic<bool>& draining_;
  Incoming in_;
  std::optional<std::string> request_;
  bool begun_ = false;  // of the carrier's thread
  absl::Time next_look_ = absl::InfinitePast();
  std::mutex mutex_;
  bool busy_ = false;
  bool sending_ = false;  // a message, whose OnSent goes on
  bool again_ = false;
  bool finished_ = false;
  std::unique_ptr<MessageSource> source_;  // last: from its end on nobody wakes
};

class ClientStream final : public http2::Taker, public std::enable_shared_from_this<ClientStream> {
 public:
  ClientStream(const Site& site, const Bound& bound, http2::CallHead head,
               std::shared_ptr<http2::Replier> replier)
      : site_(site), in_(site, bound, std::move(head), std::move(replier)) {}

  bool Open() {
    const absl::Status opened = in_.Open();
    if (!opened.ok()) End(opened);
    return opened.ok();
  }

  void OnMessage(std::string message) override {
    incoming_ = std::move(message);
    Schedule(&ClientStream::Push);
  }
  void OnEnd() override { Schedule(&ClientStream::Complete); }
  void OnFault(http2::Fault fault) override {
    End(RefusalOf(fault, in_.method().policy.max_request_bytes));
  }
  // A client that does not go on.
  void OnTick(absl::Time now) override {
    if (!busy_ && now > in_.call().deadline) End(absl::DeadlineExceededError(""));
  }
  void OnCancel() override {}
  http2::Answer OnEnded(const http2::Answer& answer) override {
    return WithTrace(answer, in_.call().trace_id);
  }

 private:
  void Schedule(void (ClientStream::*step)()) {
    if (finished_) return;
    busy_ = true;
    if (!site_.executor->Submit([self = shared_from_this(), step] { ((*self).*step)(); })) {
      End(Busy());
    }
  }

  absl::Status OpenSink() {
    if (sink_ != nullptr) return absl::OkStatus();
    ASSIGN_OR_RETURN(sink_, in_.method().client_stream(in_.call()));
    return absl::OkStatus();
  }

  absl::Status Take() {
    RETURN_IF_ERROR(in_.StillWanted());
    RETURN_IF_ERROR(OpenSink());
    ASSIGN_OR_RETURN(const std::unique_ptr<Message> message, in_.Read(incoming_));
    return sink_->Push(*message);
  }

  void Push() {
    if (const absl::Status taken = Take(); !taken.ok()) return End(taken);
    busy_ = false;
    in_.replier().Ready();
  }

  void Complete() {
    absl::Status wanted = in_.StillWanted();
    if (wanted.ok()) wanted = OpenSink();
    if (!wanted.ok()) return End(wanted);
    auto reply = sink_->Finish(in_.call());
    if (finished_.exchange(true)) return;
    if (!reply.ok()) return in_.Close(reply.status());
    in_.Close(MaskAnswer(in_.method(), in_.call(), nullptr, *std::move(reply)), shared_from_this());
  }

  void End(const absl::Status& status) {
    if (!finished_.exchange(true)) in_.Close(status);
  }

  const Site& site_;
  Incoming in_;
  std::string incoming_;
  std::unique_ptr<MessageSink<Message>> sink_;
  std::atomic<bool> busy_{false};
  std::atomic<bool> finished_{false};
};

template <class Call, class... Args>
std::shared_ptr<http2::Taker> Opened(Args&&... args) {
  auto call = std::make_shared<Call>(std::forward<Args>(args)...);
  if (!call->Open()) return nullptr;
  return call;
}

}  // namespace

std::shared_ptr<http2::Taker> TakeServerStream(const Site& site, const Bound& bound,
                                               const std::atomic<bool>& draining,
                                               http2::CallHead head,
                                               std::shared_ptr<http2::Replier> replier) {
  return Opened<ServerStream>(site, bound, draining, std::move(head), std::move(replier));
}

std::shared_ptr<http2::Taker> TakeClientStream(const Site& site, const Bound& bound,
                                               http2::CallHead head,
                                               std::shared_ptr<http2::Replier> replier) {
  return Opened<ClientStream>(site, bound, std::move(head), std::move(replier));
}

}  // namespace nisi::rpc
