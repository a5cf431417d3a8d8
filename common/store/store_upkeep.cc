// What the store does by itself: timers, building of new indexes, checking of files, the scrub.
#include <pthread.h>

#include <algorithm>
#include <chrono>
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
constexpr auto kRetry = std::chrono::seconds(1);  // where timers failed
constexpr char kTimerActor[] = "system/timer";
// A process that never lives as long as the interval is scrubbed for all that.
constexpr absl::Duration kFirstScrub = absl::Minutes(1);
constexpr size_t kLoggedFindings = 20;

// Visits timers in order while `visit` says so. Those that have fired lie before `from`, and
// failing ones: a walk from the beginning would pass over what is left of each of them.
absl::Status VisitTimers(const Snapshot& snapshot, const std::string& from,
                         const std::function<bool(TimerRow row)>& visit) {
  const std::string prefix = SystemKey(kTimersId, Key());
  const auto cursor = snapshot.Scan(Space::kData, std::max(prefix, from), PrefixEnd(prefix));
  for (; cursor->Valid(); cursor->Next()) {
    KeyReader key(cursor->key().substr(prefix.size()));
    KeyReader value(cursor->value());
    const auto due = key.Number();
    const auto kind = value.Text(), payload = value.Text();
    if (!due.has_value() || !kind.has_value() || !payload.has_value())
      return base::StoreCorrupt("timer row");
    if (!visit(TimerRow{std::string(cursor->key()), *due, *kind, *payload}))
      return absl::OkStatus();
  }
  return cursor->status();
}

}  // namespace

absl::StatusOr<std::optional<TimerRow>> Store::FirstTimer() const {
  std::string from;
  {
    const std::lock_guard<std::mutex> lock(timers_mutex_);
    from = timers_from_;
  }
  std::optional<TimerRow> first;
  RETURN_IF_ERROR(VisitTimers(*engine_->NewSnapshot(), from, [&](TimerRow row) {
    if (failing_timers_.Has(row.key)) return true;
    first = std::move(row);
    return false;
  }));
  return first;
}

absl::StatusOr<std::optional<absl::Time>> Store::NextTimer() const {
  ASSIGN_OR_RETURN(const std::optional<TimerRow> first, FirstTimer());
  const absl::Time due =
      first.has_value() ? absl::FromUnixMicros(first->due_us) : absl::InfiniteFuture();
  const absl::Time next = std::min(due, failing_timers_.NextAttempt(Now()));
  return next == absl::InfiniteFuture() ? std::nullopt : std::optional<absl::Time>(next);
}

const TimerDef* Store::FindTimer(const std::string& kind) const {
  const auto found = options_.timers.find(kind);
  return found == options_.timers.end() ? nullptr : &found->second;
}

absl::StatusOr<std::optional<Command>> Store::FirstDue(const Snapshot& state,
                                                       const std::string& from, absl::Time now,
                                                       const TimerLook& look) {
  if (look.failing) {
    if (std::optional<TimerRow> again = failing_timers_.Next(now); again.has_value())
      return std::optional<Command>(Firing({*std::move(again)}, true));
  }
  std::vector<TimerRow> rows;
  size_t most = 1;
  const bool any_fails = !failing_timers_.empty();
  RETURN_IF_ERROR(VisitTimers(state, from, [&](TimerRow row) {
    if (row.due_us > absl::ToUnixMicros(now)) return false;
    if (any_fails && (failing_timers_.Has(row.key) || failing_timers_.HoldBack(row))) return true;
    if (rows.empty()) {
      const TimerDef* timer = FindTimer(row.kind);
      if (timer != nullptr) most = std::min(look.most, timer->portion);
    } else if (row.kind != rows[0].kind || row.due_us != rows[0].due_us) {
      return false;
    }
    rows.push_back(std::move(row));
    return rows.size() < most;
  }));
  if (rows.empty()) return std::optional<Command>();
  return std::optional<Command>(Firing(std::move(rows), false));
}

