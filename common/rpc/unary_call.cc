#include "common/rpc/unary_call.h"

#include <optional>
#include <string>
#include <utility>

#include "common/base/status.h"
#include "common/rpc/call_errors.h"
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
      in_.call().reach = store::Reach::kMemory;
      absl::StatusOr<Masked> reply = Answer();
      if (!store::IsNotInMemory(reply.status())) {
        return in_.Close(std::move(reply), shared_from_this());
      }
      in_.call().reach = store::Reach::kDisk;
    }
    const bool queued = site_.executor->Submit([self = shared_from_this()] {
      if (self->in_.method().command != nullptr) return self->Command();
      self->in_.Close(self->Answer(), self);
    });
    if (!queued) in_.Close(base::Overloaded("executor", absl::Milliseconds(200)));
  }

  absl::StatusOr<Masked> Answer() {
    ASSIGN_OR_RETURN(const std::unique_ptr<Message> message, in_.Read(*request_));
    return in_.Run(*message);
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
  std::unique_ptr<const Message> message_;  // of a command
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
