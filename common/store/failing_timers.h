// Timers whose last attempt has failed. They are kept apart from the others, who go on without
// them, and are tried again: after a second, then twice as late each time, at least every ten
// minutes; each second what is soon over by itself, as UNAVAILABLE is. The row of each lies where
// it was until it has acted; all that is known here is lost with the process, and the next one
// tries them all at once.
//
// Of one kind and payload, which names the record as a rule, the order is kept: one that falls due
// behind one that fails waits for it. Others have no order: callers' commands go past a timer that
// fails as well, so no handler can rest on what an earlier timer was to do.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"

namespace nisi::store {

struct TimerRow {
  std::string key;  // whole, in Space::kData
  int64_t due_us = 0;
  std::string kind, payload;
};

// Changed by the running thread of the writer, but for TryAll, and read by all.
class FailingTimers {
 public:
  bool empty() const;
  bool Has(const std::string& key) const;
  // The one that is to be tried again first, if the time for any has come.
  std::optional<TimerRow> Next(absl::Time now);

  // One has failed, for the n-th time. Says how often it has. `passing`: of what is soon over.
  int Fail(const TimerRow& row, absl::Time now, bool passing = false);
  // Takes one in that is due behind a failing one of its kind and payload. Whether it is.
  bool HoldBack(const TimerRow& row);
  // It has acted, in a batch that is not committed yet.
  void Forget(const std::string& key);
  // What kept many of them is over: the time for each has come.
  void TryAll();

  // When Next has one, as it is `now`; the infinite future while none fails.
  absl::Time NextAttempt(absl::Time now) const;
  // When the first of them was due that make a version take effect.
  int64_t earliest_effective_us() const;
  // Whether any was taken in or forgotten since a batch was committed.
  bool changed() const;
  // A batch was committed in which those acted: whether any was taken in or forgotten, so that the
  // time above may be another. One that is forgotten counts until then.
  bool OnCommit(const std::vector<std::string>& acted = {});

  struct Counts {
    int64_t failing = 0;  // with those that wait behind one
    absl::Time oldest_due = absl::InfiniteFuture();
  };
  Counts counts() const;

 private:
  struct Entry {
    TimerRow row;
    int failures = 0;
    int lasting = 0;  // of them, those that were not passing
    absl::Time again;
  };
  using Lane = std::pair<std::string, std::string>;
  static Lane LaneOf(const TimerRow& row) { return {row.kind, row.payload}; }
  void Set(Entry* entry, absl::Time again);
  Entry& Add(const TimerRow& row);

  mutable std::mutex mutex_;
  std::map<std::string, Entry> entries_;                   // by key, which is in order of due
  std::map<Lane, std::set<std::string>> lanes_;            // keys
  std::set<std::pair<absl::Time, std::string>> schedule_;  // when again, key
  // When those were due that make a version take effect; and by key those of them that are
  // forgotten and whose batch is not committed.
  std::multiset<int64_t> effective_us_;
  std::map<std::string, int64_t> forgotten_us_;
  absl::Time asked_ = absl::InfinitePast();
  bool changed_ = false;
};

}  // namespace nisi::store
