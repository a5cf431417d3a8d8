#include "common/rpc/unary_call.h"

#include <optional>
#include <string>
#include <utility>

#include "common/base/jitter.h"
#include "common/base/status.h"
#include "common/http2/loop.h"
#include "common/rpc/answer.h"
#include "common/rpc/call_errors.h"
#include "common/rpc/peer.h"
#include "common/rpc/store_call.h"

namespace nisi::rpc {
namespace {

// Requests up to this size are parsed and checked on the carrier's own thread.
constexpr size_t kInlineBytes = 64 << 10;

class UnaryCall final : public http2::Taker, public std::enable_shared_from_this<UnaryCall> {
 public:
  UnaryCall(const Site& site, const Bound& bound, http2::CallHead head,
            std::shared_ptr<http2::Replier> replier)
      : site_(site), in_(site, bound, std::move(head), std::move(replier)) {}

  bool Open() {
    const absl::Status opened = in_.Open();
    if (!opened.ok()) in_.Close(opened);
    return opened.ok();
  }

  void OnMessage(std::string message) override {
    if (request_.has_value()) return End(MessageCount());
    request_ = std::move(message);
    in_.replier().Ready();
  }
  void OnEnd() override {
    if (begun_) return;
    if (!request_.has_value()) return End(MessageCount());
    begun_ = true;
    Begin();
  }
  void OnFault(http2::Fault fault) override {
    End(RefusalOf(fault, in_.method().policy.max_request_bytes));
  }
  // A client that does not send what it announced. Once begun, the function looks at its time.
  void OnTick(absl::Time now) override {
    if (!begun_ && now > in_.call().deadline) End(absl::DeadlineExceededError(""));
  }
  void OnCancel() override {}
  http2::Answer OnEnded(const http2::Answer& answer) override {
    return WithTrace(answer, in_.call().trace_id);
  }

 private:
  void End(const absl::Status& status) {
    if (std::exchange(begun_, true)) return;
    in_.Close(status);
  }

  // On the carrier's own thread, which must not wait: what cannot wait is answered here, what is a
  // transaction goes to the store's writer, and all else to the executor.
  void Begin() {
    const bool small = request_->size() <= kInlineBytes;
    if (small && in_.method().command != nullptr) return Command();
    if (small && in_.method().policy.non_blocking) {
      in_.call().inquiry = &inquiry_;
      return AnswerInMemory();
    }
    Queue();
  }

  // On a thread that must not wait. What the function asks other services brings it here again.
  void AnswerInMemory() {
    in_.call().reach = store::Reach::kMemory;
    absl::StatusOr<Masked> reply = Answer();
    // What it made of a question that has no answer yet counts for nothing.
    if (inquiry_.waits()) {
      return inquiry_.Send([self = shared_from_this()] {
        // Answered by a service of this process it may be on any thread.
        const bool here = self->inquiry_.answered() && http2::EventLoop::Current() != nullptr;
        here ? self->AnswerInMemory() : self->Queue();
      });
    }
    if (store::IsNotInMemory(reply.status())) return Queue();
    in_.Close(std::move(reply), shared_from_this());
  }

  void Queue() {
    in_.call().reach = store::Reach::kDisk;
    const bool queued = site_.executor->Submit([self = shared_from_this()] {
      if (self->in_.method().command != nullptr) return self->Command();
      self->in_.Close(self->Answer(), self);
    });
    if (!queued) {
      in_.Close(base::Overloaded("executor", base::Jittered(absl::Milliseconds(200))));
    }
  }

  absl::StatusOr<Masked> Answer() {
    if (message_ == nullptr) {
      ASSIGN_OR_RETURN(message_, in_.Read(*request_));
    }
    inquiry_.Rewind();
    return in_.Run(*message_);
  }

  // Hands the call to the writer; no thread waits for the commit.
  void Command() {
    absl::StatusOr<std::unique_ptr<Message>> read = in_.Read(*request_);
    if (!read.ok()) return in_.Close(read.status());
    message_ = *std::move(read);
    in_.method().store->WriteAsync(
        CommandOf(in_.call(), *message_),
        [self = shared_from_this()](store::Tx& tx) -> absl::StatusOr<std::string> {
          RETURN_IF_ERROR(self->in_.StillWanted());
          return self->in_.method().command(self->in_.call(), tx, *self->message_);
        },
        [self = shared_from_this()](absl::StatusOr<store::Outcome> outcome) {
          if (!outcome.ok()) return self->in_.Close(outcome.status());
          self->in_.call().position = outcome->position;
          // Also of an answer that was given before.
          self->in_.Close(MaskAnswer(self->in_.method(), self->in_.call(), self->message_.get(),
                                     std::move(outcome->reply)),
                          self);
        });
  }

  const Site& site_;
  Incoming in_;
  std::optional<std::string> request_;
  std::unique_ptr<const Message> message_;  // the request, once it is read
  Inquiry inquiry_;
  bool begun_ = false;
};

}  // namespace

std::shared_ptr<http2::Taker> TakeUnary(const Site& site, const Bound& bound, http2::CallHead head,
                                        std::shared_ptr<http2::Replier> replier) {
  auto call = std::make_shared<UnaryCall>(site, bound, std::move(head), std::move(replier));
  if (!call->Open()) return nullptr;
  return call;
}

}  // namespace nisi::rpc