Command Store::Firing(std::vector<TimerRow> rows, bool again) {
  const bool effective = rows[0].kind == kEffectiveTimer;  // a version takes effect
  const TimerDef* timer = effective ? nullptr : FindTimer(rows[0].kind);
  const bool patient = timer != nullptr && timer->patient;
  Command command;
  command.fired = std::make_shared<FiredTimers>();
  command.fired->first = rows[0];
  command.fired->rows = rows.size();
  command.fired->end = rows.back().key;
  command.fired->again = again;
  command.fired->patient = patient;
  command.info.actor = kTimerActor;
  command.info.method = absl::StrCat("timer/", rows[0].kind);
  command.bookkeeping = effective;
  command.quiet = true;  // a version withdrawn before its day leaves nothing to say
  command.run = [this, timer, effective, fired = command.fired,
                 rows = std::move(rows)](Tx& tx) -> absl::StatusOr<std::string> {
    if (timer == nullptr && !effective) {
      return base::Refusal(absl::StatusCode::kInternal, "TIMER_UNKNOWN",
                           "Nothing handles this timer.")
          .With("kind", rows[0].kind);
    }
    tx.timers_changed_ = true;
    fired->count = 0;
    for (const TimerRow& row : rows) {
      const auto fire = [&] { return FireOne(tx, timer, row); };
      // Nothing before the first has to be kept.
      const absl::Status done = fired->count == 0 ? fire() : tx.Attempt(fire);
      if (!done.ok() && fired->count > 0) break;  // the first of the next command
      RETURN_IF_ERROR(done);
      ++fired->count;
      fired->last = row.key;
    }
    return std::string();
  };
  return command;
}

// The row is deleted by the command that acts on it, so it acts once, whatever happens.
absl::Status Store::FireOne(Tx& tx, const TimerDef* timer, const TimerRow& row) {
  tx.overlay_->Delete(Space::kData, row.key);
  if (timer != nullptr) {
    const absl::Time due = absl::FromUnixMicros(row.due_us);
    if (base::Planted("timer-fired-twice")) RETURN_IF_ERROR(timer->fire(tx, row.payload, due));
    return timer->fire(tx, row.payload, due);
  }
  KeyReader payload(row.payload);
  const auto table_id = payload.Number();
  const auto key = payload.Text();
  const TableDef* table =
      table_id.has_value() ? schema_->FindTable(static_cast<uint16_t>(*table_id)) : nullptr;
  if (table == nullptr || !key.has_value()) return base::StoreCorrupt("timer row");
  return tx.Promote(*table, Key::FromBytes(*key));
}

absl::StatusOr<PatientTimers> Store::FindPatient(const Snapshot& state, const std::string& from,
                                                 absl::Time now) const {
  PatientTimers patient;
  RETURN_IF_ERROR(VisitTimers(state, from, [&](const TimerRow& row) {
    const bool due = row.due_us <= absl::ToUnixMicros(now);
    if (due && failing_timers_.Has(row.key)) return true;
    const auto timer = options_.timers.find(row.kind);
    // Whoever reads past a day's turn finds by itself which version is in force.
    const bool waits =
        row.kind == kEffectiveTimer || (timer != options_.timers.end() && timer->second.patient);
    if (due && waits) return true;
    patient.until_us = row.due_us;
    if (due) patient.strict = row.key;
    return false;
  }));
  return patient;
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
    const int64_t failing = failing_timers_.counts().failing;
    if (const auto fired = RunDueTimers(); !fired.ok()) {
      // Behind those that failed for the first time others may be due.
      if (failing_timers_.counts().failing > failing) continue;
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
    FoundDamage(next.status());
  }
}

void Store::FoundDamage(const absl::Status& damage) {
  bool first = false;
  {
    const std::lock_guard<std::mutex> lock(upkeep_mutex_);
    first = file_damage_.ok();
    file_damage_ = damage;
  }
  if (first) options_.on_file_damage(damage);
}

bool Store::Rest(absl::Duration pause) {
  std::unique_lock<std::mutex> lock(upkeep_mutex_);
  return !upkeep_.wait_for(lock, absl::ToChronoNanoseconds(pause),
                           [this] { return stopping_.load(); });
}

void Store::ScrubLoop() {
  pthread_setname_np(pthread_self(), "store-scrub");
  absl::Duration pause = std::min(options_.scrub_interval, kFirstScrub);
  while (Rest(pause)) {
    const auto began = std::chrono::steady_clock::now();
    if (!ScrubBySelf()) return;
    const absl::Duration took = absl::FromChrono(std::chrono::steady_clock::now() - began);
    pause = std::max(options_.scrub_interval - took, absl::ZeroDuration());
  }
}

