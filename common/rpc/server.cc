#include "common/rpc/server.h"

#include <iterator>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/base/steady.h"
#include "common/rpc/answer.h"
#include "common/rpc/call_errors.h"
#include "common/rpc/reflection.h"
#include "common/rpc/streams.h"
#include "common/rpc/unary_call.h"
#include "google/protobuf/message.h"
#include "grpc/health/v1/health.pb.h"

namespace nisi::rpc {
namespace {

constexpr size_t kStreamThreads = 4;
constexpr size_t kStreamQueue = 100'000;

absl::Status CannotServe(absl::string_view why) {
  return base::Refusal(absl::StatusCode::kFailedPrecondition, "CANNOT_SERVE", why);
}

// The way back of a call from within the process, counted as long as somebody has it.
class Counted final : public http2::Replier {
 public:
  Counted(std::shared_ptr<http2::Replier> to, std::shared_ptr<http2::CallCount> count)
      : to_(std::move(to)), count_(std::move(count)) {
    count_->Up();
  }
  ~Counted() override {
    to_.reset();
    count_->Down();
  }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;

  void Send(std::string message) override { to_->Send(std::move(message)); }
  void Finish(http2::Answer answer) override { to_->Finish(std::move(answer)); }
  void Reply(std::string message, http2::Answer answer) override {
    to_->Reply(std::move(message), std::move(answer));
  }
  void Ready() override { to_->Ready(); }
  bool cancelled() const override { return to_->cancelled(); }

 private:
  std::shared_ptr<http2::Replier> to_;
  const std::shared_ptr<http2::CallCount> count_;
};

}  // namespace

bool IsLoopback(const std::string& address) {
  return absl::StartsWith(address, "127.") || absl::StartsWith(address, "localhost:") ||
         absl::StartsWith(address, "[::1]:") || absl::StartsWith(address, "unix:");
}

absl::StatusOr<std::unique_ptr<Server>> Server::Start(const ServerOptions& options) {
  RETURN_IF_ERROR(options.registry->Check());
  if (options.tls == nullptr && !options.address.empty() && !IsLoopback(options.address)) {
    return CannotServe("Without TLS a server listens on loopback only: give --tls-dir.");
  }
  std::unique_ptr<Server> server(new Server());
  server->Bind(options);
  if (!options.address.empty()) RETURN_IF_ERROR(server->Carry(options.address, options.tls));
  options.metrics->AddFigures([executor = std::weak_ptr<Executor>(server->executor_)] {
    const auto live = executor.lock();
    return std::vector<store::Figure>{
        {"nisi_executor_queue_depth", "Calls that wait for a thread.",
         live == nullptr ? 0.0 : static_cast<double>(live->queue_depth())}};
  });
  server->SetServing(true);
  return server;
}

absl::Status Server::Carry(const std::string& address, std::shared_ptr<http2::TlsAcceptor> tls) {
  http2::ServerOptions options;
  options.address = address;
  options.tls = std::move(tls);
  // A little over the largest message we take, so that the refusal is ours and says how much is
  // allowed.
  options.limits.max_message_bytes = kMaxRequestBytes + (1 << 20);
  options.take = [this](http2::EventLoop*) {
    return [this](http2::CallHead head, std::shared_ptr<http2::Replier> replier) {
      return Take(std::move(head), std::move(replier));
    };
  };
  auto carrier = http2::Server::Start(std::move(options));
  if (!carrier.ok()) return CannotServe(absl::StrCat(carrier.status().message()));
  carrier_ = *std::move(carrier);
  return absl::OkStatus();
}

void Server::Bind(const ServerOptions& options) {
  // Keeps the linker from leaving out a file that nothing else names: reflection describes it.
  google::protobuf::LinkMessageReflection<grpc::health::v1::HealthCheckRequest>();
  executor_ = std::make_shared<Executor>(options.executor);
  stream_executor_ =
      std::make_unique<Executor>(Executor::Limits{kStreamThreads, kStreamQueue, "streams"});
  site_ = Site{options.clock, options.authenticator, executor_.get(), stream_executor_.get()};
  std::set<std::string> names;
  for (const auto* service : options.registry->services()) {
    names.insert(service->full_name());
    for (int i = 0; i < service->method_count(); ++i) {
      const auto* declared = service->method(i);
      const std::string path = absl::StrCat("/", service->full_name(), "/", declared->name());
      methods_[path] = std::make_unique<Bound>(
          Bound{options.registry->Find(path), options.metrics->ForMethod(*declared)});
    }
  }
  listed_.assign(names.begin(), names.end());
  listed_.emplace_back(kHealthService);
  listed_.insert(listed_.end(), std::begin(kReflectionServices), std::end(kReflectionServices));
  health_ = std::make_unique<Health>(names);
  for (const auto& [name, why_not] : options.registry->asked_for_health()) {
    health_->Ask(name, why_not);
  }
}

std::shared_ptr<http2::Taker> Server::Take(http2::CallHead head,
                                           std::shared_ptr<http2::Replier> replier) {
  const auto found = methods_.find(head.path);
  if (found != methods_.end()) {
    const Bound& bound = *found->second;
    if (bound.method->server_stream) {
      return TakeServerStream(site_, bound, draining_, std::move(head), std::move(replier));
    }
    if (bound.method->client_stream) {
      return TakeClientStream(site_, bound, std::move(head), std::move(replier));
    }
    return TakeUnary(site_, bound, std::move(head), std::move(replier));
  }
  if (head.path == kHealthCheckPath) return health_->TakeCheck(head, std::move(replier));
  if (head.path == kHealthWatchPath) return health_->TakeWatch(head, std::move(replier));
  if (IsReflection(head.path)) return TakeReflection(listed_, head, std::move(replier));
  replier->Finish(ToAnswer(MethodUnknown()));
  return nullptr;
}

Server::~Server() {
  Drain(absl::Seconds(5));
  calls_here_->WaitForNone();
}

http2::TakeCall Server::take() {
  return [this](http2::CallHead head, std::shared_ptr<http2::Replier> replier) {
    return Take(std::move(head), std::make_shared<Counted>(std::move(replier), calls_here_));
  };
}

void Server::SetServing(bool serving) {
  health_->SetServing(serving);
}

void Server::Drain(absl::Duration limit) {
  if (health_ == nullptr) return;  // it never began
  SetServing(false);
  draining_ = true;
  if (carrier_ != nullptr) carrier_->End(base::SteadyNow() + limit, ToAnswer(ShuttingDown()));
}

}  // namespace nisi::rpc
