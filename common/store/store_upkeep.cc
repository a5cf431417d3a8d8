// What the store does by itself: timers, building of new indexes, checking of files.
#include <pthread.h>

#include <set>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/base/log.h"
#include "common/base/planted.h"
#include "common/store/derived.h"
#include "common/store/store.h"
#include "common/store/totals.h"

namespace nisi::store {
namespace {

constexpr size_t kBuildStep = 200;                // records a command
constexpr auto kRetry = std::chrono::seconds(1);  // after a timer that failed
constexpr char kTimerActor[] = "system/timer";

struct TimerRow {
  std::string key;  // whole, in Space::kData
  int64_t due_us = 0;
  std::string kind, payload;
};

absl::StatusOr<std::optional<TimerRow>> FirstTimer(const Snapshot& snapshot) {
  const std::string prefix = SystemKey(kTimersId, Key());
  const auto cursor = snapshot.Scan(Space::kData, prefix, PrefixEnd(prefix));
  RETURN_IF_ERROR(cursor->status());
  if (!cursor->Valid()) return std::optional<TimerRow>();
  KeyReader key(cursor->key().substr(prefix.size()));
  KeyReader value(cursor->value());
  const auto due = key.Number();
  const auto kind = value.Text(), payload = value.Text();
  if (!due.has_value() || !kind.has_value() || !payload.has_value())
    return base::StoreCorrupt("timer row");
  return std::optional<TimerRow>(TimerRow{std::string(cursor->key()), *due, *kind, *payload});
}

}  // namespace

absl::StatusOr<std::optional<absl::Time>> Store::NextTimer() const {
  const auto snapshot = engine_->NewSnapshot();
  ASSIGN_OR_RETURN(const std::optional<TimerRow> row, FirstTimer(*snapshot));
  if (!row.has_value()) return std::optional<absl::Time>();
  return std::optional<absl::Time>(absl::FromUnixMicros(row->due_us));
}

absl::StatusOr<std::optional<Command>> Store::DueTimer(const Snapshot& state, absl::Time now) {
  ASSIGN_OR_RETURN(std::optional<TimerRow> row, FirstTimer(state));
  if (!row.has_value() || absl::FromUnixMicros(row->due_us) > now) return std::optional<Command>();

  const bool effective = row->kind == kEffectiveTimer;
  const auto handler = options_.timers.find(row->kind);
  if (!effective && handler == options_.timers.end()) {
    return base::Refusal(absl::StatusCode::kInternal, "TIMER_UNKNOWN",
                         "Nothing handles this timer.")
        .With("kind", row->kind);
  }
  Command command;
  command.info.actor = kTimerActor;
  command.info.method = absl::StrCat("timer/", row->kind);
  command.bookkeeping = effective;
  command.quiet = true;  // a version withdrawn before its day leaves nothing to say
  // The row is deleted by the command that acts on it, so it acts once, whatever happens.
  command.run = [this, effective, handler,
                 row = *std::move(row)](Tx& tx) -> absl::StatusOr<std::string> {
    tx.overlay_->Delete(Space::kData, row.key);
    tx.timers_changed_ = true;
    if (!effective) {
      if (base::Planted("timer-fired-twice"))
        RETURN_IF_ERROR(handler->second(tx, row.payload, absl::FromUnixMicros(row.due_us)));
      RETURN_IF_ERROR(handler->second(tx, row.payload, absl::FromUnixMicros(row.due_us)));
      return std::string();
    }
    KeyReader payload(row.payload);
    const auto table_id = payload.Number();
    const auto key = payload.Text();
    const TableDef* table =
        table_id.has_value() ? schema_->FindTable(static_cast<uint16_t>(*table_id)) : nullptr;
    if (table == nullptr || !key.has_value()) return base::StoreCorrupt("timer row");
    RETURN_IF_ERROR(tx.Promote(*table, Key::FromBytes(*key)));
    return std::string();
  };
  return std::optional<Command>(std::move(command));
}

absl::StatusOr<int> Store::RunDueTimers() {
  Command tick;
  tick.tick = true;
  ASSIGN_OR_RETURN(const Outcome outcome, Submit(std::move(tick)));
  int fired = 0;
  return absl::SimpleAtoi(outcome.reply, &fired) ? fired : 0;
}

void Store::TimerLoop() {
  pthread_setname_np(pthread_self(), "store-timers");
  while (!stopping_) {
    timers_dirty_ = false;
    if (const auto fired = RunDueTimers(); !fired.ok()) {
      LogTimerFailed(fired.status());
      std::unique_lock<std::mutex> lock(upkeep_mutex_);
      upkeep_.wait_for(lock, kRetry, [this] { return stopping_.load(); });
      continue;
    }
    const auto next = NextTimer();
    const absl::Time until = next.ok() && next->has_value() ? **next : absl::InfiniteFuture();
    options_.clock->WaitUntil(until, [this] { return stopping_.load() || timers_dirty_.load(); });
  }
}

void Store::UpkeepLoop() {
  pthread_setname_np(pthread_self(), "store-upkeep");
  bool built = false;
  std::string cursor;
  while (true) {
    if (!built) {  // refused when the queue is full, so tried again
      const absl::Status status = BuildIndexes();
      built = status.ok();
      if (!built)
        base::Log(base::Severity::kError, "index_build_failed", {{"status", status.ToString()}});
    }
    {
      std::unique_lock<std::mutex> lock(upkeep_mutex_);
      const auto pause = absl::ToChronoMilliseconds(options_.file_check_interval);
      if (upkeep_.wait_for(lock, pause, [this] { return stopping_.load(); })) return;
    }
    const auto next = engine_->VerifyNext(cursor);
    if (next.ok()) {
      cursor = *next;
      continue;
    }
    base::Log(base::Severity::kError, "file_damaged", {{"status", next.status().ToString()}});
    cursor.clear();
    const std::lock_guard<std::mutex> lock(upkeep_mutex_);
    file_damage_ = next.status();
  }
}

absl::Status Store::file_damage() const {
  const std::lock_guard<std::mutex> lock(upkeep_mutex_);
  return file_damage_;
}

absl::StatusOr<std::vector<uint16_t>> Store::UnbuiltIndexes() const {
  std::vector<uint16_t> unbuilt;
  const auto snapshot = engine_->NewSnapshot();
  const auto look = [&](uint16_t id) -> absl::Status {
    std::string value;
    ASSIGN_OR_RETURN(const bool building, snapshot->Get(Space::kData, BuildingKey(id), &value));
    if (building) unbuilt.push_back(id);
    return absl::OkStatus();
  };
  for (const IndexDef* index : schema_->indexes) RETURN_IF_ERROR(look(index->id));
  for (const TotalsDef* totals : schema_->totals) RETURN_IF_ERROR(look(totals->id));
  for (const Derived* derived : schema_->derived) RETURN_IF_ERROR(look(derived->id));
  return unbuilt;
}

absl::Status Store::BuildIndexes() {
  ASSIGN_OR_RETURN(const std::vector<uint16_t> unbuilt, UnbuiltIndexes());
  for (const IndexDef* index : schema_->indexes) {
    if (std::find(unbuilt.begin(), unbuilt.end(), index->id) != unbuilt.end())
      RETURN_IF_ERROR(BuildIndex(*index));
  }
  for (const TotalsDef* totals : schema_->totals) {
    if (std::find(unbuilt.begin(), unbuilt.end(), totals->id) != unbuilt.end())
      RETURN_IF_ERROR(BuildTotals(*totals));
  }
  for (const Derived* derived : schema_->derived) {
    if (std::find(unbuilt.begin(), unbuilt.end(), derived->id) != unbuilt.end())
      RETURN_IF_ERROR(BuildDerived(*derived));
  }
  return absl::OkStatus();
}

// As an index, but sums are not the same when added twice: the marker says which records are in, so
// that callers count those alone, and building goes on there after a stop.
absl::Status Store::BuildTotals(const TotalsDef& totals) {
  bool done = false;
  while (!done && !stopping_) {
    Command step;
    step.bookkeeping = true;
    step.run = [&](Tx& tx) -> absl::StatusOr<std::string> {
      ASSIGN_OR_RETURN(done, tx.BuildTotals(totals, kBuildStep));
      return std::string();
    };
    RETURN_IF_ERROR(Submit(std::move(step)).status());
  }
  return absl::OkStatus();
}

absl::Status Store::BuildDerived(const Derived& derived) {
  bool done = false;
  while (!done && !stopping_) {
    Command step;
    step.bookkeeping = true;
    step.run = [&](Tx& tx) -> absl::StatusOr<std::string> {
      ASSIGN_OR_RETURN(done, tx.BuildDerived(derived, kBuildStep));
      return std::string();
    };
    RETURN_IF_ERROR(Submit(std::move(step)).status());
  }
  return absl::OkStatus();
}

// Record by record, in commands between those of callers, who keep the index up meanwhile. Last,
// the marker goes.
absl::Status Store::BuildIndex(const IndexDef& index) {
  const TableDef& table = *index.on;
  const std::string base = TablePrefix(table.id, kCurrent);
  std::string after = base;
  bool done = false;
  while (!done && !stopping_) {
    const CommandFn run = [&](Tx& tx) -> absl::StatusOr<std::string> {
      std::vector<std::string> keys;
      {
        const auto cursor = tx.overlay_->Scan(
            Space::kData, absl::StrCat(after, absl::string_view("\0", 1)), PrefixEnd(base));
        for (; cursor->Valid() && keys.size() < kBuildStep; cursor->Next())
          keys.emplace_back(cursor->key());
        RETURN_IF_ERROR(cursor->status());
      }
      for (const std::string& key : keys) {
        RETURN_IF_ERROR(tx.IndexVersions(index, absl::string_view(key).substr(base.size())));
      }
      done = keys.size() < kBuildStep;
      if (!keys.empty()) after = keys.back();
      if (done) tx.overlay_->Delete(Space::kData, BuildingKey(index.id));
      return std::string();
    };
    Command step;
    step.bookkeeping = true;
    step.run = run;
    RETURN_IF_ERROR(Submit(std::move(step)).status());
  }
  return absl::OkStatus();
}

}  // namespace nisi::store
