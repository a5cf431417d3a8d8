#include "services/gateway/forwarder.h"

#include <grpcpp/alarm.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/server_builder.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/base/status.h"
#include "common/rpc/drain.h"
#include "common/rpc/health.h"
#include "common/rpc/listen_options.h"
#include "common/rpc/reflection.h"
#include "services/gateway/errors.h"
#include "services/gateway/forwarded_call.h"
#include "services/gateway/reflection_service.h"

namespace nisi::gateway {
namespace {

// The label of its series, so that in one process with its services no call counts twice.
constexpr char kProcess[] = "gateway";
constexpr std::chrono::milliseconds kTick{250};
constexpr int kTicksAHealthLook = 4;
constexpr absl::Duration kUnreadyPause = absl::Seconds(1);
// Calls that wait for clients at once; each that is taken posts the next.
constexpr int kWaiting = 32;

const char* KindName(CallKind kind) {
  if (kind.client_streaming) {
    return kind.server_streaming ? "bidi_stream" : "client_stream";
  }
  return kind.server_streaming ? "server_stream" : "unary";
}

class QueueForwarder final : public Forwarder {
 public:
  explicit QueueForwarder(ForwarderOptions options) : options_(std::move(options)) {}
  ~QueueForwarder() override { Drain(absl::ZeroDuration()); }

  absl::Status Start() override;
  int port() const override { return port_; }
  void Drain(absl::Duration limit) override;

 private:
  class Event final : public Tag {
   public:
    Event(QueueForwarder* self, void (QueueForwarder::*handler)(bool))
        : self_(self), handler_(handler) {}
    void Fire(bool ok) override { (self_->*handler_)(ok); }

   private:
    QueueForwarder* self_;
    void (QueueForwarder::*handler_)(bool);
  };

  void FillHub();
  void Run();
  void OnTick(bool ok);
  void OnServerDown(bool ok);
  void EndWhenIdle();
  void LookAtBackends();

  const ForwarderOptions options_;
  Hub hub_;
  std::unique_ptr<ReflectionService> reflection_;
  std::unique_ptr<grpc::Server> server_;
  int port_ = 0;
  std::thread thread_;

  // Touched by the queue's thread only, but for Start.
  Event tick_{this, &QueueForwarder::OnTick};
  Event down_{this, &QueueForwarder::OnServerDown};
  grpc::Alarm tick_alarm_;
  grpc::Alarm down_alarm_;
  bool ticking_ = false;
  bool server_down_ = false;
  bool ended_ = false;
  int ticks_ = 0;
  std::map<std::string, bool> reachable_;

