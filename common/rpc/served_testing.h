// A server within the test's own process, called as clients call it: every step of the call layer,
// without a socket.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <condition_variable>
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
    auto keys = KeySet::Parse(JwksText({{"gateway", key_.public_key()}}));
    EXPECT_TRUE(keys.ok()) << keys.status();
    identity.contexts = std::make_unique<ContextVerifier>(FixedKeys(*keys), "testing");
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
  Got Call(const Caller& caller, const std::string& path, const std::string& request,
           size_t messages = 1'000) {
    const auto catcher = std::make_shared<Catcher>();
    http2::CallHead head;
    head.path = path;
    head.peer = std::make_shared<http2::Peer>();
    head.deadline = absl::Now() + absl::Seconds(60);
    if (!caller.anonymous()) {
      head.fields.Add(kCallContextKey, signer_.Sign(caller, "testing", absl::Now()));
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

  const PrivateKey key_ = *PrivateKey::Generate(Algorithm::kEdDsa);
  const ContextSigner signer_{key_, "gateway"};
  std::unique_ptr<Authenticator> authenticator_;
  Metrics metrics_{"testing"};
  absl::Status started_;
  std::unique_ptr<Server> server_;
};

}  // namespace nisi::rpc
