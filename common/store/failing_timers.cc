#include "common/store/failing_timers.h"

#include <algorithm>

#include "common/store/tx.h"

namespace nisi::store {
namespace {

constexpr absl::Duration kFirstRetry = absl::Seconds(1);
constexpr absl::Duration kLastRetry = absl::Minutes(10);

absl::Duration RetryAfter(int failures) {
  constexpr int kDoublings = 10;  // by then it is past the last
  return std::min(kFirstRetry * (1 << std::min(failures - 1, kDoublings)), kLastRetry);
}

}  // namespace

bool FailingTimers::empty() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return entries_.empty();
}

bool FailingTimers::Has(const std::string& key) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return entries_.contains(key);
}

void FailingTimers::Set(Entry* entry, absl::Time again) {
  schedule_.erase({entry->again, entry->row.key});
  entry->again = again;
  schedule_.emplace(again, entry->row.key);
}

FailingTimers::Entry& FailingTimers::Add(const TimerRow& row) {
  Entry& entry = entries_[row.key];
  if (!entry.row.key.empty()) return entry;
  entry.row = row;
  lanes_[LaneOf(row)].insert(row.key);
  if (row.kind == kEffectiveTimer) effective_us_.insert(row.due_us);
  changed_ = true;
  return entry;
}

std::optional<TimerRow> FailingTimers::Next(absl::Time now) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (entries_.empty()) return std::nullopt;
  // A clock that was set back by a year would otherwise keep them waiting for a year.
  if (now < asked_) {
    for (auto& [key, entry] : entries_) Set(&entry, std::min(entry.again, now));
  }
  asked_ = now;
  while (schedule_.begin()->first <= now) {
    Entry& entry = entries_.at(schedule_.begin()->second);
    const std::string& first = *lanes_.at(LaneOf(entry.row)).begin();
    if (first == entry.row.key) return entry.row;
    // Of one moment the earlier key is looked at before, so the one in front is later than this.
    Set(&entry, entries_.at(first).again);
  }
  return std::nullopt;
}

int FailingTimers::Fail(const TimerRow& row, absl::Time now, bool passing) {
  const std::lock_guard<std::mutex> lock(mutex_);
  Entry& entry = Add(row);
  Set(&entry, now + (passing ? kFirstRetry : RetryAfter(++entry.lasting)));
  return ++entry.failures;
}

bool FailingTimers::HoldBack(const TimerRow& row) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto lane = lanes_.find(LaneOf(row));
  if (lane == lanes_.end() || row.key < *lane->second.begin()) return false;
  const absl::Time again = entries_.at(*lane->second.begin()).again;
  Set(&Add(row), again);
  return true;
}

void FailingTimers::Forget(const std::string& key) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto entry = entries_.find(key);
  if (entry == entries_.end()) return;
  schedule_.erase({entry->second.again, key});
  const auto lane = lanes_.find(LaneOf(entry->second.row));
  lane->second.erase(key);
  if (entry->second.row.kind == kEffectiveTimer) {
    effective_us_.erase(effective_us_.find(entry->second.row.due_us));
    forgotten_us_.emplace(key, entry->second.row.due_us);
  }
  if (lane->second.empty()) lanes_.erase(lane);
  entries_.erase(entry);
  changed_ = true;
}

void FailingTimers::TryAll() {
  const std::lock_guard<std::mutex> lock(mutex_);
  for (auto& [key, entry] : entries_) Set(&entry, absl::InfinitePast());
}

absl::Time FailingTimers::NextAttempt(absl::Time now) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (!entries_.empty() && now < asked_) return now;  // the clock was set back
  return schedule_.empty() ? absl::InfiniteFuture() : schedule_.begin()->first;
}

int64_t FailingTimers::earliest_effective_us() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  int64_t earliest = effective_us_.empty() ? INT64_MAX : *effective_us_.begin();
  for (const auto& [key, due_us] : forgotten_us_) earliest = std::min(earliest, due_us);
  return earliest;
}

bool FailingTimers::changed() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return changed_;
}

bool FailingTimers::OnCommit(const std::vector<std::string>& acted) {
  const std::lock_guard<std::mutex> lock(mutex_);
  for (const std::string& key : acted) forgotten_us_.erase(key);
  return std::exchange(changed_, false) || !acted.empty();
}

FailingTimers::Counts FailingTimers::counts() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  Counts counts;
  counts.failing = static_cast<int64_t>(entries_.size());
  if (!entries_.empty())
    counts.oldest_due = absl::FromUnixMicros(entries_.begin()->second.row.due_us);
  return counts;
}

}  // namespace nisi::store
