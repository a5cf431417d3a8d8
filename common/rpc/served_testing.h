// A server within the test's own process, called as clients call it: every step of the call layer,
// without a socket.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "common/base/clock.h"
#include "common/rpc/call_context.h"
#include "common/rpc/server.h"
#include "common/rpc/subjects.h"
#include "google/rpc/status.pb.h"

namespace nisi::rpc {

// What a call came to: everything that its client gets.
struct Got {
  absl::Status status;
  std::vector<std::string> messages;
  std::string trailers;  // a line each
  std::string error;     // its text, and its details as they go over the wire, in one order

  const std::string& message() const {
    static const std::string kNone;
    return messages.empty() ? kNone : messages.front();
  }
};

class LocalServer {
 public:
  // `registry` and `clock` outlive it.
  LocalServer(const Registry& registry, base::Clock* clock) {
    AuthenticatorOptions identity;
    identity.contexts =
        std::make_unique<ContextVerifier>([this](absl::Time) { return Trusted(); }, "testing");
    identity.in_process_only = true;
    authenticator_ = std::make_unique<Authenticator>(std::move(identity));
    ServerOptions options;
    options.clock = clock;
    options.registry = &registry;
    options.authenticator = authenticator_.get();
    options.metrics = &metrics_;
    auto server = Server::Start(options);
    started_ = server.status();
    if (server.ok()) server_ = *std::move(server);
  }
  // Why it did not start.
  const absl::Status& started() const { return started_; }

  // Sends the request and waits for the end; of a stream for as many messages, then gives it up.
  // Who calls as "service:<name>" is that service by itself; all others come through the gateway.
  Got Call(const Caller& caller, const std::string& path, const std::string& request,
           size_t messages = 1'000) {
    const auto catcher = std::make_shared<Catcher>();
    http2::CallHead head;
    head.path = path;
    head.peer = std::make_shared<http2::Peer>();
    head.deadline = absl::Now() + absl::Seconds(60);
    if (!caller.anonymous()) {
      head.fields.Add(kCallContextKey, SignerFor(caller).Sign(caller, "testing", absl::Now()));
    }
    const std::shared_ptr<http2::Taker> taker = server_->take()(std::move(head), catcher);
    if (taker != nullptr) {
      taker->OnMessage(request);
      catcher->WaitReady();
      taker->OnEnd();
      for (size_t seen = 1; catcher->WaitFor(seen); ++seen) {
        if (seen == messages) {
          catcher->GiveUp();
          taker->OnCancel();
          break;
        }
        taker->OnSent();
      }
    }
    return catcher->Take();
  }
  template <class Response, class Request>
  absl::StatusOr<Response> Do(const Caller& caller, const std::string& path,
                              const Request& request) {
    const Got got = Call(caller, path, request.SerializeAsString());
    if (!got.status.ok()) return got.status;
    Response response;
    if (!response.ParseFromString(got.message())) return absl::InternalError("no answer");
    return response;
  }

 private:
  class Catcher final : public http2::Replier {
   public:
    void Send(std::string message) override {
      const std::lock_guard<std::mutex> lock(mutex_);
      got_.messages.push_back(std::move(message));
      changed_.notify_all();
    }
    void Finish(http2::Answer answer) override {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (std::exchange(over_, true)) return;
      got_.status = absl::Status(answer.code, answer.text);
      google::rpc::Status wire;
      wire.ParseFromString(answer.details);
      std::vector<std::string> details;
      for (const auto& detail : wire.details()) {
        got_.status.SetPayload(detail.type_url(), absl::Cord(detail.value()));
        details.push_back(detail.SerializeAsString());
      }
      std::sort(details.begin(), details.end());  // they come in an order that means nothing
      got_.error = absl::StrCat(answer.text, "\n", absl::StrJoin(details, "\n"));
      for (const http2::Field& field : answer.trailers) {
        absl::StrAppend(&got_.trailers, field.name, ": ", field.value, "\n");
      }
      changed_.notify_all();
    }
    void Reply(std::string message, http2::Answer answer) override {
      {
        const std::lock_guard<std::mutex> lock(mutex_);
        got_.messages.push_back(std::move(message));
      }
      Finish(std::move(answer));
    }
    void Ready() override {
      const std::lock_guard<std::mutex> lock(mutex_);
      ready_ = true;
      changed_.notify_all();
    }
    bool cancelled() const override {
      const std::lock_guard<std::mutex> lock(mutex_);
      return given_up_;
    }

    // The end of what a client sends comes to a call when a message could.
    void WaitReady() {
      std::unique_lock<std::mutex> lock(mutex_);
      changed_.wait(lock, [&] { return ready_ || over_; });
    }
    // Whether so many messages came before the end.
    bool WaitFor(size_t messages) {
      std::unique_lock<std::mutex> lock(mutex_);
      changed_.wait(lock, [&] { return over_ || got_.messages.size() >= messages; });
      return !over_;
    }
    void GiveUp() {
      const std::lock_guard<std::mutex> lock(mutex_);
      given_up_ = true;
    }
    Got Take() {
      std::unique_lock<std::mutex> lock(mutex_);
      changed_.wait(lock, [&] { return over_ || given_up_; });
      return got_;
    }

   private:
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    Got got_;
    bool ready_ = false;
    bool over_ = false;
    bool given_up_ = false;
  };

  // Each signs by a key of its own, which is trusted from its first call on.
  const ContextSigner& SignerFor(const Caller& caller) {
    const absl::string_view service = ServiceOfSubject(caller.subject);
    const std::string name(service.empty() ? kGatewaySigner : service);
    const std::lock_guard<std::mutex> lock(mutex_);
    std::unique_ptr<const ContextSigner>& signer = signers_[name];
    if (signer == nullptr) {
      const PrivateKey key = *PrivateKey::Generate(Algorithm::kEdDsa);
      entries_.push_back({name, key.public_key()});
      trusted_ = std::make_shared<const KeySet>(*KeySet::Parse(JwksText(entries_)));
      signer = std::make_unique<const ContextSigner>(key, name);
    }
    return *signer;
  }
  std::shared_ptr<const KeySet> Trusted() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return trusted_;
  }

  std::mutex mutex_;  // of who signs
  std::map<std::string, std::unique_ptr<const ContextSigner>> signers_;
  std::vector<KeySet::Entry> entries_;
  std::shared_ptr<const KeySet> trusted_;
  std::unique_ptr<Authenticator> authenticator_;
  Metrics metrics_{"testing"};
  absl::Status started_;
  std::unique_ptr<Server> server_;
};

}  // namespace nisi::rpc
