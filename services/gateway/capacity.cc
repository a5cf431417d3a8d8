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
// A line that was there for so many whiles stays, and is so long at least.
constexpr size_t kStays = 3;
constexpr size_t kShortLine = 8;

}  // namespace

Capacity::Capacity(const Options& options, size_t methods)
    : options_(options),
      bound_(static_cast<double>(options.target == absl::InfiniteDuration()
                                     ? options.at_once
                                     : std::min(options.start, options.at_once))),
      needed_(methods, absl::InfiniteDuration()) {}

Capacity::Entry Capacity::Enter(const std::string& caller, Rank rank, absl::Time now, OnTurn turn,
                                std::shared_ptr<Waiting>* waiting) {
  Turns turns;
  Entry entry = Entry::kRefused;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    Judge(now);
    Next(&turns);  // the bound may have grown
    entry = Place(caller, rank, std::move(turn), waiting, &turns);
  }
  for (const auto& [one, what] : turns) one(what);
  return entry;
}

Capacity::Entry Capacity::Place(const std::string& caller, Rank rank, OnTurn turn,
                                std::shared_ptr<Waiting>* waiting, Turns* turns) {
  const auto found = callers_.find(caller);
  const size_t calls = found == callers_.end() ? 0 : found->second.calls;
  const size_t in_line = found == callers_.end() ? 0 : found->second.waiting;
  if (calls >= options_.of_caller) return Entry::kRefused;
  const bool free = IsFree(calls, in_line, rank);
  const bool in = free && in_ < static_cast<size_t>(bound_) && turns_.empty();
  if (!free && !Displace(in_line, turns)) return Entry::kRefused;
  Its& its = callers_[caller];
  ++its.calls;
  ++calls_;
  if (in) {
    ++in_;
    shortest_line_ = 0;
    return Entry::kIn;
  }
  reached_ = true;
  *waiting =
      std::make_shared<Waiting>(Waiting{caller, std::move(turn),
                                        (bound_ + static_cast<double>(most_in_line_)) /
                                            static_cast<double>(callers_.size() * its.calls)});
  ++its.waiting;
  its.line.push_back(*waiting);
  if (!std::exchange(its.takes_turns, true)) turns_.push_back(caller);
  return Entry::kWaits;
}

bool Capacity::IsFree(size_t calls, size_t waiting, Rank rank) {
  const size_t part = PartOf(options_.most, rank);
  if (calls_ >= part) return false;
  if (calls > 0 && calls >= part - calls_) return false;
  if (stays_ < kStays || waiting < options_.few || in_line() < PartOf(most_in_line_, rank))
    return true;
  ++full_;
  return false;
}

bool Capacity::Displace(size_t waiting, Turns* turns) {
  Its* longest = nullptr;
  for (const std::string& caller : turns_) {
    Its& one = callers_.find(caller)->second;
    if (longest == nullptr || one.waiting > longest->waiting) longest = &one;
  }
  // With one more it would have as many itself.
  if (longest == nullptr || longest->waiting <= waiting + 1) return false;
  while (!longest->line.back()->turn) longest->line.pop_back();
  turns->emplace_back(std::exchange(longest->line.back()->turn, nullptr), Turn::kRefused);
  longest->line.pop_back();
  --longest->waiting;
  --longest->calls;
  --calls_;
  return true;
}

bool Capacity::Leave(Waiting& waiting) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (!waiting.turn) return false;
  waiting.turn = nullptr;  // it stays in its line, which passes over it
  --callers_.find(waiting.caller)->second.waiting;
  Out(waiting.caller);
  shortest_line_ = std::min(shortest_line_, in_line());
  return true;
}

void Capacity::Give(const std::string& caller, size_t method, absl::Duration took, bool answered,
                    absl::Time now) {
  Turns turns;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    --in_;
    ++over_;
    Out(caller);
    if (answered) Learn(method, took);
    Judge(now);
    Next(&turns);
  }
  for (const auto& [one, what] : turns) one(what);
}

// Who is no caller any more is forgotten, unless it is to have its turn still.
void Capacity::Out(const std::string& caller) {
  --calls_;
  const auto found = callers_.find(caller);
  if (--found->second.calls == 0 && !found->second.takes_turns) callers_.erase(found);
}

void Capacity::Next(Turns* turns) {
  while (in_ < static_cast<size_t>(bound_) && !turns_.empty()) {
    const std::string caller = std::move(turns_.front());
    turns_.pop_front();
    const auto found = callers_.find(caller);
    Its& its = found->second;
    while (!its.line.empty() && !its.line.front()->turn) its.line.pop_front();
    if (!its.line.empty()) {
      turns->emplace_back(std::exchange(its.line.front()->turn, nullptr), Turn::kIn);
      its.line.pop_front();
      --its.waiting;
      ++in_;
    }
    its.takes_turns = !its.line.empty();
    if (its.takes_turns) {
      turns_.push_back(caller);
    } else if (its.calls == 0) {
      callers_.erase(found);
    }
  }
  shortest_line_ = std::min(shortest_line_, in_line());
}

void Capacity::Learn(size_t method, absl::Duration took) {
  needed_[method] = std::min(needed_[method], took);
  least_delay_ = std::min(least_delay_, took - needed_[method]);
  ++samples_;
}

void Capacity::Judge(absl::Time now) {
  if (now < window_ + (samples_ >= kSamples ? kWindow : kLongWindow)) return;
  JudgeLine(now - window_);
  if (options_.target == absl::InfiniteDuration()) {
    // a fixed bound
  } else if (samples_ > 0 && least_delay_ > options_.target) {
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
  over_ = 0;
  full_ = 0;
  shortest_line_ = in_line();
}

void Capacity::JudgeLine(absl::Duration window) {
  if (options_.line == absl::InfiniteDuration()) return;
  // A short line is soon empty for a moment: it stays as long as some find it full.
  const bool there = shortest_line_ > 0 || (stays_ >= kStays && full_ > 0);
  stays_ = there ? stays_ + 1 : 0;
  const double in_time = static_cast<double>(over_) * absl::FDivDuration(options_.line, window);
  most_in_line_ = std::max(kShortLine, static_cast<size_t>(in_time));
}

size_t Capacity::bound() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return static_cast<size_t>(bound_);
}

size_t Capacity::waiting() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return in_line();
}

}  // namespace nisi::gateway
