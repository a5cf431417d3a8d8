#include "services/gateway/capacity.h"

#include <algorithm>
#include <utility>

namespace nisi::gateway {
namespace {

// A while: so long with so many answers, or longer with however many.
constexpr absl::Duration kWindow = absl::Milliseconds(100);
constexpr size_t kSamples = 5;
constexpr absl::Duration kLongWindow = absl::Milliseconds(300);
constexpr double kShrink = 0.6;
constexpr double kGrow = 1.1;
// What a method needs is forgotten slowly: it may have more to do than it once had.
constexpr double kForget = 1.002;

double ShareOf(Rank rank) {
  switch (rank) {
    case Rank::kPublic:
      return 0.75;
    case Rank::kReading:
      return 0.9;
    case Rank::kChanging:
      return 1;
  }
  return 1;
}

}  // namespace

Capacity::Capacity(const Options& options, size_t methods)
    : options_(options),
      bound_(static_cast<double>(options.target == absl::InfiniteDuration()
                                     ? options.at_once
                                     : std::min(options.start, options.at_once))),
      needed_(methods, absl::InfiniteDuration()) {}

Capacity::Entry Capacity::Enter(const std::string& caller, Rank rank, absl::Time now,
                                std::function<void()> go, std::shared_ptr<Waiting>* waiting) {
  std::vector<std::function<void()>> next;
  Entry entry = Entry::kRefused;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    Judge(now);
    next = Next();  // the bound may have grown
    entry = Place(caller, rank, std::move(go), waiting);
  }
  for (const auto& one : next) one();
  return entry;
}

Capacity::Entry Capacity::Place(const std::string& caller, Rank rank, std::function<void()> go,
                                std::shared_ptr<Waiting>* waiting) {
  const auto most = static_cast<size_t>(static_cast<double>(options_.most) * ShareOf(rank));
  if (calls_ >= std::max<size_t>(1, most)) return Entry::kRefused;
  Its& its = callers_[caller];
  if (its.calls > 0 && (its.calls >= options_.of_caller || its.calls >= options_.most - calls_)) {
    return Entry::kRefused;
  }
  ++its.calls;
  ++calls_;
  if (in_ < static_cast<size_t>(bound_) && turns_.empty()) {
    ++in_;
    return Entry::kIn;
  }
  reached_ = true;
  *waiting = std::make_shared<Waiting>(Waiting{caller, std::move(go)});
  its.line.push_back(*waiting);
  if (!std::exchange(its.takes_turns, true)) turns_.push_back(caller);
  return Entry::kWaits;
}

bool Capacity::Leave(Waiting& waiting) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (!waiting.go) return false;
  waiting.go = nullptr;  // it stays in its line, which passes over it
  Out(waiting.caller);
  return true;
}

void Capacity::Give(const std::string& caller, size_t method, absl::Duration took, bool answered,
                    absl::Time now) {
  std::vector<std::function<void()>> next;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    --in_;
    Out(caller);
    if (answered) Learn(method, took);
    Judge(now);
    next = Next();
  }
  for (const auto& go : next) go();
}

// Who is no caller any more is forgotten, unless it is to have its turn still.
void Capacity::Out(const std::string& caller) {
  --calls_;
  const auto found = callers_.find(caller);
  if (--found->second.calls == 0 && !found->second.takes_turns) callers_.erase(found);
}

std::vector<std::function<void()>> Capacity::Next() {
  std::vector<std::function<void()>> next;
  while (in_ < static_cast<size_t>(bound_) && !turns_.empty()) {
    const std::string caller = std::move(turns_.front());
    turns_.pop_front();
    const auto found = callers_.find(caller);
    Its& its = found->second;
    while (!its.line.empty() && !its.line.front()->go) its.line.pop_front();
    if (!its.line.empty()) {
      next.push_back(std::exchange(its.line.front()->go, nullptr));
      its.line.pop_front();
      ++in_;
    }
    its.takes_turns = !its.line.empty();
    if (its.takes_turns) {
      turns_.push_back(caller);
    } else if (its.calls == 0) {
      callers_.erase(found);
    }
  }
  return next;
}

void Capacity::Learn(size_t method, absl::Duration took) {
  needed_[method] = std::min(needed_[method], took);
  least_delay_ = std::min(least_delay_, took - needed_[method]);
  ++samples_;
}

void Capacity::Judge(absl::Time now) {
  if (options_.target == absl::InfiniteDuration()) return;
  if (now < window_ + (samples_ >= kSamples ? kWindow : kLongWindow)) return;
  if (samples_ > 0 && least_delay_ > options_.target) {
    // From what there is: a bound far above it would shrink for long without effect.
    bound_ = std::min(bound_, static_cast<double>(in_ + 1)) * kShrink;
    bound_ = std::max(bound_, static_cast<double>(options_.least));
  } else if (reached_ || !turns_.empty()) {
    bound_ = std::min(bound_ * kGrow + 1, static_cast<double>(options_.at_once));
  }
  for (absl::Duration& needed : needed_) needed = needed * kForget;
  window_ = now;
  least_delay_ = absl::InfiniteDuration();
  samples_ = 0;
  reached_ = false;
}

bool Capacity::full() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return calls_ >= options_.most;
}

size_t Capacity::bound() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return static_cast<size_t>(bound_);
}

size_t Capacity::waiting() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return calls_ - in_;
}

}  // namespace nisi::gateway