  // Copies for the metrics, which are read by another thread and may outlive this.
  struct Figures {
    std::atomic<uint64_t> live{0};
    std::atomic<uint64_t> refused{0};
  };
  const std::shared_ptr<Figures> figures_ = std::make_shared<Figures>();
  std::atomic<bool> draining_{false};
  std::atomic<int64_t> abort_at_ns_{INT64_MAX};
};

void QueueForwarder::FillHub() {
  hub_.routes = options_.routes;
  hub_.admission = options_.admission;
  hub_.limits = options_.limits;
  for (const auto& [owner, channel] : options_.backends) {
    hub_.stubs[owner] = std::make_unique<grpc::GenericStub>(channel);
    reachable_[owner] = true;
  }
  for (const Route* route : options_.routes->all()) {
    const auto& method = *route->policy.descriptor;
    hub_.metrics.push_back(options_.metrics->ForMethod(method.service()->full_name(), method.name(),
                                                       KindName(route->kind), kProcess));
  }
  hub_.metrics.push_back(options_.metrics->ForMethod("unknown", "unknown", "unary", kProcess));
  options_.metrics->AddFigures([figures = figures_] {
    return std::vector<store::Figure>{
        {"nisi_gateway_live_calls", "Calls under way.", static_cast<double>(figures->live.load())},
        {"nisi_gateway_overloaded_total", "Calls refused because too many were under way.",
         static_cast<double>(figures->refused.load())}};
  });
}

absl::Status QueueForwarder::Start() {
  FillHub();
  grpc::EnableDefaultHealthCheckService(true);
  grpc::ServerBuilder builder;
  builder.AddListeningPort(options_.address, options_.credentials, &port_);
  rpc::SetListenOptions(builder);
  // Somewhat too large is answered with a reason of ours; far too large is broken off by gRPC.
  builder.SetMaxReceiveMessageSize(static_cast<int>(2 * options_.routes->max_request_bytes()));
  builder.SetMaxSendMessageSize(-1);
  builder.RegisterAsyncGenericService(&hub_.service);
  std::vector<std::string> listed{rpc::kHealthService, rpc::kReflectionService};
  for (const auto* service : options_.routes->services()) listed.push_back(service->full_name());
  reflection_ = std::make_unique<ReflectionService>(std::move(listed));
  builder.RegisterService(reflection_.get());
  hub_.queue = builder.AddCompletionQueue();
  server_ = builder.BuildAndStart();
  if (server_ == nullptr || port_ == 0) {
    ended_ = true;
    hub_.queue->Shutdown();
    void* tag = nullptr;
    for (bool ok = false; hub_.queue->Next(&tag, &ok);) {
    }
    return base::Unavailable("PORT_TAKEN", absl::StrCat("Cannot listen on ", options_.address),
                             absl::Seconds(1));
  }
  for (int i = 0; i < kWaiting; ++i) {
    ForwardedCall::Accept(hub_);
  }
  ticking_ = true;
  tick_alarm_.Set(hub_.queue.get(), std::chrono::system_clock::now() + kTick, &tick_);
  thread_ = std::thread([this] { Run(); });
  auto* health = server_->GetHealthCheckService();
  health->SetServingStatus(true);
  for (const auto* service : options_.routes->services()) {
    health->SetServingStatus(service->full_name(), true);
  }
  for (const auto& [owner, channel] : options_.backends) {
    health->SetServingStatus(owner, true);
  }
  return absl::OkStatus();
}

void QueueForwarder::Run() {
  void* tag = nullptr;
  bool ok = false;
  while (hub_.queue->Next(&tag, &ok)) {
    static_cast<Tag*>(tag)->Fire(ok);
    if (server_down_ && !ended_) {
      EndWhenIdle();
    }
  }
}

void QueueForwarder::OnTick(bool /*ok*/) {
  ticking_ = false;
  if (ended_) {
    hub_.queue->Shutdown();
    return;
  }
  const SystemTime now = std::chrono::system_clock::now();
  figures_->live = hub_.live.size();
  figures_->refused = hub_.refused;
  const bool draining = draining_.load();
  const bool abort = absl::FromChrono(now) >= absl::FromUnixNanos(abort_at_ns_.load());
  for (ForwardedCall* call : hub_.live) {
    if (abort || (draining && call->is_server_stream())) {
      call->Abort(ShuttingDown());
    }
    call->Sweep(now);
  }
  if (++ticks_ % kTicksAHealthLook == 0 && !draining) {
    LookAtBackends();
  }
  ticking_ = true;
  tick_alarm_.Set(hub_.queue.get(), now + kTick, &tick_);
}

// Also makes a channel that lost its backend try again, so that it is back before a call comes.
void QueueForwarder::LookAtBackends() {
  auto* health = server_->GetHealthCheckService();
  for (const auto& [owner, channel] : options_.backends) {
    const bool reachable =
        options_.in_process || channel->GetState(true) != GRPC_CHANNEL_TRANSIENT_FAILURE;
    if (std::exchange(reachable_[owner], reachable) == reachable) {
      continue;
    }
    health->SetServingStatus(owner, reachable);
    for (const auto* service : options_.routes->services()) {
      if (rpc::OwnerOf(*service) == owner) {
        health->SetServingStatus(service->full_name(), reachable);
      }
    }
  }
}

void QueueForwarder::OnServerDown(bool /*ok*/) {
  server_down_ = true;
}

void QueueForwarder::EndWhenIdle() {
  if (hub_.objects != 0) {
    return;
  }
  ended_ = true;
  if (ticking_) {
    tick_alarm_.Cancel();  // OnTick shuts the queue down
  } else {
    hub_.queue->Shutdown();
  }
}

void QueueForwarder::Drain(absl::Duration limit) {
  if (!thread_.joinable()) {
    return;
  }
  const absl::Time end = absl::Now() + limit;
  draining_ = true;
  server_->GetHealthCheckService()->Shutdown();
  // Open for a moment more: whoever spreads calls over gateways sees it unready before it is
  // closed.
  absl::SleepFor(std::min(limit / 10, kUnreadyPause));
  abort_at_ns_ = absl::ToUnixNanos(end - (end - absl::Now()) / 4);
  rpc::EndServer(*server_, end, [this] { return figures_->live != 0; });
  down_alarm_.Set(hub_.queue.get(), std::chrono::system_clock::now(), &down_);
  thread_.join();
  server_.reset();
}

}  // namespace

std::unique_ptr<Forwarder> NewQueueForwarder(ForwarderOptions options) {
  return std::make_unique<QueueForwarder>(std::move(options));
}

}  // namespace nisi::gateway
