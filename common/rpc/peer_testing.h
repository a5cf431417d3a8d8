// For tests of a service that asks another: the other one played by functions of the test, and what
// is needed to ask it.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "common/rpc/answer.h"
#include "common/rpc/peer.h"

namespace nisi::rpc {

// Answers at once, on the thread that asks. What it has no function for, and all while it is away,
// is UNAVAILABLE as of a lost connection. It outlives whoever asks it.
class PlayedPeer {
 public:
  using Fn = std::function<absl::StatusOr<std::string>(const std::string& request)>;

  // `path`: "/package.Service/Method".
  void On(const std::string& path, Fn fn) {
    const std::lock_guard<std::mutex> lock(mutex_);
    functions_[path] = std::move(fn);
  }
  template <class Request, class Response>
  void On(const std::string& path, std::function<absl::StatusOr<Response>(const Request&)> fn) {
    On(path, [fn](const std::string& bytes) -> absl::StatusOr<std::string> {
      Request request;
      if (!request.ParseFromString(bytes)) return absl::InternalError("the request does not parse");
      const absl::StatusOr<Response> response = fn(request);
      if (!response.ok()) return response.status();
      return response->SerializeAsString();
    });
  }
  void SetAway(bool away) {
    const std::lock_guard<std::mutex> lock(mutex_);
    away_ = away;
  }
  // Takes calls and never answers: a peer that is slow, to whoever does not wait for ever.
  void SetSilent(bool silent) {
    const std::lock_guard<std::mutex> lock(mutex_);
    silent_ = silent;
  }
  // The same for calls of one method.
  void SetSilentAt(const std::string& path) {
    const std::lock_guard<std::mutex> lock(mutex_);
    silent_at_.insert(path);
  }
  // Keeps so many calls until all are there, and answers them; then as many as the next number
  // says, and after the last each at once. Who asks one after another hears of the first only.
  void AnswerTogether(std::vector<size_t> counts) {
    const std::lock_guard<std::mutex> lock(mutex_);
    together_ = {counts.begin(), counts.end()};
  }
  int asked() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return asked_;
  }

  http2::TakeCall take() {
    return [this](http2::CallHead head, std::shared_ptr<http2::Replier> replier) {
      return std::make_shared<Taken>(this, head.path, std::move(replier));
    };
  }

 private:
  class Taken final : public http2::Taker {
   public:
    Taken(PlayedPeer* peer, std::string path, std::shared_ptr<http2::Replier> replier)
        : peer_(peer), path_(std::move(path)), replier_(std::move(replier)) {}
    void OnMessage(std::string message) override { request_ = std::move(message); }
    void OnEnd() override { peer_->Take({path_, request_, replier_}); }
    void OnFault(http2::Fault) override {}
    void OnTick(absl::Time) override {}
    void OnCancel() override {}

   private:
    PlayedPeer* const peer_;
    const std::string path_;
    const std::shared_ptr<http2::Replier> replier_;
    std::string request_;
  };

  struct Kept {
    std::string path, request;
    std::shared_ptr<http2::Replier> replier;
  };
  void Take(Kept call) {
    std::vector<Kept> calls;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      ++asked_;
      kept_.push_back(std::move(call));
      if (!together_.empty()) {
        if (kept_.size() < together_.front()) return;
        together_.pop_front();
      }
      calls.swap(kept_);
    }
    for (const Kept& one : calls) Answer(one.path, one.request, *one.replier);
  }

  void Answer(const std::string& path, const std::string& request, http2::Replier& replier) {
    Fn fn;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (silent_ || silent_at_.contains(path)) return;
      const auto found = functions_.find(path);
      if (!away_ && found != functions_.end()) fn = found->second;
    }
    if (fn == nullptr) {
      return replier.Finish({absl::StatusCode::kUnavailable, "The service is away.", "", {}});
    }
    absl::StatusOr<std::string> answer = fn(request);
    if (!answer.ok()) return replier.Finish(ToAnswer(answer.status()));
    replier.Reply(*std::move(answer), {});
  }

  mutable std::mutex mutex_;
  std::map<std::string, Fn> functions_;
  std::set<std::string> silent_at_;
  std::deque<size_t> together_;
  std::vector<Kept> kept_;
  bool away_ = false, silent_ = false;
  int asked_ = 0;
};

// What tests need not wait for: no pause before another try.
inline PeerLimits WithoutPauses() {
  PeerLimits limits;
  limits.pause = absl::ZeroDuration();
  return limits;
}

// The peers of a service of that name, with a key of its own.
inline std::unique_ptr<Peers> MakePeers(const std::string& name, Metrics* metrics,
                                        const PeerLimits& limits = WithoutPauses()) {
  Peers::Options options;
  options.signer =
      std::make_shared<const ContextSigner>(*PrivateKey::Generate(Algorithm::kEdDsa), name);
  options.metrics = metrics;
  options.limits = limits;
  return std::make_unique<Peers>(std::move(options));
}

}  // namespace nisi::rpc