bool Store::ScrubBySelf() {
  if (!failure().ok()) return false;
  const auto began = std::chrono::steady_clock::now();
  ScrubPace pace(options_.scrub_limits, [this](absl::Duration wait) { return Rest(wait); });
  const absl::StatusOr<std::vector<std::string>> findings = Scrub(&pace);
  if (absl::IsCancelled(findings.status())) return false;
  if (!findings.ok()) {
    base::Log(base::Severity::kError, "scrub_failed", {{"status", findings.status().ToString()}});
    // Bytes that do not read are an error to whoever asks for them, and to nobody else.
    if (absl::IsDataLoss(findings.status())) FoundDamage(findings.status());
    return true;
  }
  {
    const std::lock_guard<std::mutex> lock(upkeep_mutex_);
    ++last_scrub_.runs;
    last_scrub_.ended = options_.clock->Now();
    last_scrub_.took = absl::FromChrono(std::chrono::steady_clock::now() - began);
    last_scrub_.findings = static_cast<int64_t>(findings->size());
  }
  if (findings->empty() || base::Planted("scrub-unheeded")) return true;
  for (size_t i = 0; i < std::min(findings->size(), kLoggedFindings); ++i) {
    base::Log(base::Severity::kError, "store_unsound", {{"finding", (*findings)[i]}});
  }
  // What reads well and is wrong would be served as an answer.
  writer_->Fail(base::Refusal(absl::StatusCode::kDataLoss, "STORE_UNSOUND",
                              "The scrub found rows that contradict each other. Keep the folder "
                              "and restore the newest backup.")
                    .With("first", findings->front())
                    .With("findings", absl::StrCat(findings->size())));
  return false;
}

Store::ScrubRun Store::last_scrub() const {
  const std::lock_guard<std::mutex> lock(upkeep_mutex_);
  return last_scrub_;
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

// What cannot be read is asked for again by whoever needs it.
void Store::LookWhetherAllIsBuilt() {
  const auto unbuilt = UnbuiltIndexes();
  if (unbuilt.ok() && unbuilt->empty()) all_built_.store(true, std::memory_order_release);
}

// Callers keep up meanwhile what is being built: an index for all of their records, what is summed
// for those that are in by the marker, as sums are not the same when added twice. Building goes on
// at the marker after a stop.
absl::Status Store::BuildIndexes() {
  ASSIGN_OR_RETURN(const std::vector<uint16_t> unbuilt, UnbuiltIndexes());
  const auto is_unbuilt = [&unbuilt](uint16_t id) {
    return std::find(unbuilt.begin(), unbuilt.end(), id) != unbuilt.end();
  };
  absl::Status failed;  // the first; what is wrong with one index keeps no other from being built
  for (const IndexDef* index : schema_->indexes) {
    if (!is_unbuilt(index->id)) continue;
    TakenKeys taken;
    failed.Update(Build([&](Tx& tx) { return tx.BuildIndex(*index, kBuildStep, &taken); }));
    failed.Update(taken.status);
  }
  for (const TotalsDef* totals : schema_->totals) {
    if (!is_unbuilt(totals->id)) continue;
    failed.Update(Build([totals](Tx& tx) { return tx.BuildTotals(*totals, kBuildStep); }));
  }
  for (const Derived* derived : schema_->derived) {
    if (!is_unbuilt(derived->id)) continue;
    failed.Update(Build([derived](Tx& tx) { return tx.BuildDerived(*derived, kBuildStep); }));
  }
  LookWhetherAllIsBuilt();  // it may have stopped half way
  // What failed as it needed one of them need not wait until its time comes again.
  ASSIGN_OR_RETURN(const std::vector<uint16_t> left, UnbuiltIndexes());
  if (left.size() < unbuilt.size()) {
    failing_timers_.TryAll();
    timers_dirty_ = true;
    options_.clock->Wake();
  }
  return failed;
}

absl::Status Store::Build(const std::function<absl::StatusOr<bool>(Tx&)>& step) {
  bool done = false;
  while (!done && !stopping_) {
    Command command;
    command.bookkeeping = command.takes_room = true;
    command.run = [&](Tx& tx) -> absl::StatusOr<std::string> {
      ASSIGN_OR_RETURN(done, step(tx));
      return std::string();
    };
    RETURN_IF_ERROR(Submit(std::move(command)).status());
  }
  return absl::OkStatus();
}

}  // namespace nisi::store
