// When to leave a service alone that does not answer, and how often to ask it again: what keeps a
// failing peer from taking its callers along. Time is a parameter. Not thread-safe.
#pragma once

#include <algorithm>
#include <optional>

#include "absl/time/time.h"

namespace nisi::rpc {

// Rests after too many failures; then lets single calls try, until one is answered.
class Breaker {
 public:
  struct Limits {
    int least_calls = 20;  // of a window; below that it says nothing
    double failed_share = 0.5;
    absl::Duration window = absl::Seconds(5);
    absl::Duration rest = absl::Seconds(2);
  };
  // Whether the service was heard. kUnknown: its caller gave up first, which says nothing of it.
  enum class Heard { kYes, kNo, kUnknown };

  explicit Breaker(const Limits& limits) : limits_(limits) {}

  // nullopt: go on, and say Done when it is over. Otherwise how long the service is left alone.
  std::optional<absl::Duration> Ask(absl::Time now) {
    if (!resting_) return std::nullopt;
    if (now < until_ || trying_) {
      return std::max(until_ - now, absl::Milliseconds(100));
    }
    trying_ = true;
    tried_ = now;
    return std::nullopt;
  }

  // `asked`: when Ask let it go on.
  void Done(Heard heard, absl::Time asked, absl::Time now) {
    if (resting_) {
      // Also of calls that began before the rest: what they say is news all the same, but none of
      // them is the one that tries.
      if (asked >= tried_) trying_ = false;
      if (heard == Heard::kYes) Begin(now);
      if (heard == Heard::kNo) until_ = now + limits_.rest;
      return;
    }
    if (heard == Heard::kUnknown) return;
    if (now >= window_end_) Begin(now);
    ++calls_;
    if (heard == Heard::kNo) ++failed_;
    if (calls_ < limits_.least_calls || failed_ < limits_.failed_share * calls_) return;
    resting_ = true;
    until_ = now + limits_.rest;
  }

  // It was away and is there: what was heard of it before says nothing any more.
  void Back(absl::Time now) { Begin(now); }

  bool resting() const { return resting_; }

 private:
  void Begin(absl::Time now) {
    resting_ = trying_ = false;
    calls_ = failed_ = 0;
    window_end_ = now + limits_.window;
  }

  const Limits limits_;
  bool resting_ = false;
  bool trying_ = false;                      // one call is under way while it rests
  absl::Time tried_ = absl::InfinitePast();  // when the last such call began
  absl::Time until_ = absl::InfinitePast();
  absl::Time window_end_ = absl::InfinitePast();
  int calls_ = 0;
  int failed_ = 0;
};

// A tenth of the calls may be asked again, and one a second besides: a peer in trouble gets no more
// than that on top, however many ask it.
class RetryBudget {
 public:
  void OnCall() { tokens_ = std::min(kMost, tokens_ + kPerCall); }
  bool Take(absl::Time now) {
    if (last_ != absl::InfinitePast()) {
      tokens_ = std::min(kMost, tokens_ + std::max(0.0, absl::ToDoubleSeconds(now - last_)));
    }
    last_ = now;
    if (tokens_ < 1) return false;
    --tokens_;
    return true;
  }

 private:
  static constexpr double kMost = 10;
  static constexpr double kPerCall = 0.1;
  double tokens_ = kMost;
  absl::Time last_ = absl::InfinitePast();
};

}  // namespace nisi::rpc
