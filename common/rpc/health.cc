#include "common/rpc/health.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/status.h"
#include "common/base/steady.h"
#include "common/rpc/answer.h"
#include "common/rpc/call_errors.h"
#include "common/rpc/certificates.h"
#include "common/rpc/limits.h"
#include "common/rpc/parse.h"
#include "common/rpc/policy.h"
#include "common/rpc/version.h"
#include "grpc/health/v1/health.pb.h"

namespace nisi::rpc {

using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;

namespace {

// Strangers learn no more than whether it serves.
bool IsOurs(const http2::Peer& peer) {
  return absl::StartsWith(peer.identity, ServiceIdentity("")) ||
         absl::StartsWith(peer.address, "127.") || peer.address == "::1";
}

}  // namespace

// One Check or Watch.
class HealthCall final : public http2::Taker {
 public:
  enum class What { kCheck, kCheckWithProgram, kWatch };
  HealthCall(const Health& health, const http2::CallHead& head,
             std::shared_ptr<http2::Replier> replier, What what)
      : health_(health),
        replier_(std::move(replier)),
        what_(what),
        deadline_(what == What::kWatch ? head.deadline
                                       : std::min(head.deadline, base::SteadyNow() + kMaxDeadline)),
        trace_id_(TraceIdOf(head.fields)) {}

  void OnMessage(std::string message) override {
    if (ended_) return;
    if (asked_) return End(MessageCount());
    HealthCheckRequest request;
    if (const absl::Status parsed = ParseMessage(message, &request); !parsed.ok()) {
      return End(parsed);
    }
    service_ = request.service();
    asked_ = true;
    replier_->Ready();
  }

  void OnEnd() override {
    if (ended_) return;
    if (!asked_) return End(MessageCount());
    if (what_ == What::kWatch) return Tell();
    const int status = health_.StatusOf(service_);
    if (status == HealthCheckResponse::SERVICE_UNKNOWN) {
      return End(base::Refusal(absl::StatusCode::kNotFound, "SERVICE_UNKNOWN",
                               "No service of that name is here."));
    }
    ended_ = true;
    http2::Answer answer;
    if (what_ == What::kCheckWithProgram) {
      answer.trailers.Add(kVersionKey, std::string(Version()));
      answer.trailers.Add(kTimeKey, absl::StrCat(absl::ToUnixMillis(base::SystemNow())));
    }
    replier_->Reply(Message(status), std::move(answer));
  }

  void OnFault(http2::Fault fault) override { End(RefusalOf(fault, kMaxRequestBytes)); }
  void OnTick(absl::Time now) override {
    if (now >= deadline_) return End(absl::DeadlineExceededError(""));
    if (told_ != kNothing) Tell();
  }
  void OnCancel() override {}
  http2::Answer OnEnded(const http2::Answer& answer) override {
    return WithTrace(answer, trace_id_);
  }

 private:
  static constexpr int kNothing = -1;

  static std::string Message(int status) {
    HealthCheckResponse response;
    response.set_status(static_cast<HealthCheckResponse::ServingStatus>(status));
    return response.SerializeAsString();
  }
  void Tell() {
    const int status = health_.StatusOf(service_);
    if (ended_ || status == told_) return;
    told_ = status;
    replier_->Send(Message(status));
  }
  void End(const absl::Status& status) {
    if (std::exchange(ended_, true)) return;
    replier_->Finish(ToAnswer(status, trace_id_));
  }

  const Health& health_;
  const std::shared_ptr<http2::Replier> replier_;
  const What what_;
  const absl::Time deadline_;
  const std::string trace_id_;
  std::string service_;
  bool asked_ = false;
  bool ended_ = false;
  int told_ = kNothing;
};

Health::Health(const std::set<std::string>& names) {
  names_[""] = true;
  for (const std::string& name : names) names_[name] = true;
}

void Health::SetServing(const std::string& name, bool serving) {
  if (const auto found = names_.find(name); found != names_.end()) found->second = serving;
}

void Health::Ask(const std::string& name, std::function<absl::Status()> why_not) {
  names_[name] = true;
  asked_[name].why_not = std::move(why_not);
}

bool Health::Passes(const std::string& name) const {
  const auto found = asked_.find(name);
  if (found == asked_.end()) return true;
  const absl::Status status = found->second.why_not();
  if (found->second.failing.exchange(!status.ok()) == status.ok()) {
    base::Log(status.ok() ? base::Severity::kInfo : base::Severity::kError,
              status.ok() ? "serving_again" : "not_serving",
              {{"name", name}, {"status", status.ToString()}});
  }
  return status.ok();
}

int Health::StatusOf(const std::string& name) const {
  if (name == kLivenessName) return HealthCheckResponse::SERVING;
  const auto found = names_.find(name);
  if (found == names_.end()) return HealthCheckResponse::SERVICE_UNKNOWN;
  const bool serves = serving_ && found->second && Passes("") && (name.empty() || Passes(name));
  return serves ? HealthCheckResponse::SERVING : HealthCheckResponse::NOT_SERVING;
}

std::shared_ptr<http2::Taker> Health::TakeCheck(const http2::CallHead& head,
                                                std::shared_ptr<http2::Replier> replier) const {
  return std::make_shared<HealthCall>(
      *this, head, std::move(replier),
      IsOurs(*head.peer) ? HealthCall::What::kCheckWithProgram : HealthCall::What::kCheck);
}

std::shared_ptr<http2::Taker> Health::TakeWatch(const http2::CallHead& head,
                                                std::shared_ptr<http2::Replier> replier) const {
  return std::make_shared<HealthCall>(*this, head, std::move(replier), HealthCall::What::kWatch);
}

}  // namespace nisi::rpc
