#include "common/store/writer.h"

#include <pthread.h>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/hash.h"
#include "common/base/jitter.h"
#include "common/base/log.h"
#include "common/base/planted.h"
#include "common/store/store_thread.h"

namespace nisi::store {
namespace {

// One batch: enough to fill a sync, small enough that nobody waits long for others' work.
constexpr size_t kGroupCommands = 256;
constexpr size_t kGroupBytes = 8 << 20;
// A batch of more is written by the thread that ran it, and not kept in memory beside the next.
constexpr size_t kHandedOverBytes = 1 << 20;
// A batch with patient timers goes when it has so much: whoever comes while it is written waits for
// it.
constexpr size_t kPatientBytes = 1 << 20;
// A batch of so many commands goes as soon as it may. With all that wait in one, running and
// syncing would take turns instead of going on side by side.
constexpr size_t kEnoughCommands = 32;
// So many are run before one looks whether the batch may go: the disk is not to wait for more.
constexpr size_t kAtATime = 4;
constexpr size_t kHashBytes = 32;
thread_local bool on_store_thread = false;
constexpr absl::Duration kRoomRetry = absl::Seconds(5);
// A clock that is back by more was wrong before: a store that kept to it would date everything to
// come by that mistake.
constexpr absl::Duration kClockSetBack = absl::Minutes(10);
constexpr std::chrono::seconds kTimerRetry{1};  // commands go on where no timer can be fired
// So many fail at a time, of those that have failed before and of others: commands of callers wait
// meanwhile.
constexpr int kMostFail = 16;

absl::Status OutcomeUnknown(const absl::Status& cause) {
  return base::Refusal(
             cause.code() == absl::StatusCode::kResourceExhausted ? cause.code()
                                                                  : absl::StatusCode::kUnavailable,
             "STORE_FAILED",
             "The store cannot write. The outcome is unknown: retry with the same request id.")
      .RetryAfter(absl::Seconds(5));
}

std::string BigEndian(int64_t value) {
  std::string bytes;
  AppendBigEndian64(&bytes, static_cast<uint64_t>(value));
  return bytes;
}

// The store cannot: its disk is full, or a row does not read.
void LogNotFired(const absl::Status& status) {
  base::Log(base::Severity::kError, "timers_not_fired", {{"status", status.ToString()}});
}

using Written = absl::StatusOr<std::unique_ptr<Snapshot>>;

// Planted mistakes: what goes to `space` is written by itself, after the rest.
Written AppendApart(Space space, Batch batch, Engine* engine) {
  batch.release = nullptr;  // the second is of the same bytes
  Batch apart = batch;
  apart.base_position = apart.position;
  std::erase_if(batch.ops, [space](const Batch::Op& op) { return op.space == space; });
  std::erase_if(apart.ops, [space](const Batch::Op& op) { return op.space != space; });
  RETURN_IF_ERROR(engine->Commit(batch));
  return engine->Append(apart);
}

Written AppendTo(Engine* engine, const Batch& batch) {
  if (base::Planted("journal-outside-batch")) return AppendApart(Space::kLog, batch, engine);
  if (base::Planted("request-row-later")) return AppendApart(Space::kOnce, batch, engine);
  return engine->Append(batch);
}

}  // namespace

bool OnStoreThread() {
  return on_store_thread;
}

absl::Time StoreTime(absl::Time now, int64_t recorded_us) {
  const absl::Time recorded = absl::FromUnixMicros(recorded_us);
  return now < recorded && recorded - now <= kClockSetBack ? recorded : now;
}

std::string OnceKey(const CommandInfo& info) {
  return base::Sha256Bytes(
      absl::StrCat(info.actor, "\n", info.on_behalf_of, "\n", info.method, "\n", info.request_id));
}

absl::StatusOr<Outcome> DecodeOnce(const CommandInfo& info, absl::string_view value) {
  if (value.size() < 8 + kHashBytes + 8) return base::StoreCorrupt("request row");
  if (value.substr(8, kHashBytes) != info.body_hash && !base::Planted("request-body-unchecked")) {
    return base::Refusal(absl::StatusCode::kFailedPrecondition, "IDEMPOTENCY_KEY_REUSED",
                         "This request id was used with another request: take a new one.")
        .Precondition("IDEMPOTENCY_KEY_REUSED", "request_id",
                      "the body differs from the first one");
  }
  Outcome outcome;
  outcome.position = static_cast<int64_t>(ReadBigEndian64(value.substr(8 + kHashBytes)));
  outcome.reply = std::string(value.substr(8 + kHashBytes + 8));
  outcome.replayed = true;
  return outcome;
}

Writer::Writer(Deps deps, Frontier frontier, int64_t position, int64_t recorded_us)
    : deps_(std::move(deps)),
      tables_(deps_.schema),
      frontier_(std::move(frontier)),
      position_(position),
      closed_position_(position),
      recorded_us_(recorded_us),
      witnessed_position_(position) {
  written_ = deps_.engine->NewSnapshot();
  runner_ = std::thread([this] { RunLoop(); });
  syncer_ = std::thread([this] { SyncLoop(); });
}

Writer::~Writer() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    stopping_ = true;
  }
  work_.notify_one();
  runner_.join();
  syncer_.join();
}

void Writer::Submit(Command command) {
  absl::Status refused;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!failure_.ok()) {
      refused = OutcomeUnknown(failure_);
    } else if (queue_.size() >= deps_.queue_limit) {
      refused = base::Overloaded("store write queue", base::Jittered(absl::Milliseconds(100)));
    } else {
      if (unanswered_++ == 0) answered_ = std::chrono::steady_clock::now();
      queue_.push_back(std::move(command));
    }
  }
  if (!refused.ok()) {
    command.done(refused);
  } else {
    work_.notify_one();
  }
}

size_t Writer::queue_depth() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return queue_.size();
}

absl::Status Writer::failure() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return failure_;
}

absl::Duration Writer::stalled_for() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (unanswered_ == 0) return absl::ZeroDuration();
  return absl::FromChrono(std::chrono::steady_clock::now() - answered_);
}

bool Writer::Group::full() const {
  return answers.size() >= kGroupCommands || overlay->bytes() >= kGroupBytes;
}

void Writer::RunLoop() {
  pthread_setname_np(pthread_self(), "store-run");
  on_store_thread = true;
  std::vector<Command> commands;
  for (Step step = NextStep(&commands); step != Step::kStop; step = NextStep(&commands)) {
    if (step == Step::kRun) {
      RunCommands(std::exchange(commands, {}));
      continue;
    }
    // One caller alone waits for no other thread. Nobody hands over meanwhile but this one.
    const bool alone = step == Step::kCloseIdle && group_->answers.size() == 1;
    CloseGroup(alone);
    if (alone) {
      Sync(*group_);
      Answer(*std::exchange(group_, nullptr));
      continue;
    }
    const std::lock_guard<std::mutex> lock(mutex_);
    syncing_ = std::exchange(group_, nullptr);
    syncing_work_.notify_one();
  }
  const std::lock_guard<std::mutex> lock(mutex_);
  all_closed_ = true;
  syncing_work_.notify_one();
}

// Commands are added to a batch until the one before it is synced; then all that are there, as long
// as nobody would wait for others.
Writer::Step Writer::NextStep(std::vector<Command>* commands) {
  std::unique_lock<std::mutex> lock(mutex_);
  while (true) {
    const bool may_close = group_ != nullptr && syncing_ == nullptr;
    const bool may_run = !queue_.empty() && (group_ == nullptr || !group_->full());
    if (may_run && (!may_close || group_->answers.size() < kEnoughCommands)) {
      *commands = Take();
      return Step::kRun;
    }
    if (may_close) return queue_.empty() ? Step::kCloseIdle : Step::kClose;
    if (stopping_ && group_ == nullptr) return Step::kStop;
    work_.wait(lock);
  }
}

std::vector<Command> Writer::Take() {
  const size_t count = std::min(queue_.size(), kAtATime);
  const auto end = queue_.begin() + static_cast<std::ptrdiff_t>(count);
  std::vector<Command> commands(std::make_move_iterator(queue_.begin()),
                                std::make_move_iterator(end));
  queue_.erase(queue_.begin(), end);
  return commands;
}

void Writer::RunCommands(std::vector<Command> commands) {
  const absl::Time now = StoreTime(deps_.clock->Now(), recorded_us_);
  if (group_ == nullptr) OpenGroup();
  const auto others_wait_behind = [&commands](size_t at) {
    return std::any_of(commands.begin() + static_cast<std::ptrdiff_t>(at), commands.end(),
                       [](const Command& command) { return !command.tick; });
  };
  if (deps_.timers_first && std::chrono::steady_clock::now() >= timers_again_) {
    if (const auto fired = FireTimers(others_wait_behind(0), now); !fired.ok()) {
      LogNotFired(fired.status());
      timers_again_ = std::chrono::steady_clock::now() + kTimerRetry;
    }
  }
  size_t next = 0;
  for (; next < commands.size() && group_->overlay->bytes() < kGroupBytes; ++next) {
    absl::StatusOr<Outcome> outcome = Answered(commands[next], others_wait_behind(next), now);
    group_->answers.push_back(Pending{std::move(commands[next].done), std::move(outcome)});
  }
  if (next == commands.size()) return;
  // The batch is full: the rest comes first in the next.
  const std::lock_guard<std::mutex> lock(mutex_);
  queue_.insert(queue_.begin(),
                std::make_move_iterator(commands.begin() + static_cast<std::ptrdiff_t>(next)),
                std::make_move_iterator(commands.end()));
}

// What is written by now takes the place of the batch that it was.
void Writer::Settle() {
  std::unique_ptr<Snapshot> appended;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (syncing_ != nullptr) return;
    appended = std::move(appended_);
  }
  if (appended != nullptr) written_ = std::move(appended);
  on_its_way_ = nullptr;
  if (group_ == nullptr) return;
  group_->overlay->Rebase(written_.get());
  group_->beneath = nullptr;
}

void Writer::OpenGroup() {
  Settle();
  group_ = std::make_unique<Group>(written_.get(), on_its_way_, &empty_tables_);
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (syncing_ != nullptr) group_->unsynced_due_us = syncing_->earliest_due_us;
  }
  group_->room = CheckRoom();
}

// Before anything of the batch is appended: RocksDB does not come back from a log that met the end
// of the disk, and may end the process there.
absl::Status Writer::CheckRoom() const {
  if (deps_.disk_reserve_bytes == 0) return absl::OkStatus();
  const std::optional<uint64_t> free = deps_.engine->FreeBytes();
  if (!free.has_value() || *free >= deps_.disk_reserve_bytes) return absl::OkStatus();
  return base::Refusal(absl::StatusCode::kResourceExhausted, "DISK_FULL",
                       "The disk under the store is full but for its reserve. Nothing was written; "
                       "reading goes on, and writing does when there is room again.")
      .Quota("disk", "only the reserve of the store is left")
      .RetryAfter(kRoomRetry);
}

// The batch before it is written.
void Writer::CloseGroup(bool alone) {
  Settle();
  group_->appending = std::chrono::steady_clock::now();
  group_->notice.position = position_;
  group_->notice.timers_from = timers_from_;
  group_->notice.recorded_us = recorded_us_;
  group_->root = frontier_.root();
  group_->empty = group_->overlay->empty();
  if (!group_->empty) {
    group_->overlay->Put(Space::kData, SystemKey(kMetaId, Key::Of(kRecordedMeta)),
                         BigEndian(recorded_us_));
    group_->base_position = std::exchange(closed_position_, position_);
  }
  group_->overlay->Keep();
  if (alone || group_->overlay->bytes() > kHandedOverBytes) {
    Append(*group_);
    if (group_->written != nullptr) written_ = std::move(group_->written);
  } else if (!group_->empty) {
    on_its_way_ = group_->overlay;
  }
}

void Writer::Append(Group& group) {
  // Built over a batch that failed: it never happened either.
  if (group.empty || group.appended || !failure().ok()) return;
  group.appended = true;
  if (const absl::Status status = AppendToEngine(group); !status.ok()) Fail(status);
}

absl::Status Writer::AppendToEngine(Group& group) {
  Batch batch;
  batch.ops = group.overlay->Ops();
  batch.base_position = group.base_position;
  batch.position = group.notice.position;
  batch.release = [&batch, &group] {
    batch.ops = {};
    group.overlay = nullptr;
  };
  if (base::Planted("witness-before-commit"))
    RETURN_IF_ERROR(deps_.witness->Save(Head{batch.position, group.root}));
  ASSIGN_OR_RETURN(group.written, AppendTo(deps_.engine, batch));
  return absl::OkStatus();
}

void Writer::SyncLoop() {
  pthread_setname_np(pthread_self(), "store-sync");
  on_store_thread = true;
  std::unique_lock<std::mutex> lock(mutex_);
  while (true) {
    syncing_work_.wait(lock, [this] { return syncing_ != nullptr || all_closed_; });
    if (syncing_ == nullptr) return;
    lock.unlock();
    Append(*syncing_);  // this thread alone takes it away
    Sync(*syncing_);
    lock.lock();
    std::unique_ptr<Group> group = std::exchange(syncing_, nullptr);
    appended_ = std::move(group->written);
    work_.notify_one();
    lock.unlock();
    Answer(*group);
    group = nullptr;  // its bytes go meanwhile
    lock.lock();
  }
}

// An answer may rest on what an earlier command of its batch or of the one before wrote, so none is
// good before the sync, not even of a command that wrote nothing.
void Writer::Sync(Group& group) {
  if (const absl::Status synced = SyncToEngine(group); !synced.ok()) Fail(synced);
  const absl::Status failed = failure();
  if (failed.ok() || base::Planted("failed-commit-acknowledged")) return;
  for (Pending& answer : group.answers) answer.outcome = OutcomeUnknown(failed);
}

absl::Status Writer::SyncToEngine(const Group& group) {
  if (!failure().ok()) return absl::OkStatus();
  if (group.empty) {
    // Timers that failed have written nothing, and readers need not wait for all of them.
    if (deps_.failing_timers->changed()) deps_.on_commit(group.notice);
    return absl::OkStatus();
  }
  RETURN_IF_ERROR(deps_.engine->Sync());
  // Bookkeeping has no position of its own.
  if (group.notice.position != witnessed_position_ && !base::Planted("tree-head-not-saved")) {
    RETURN_IF_ERROR(deps_.witness->Save(Head{group.notice.position, group.root}));
    witnessed_position_ = group.notice.position;
  }
  deps_.observe(
      group.answers.size(),
      std::chrono::duration<double>(std::chrono::steady_clock::now() - group.appending).count());
  deps_.on_commit(group.notice);
  return absl::OkStatus();
}

void Writer::Answer(Group& group) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    unanswered_ -= group.answers.size();
    answered_ = std::chrono::steady_clock::now();
  }
  for (Pending& answer : group.answers) answer.done(std::move(answer.outcome));
  group.answers.clear();
}

void Writer::Fail(const absl::Status& status) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!failure_.ok()) return;
    failure_ = status;
  }
  base::Log(base::Severity::kError, "store_failed", {{"status", status.ToString()}});
  deps_.on_failure(status);
}

absl::StatusOr<Outcome> Writer::Answered(const Command& command, bool others_wait, absl::Time now) {
  if (const absl::Status failed = failure(); !failed.ok()) return OutcomeUnknown(failed);
  if (!command.tick) return Run(command, now);
  const absl::StatusOr<Fired> fired = FireTimers(others_wait, now);
  if (!fired.ok()) {
    LogNotFired(fired.status());
    return fired.status();
  }
  RETURN_IF_ERROR(fired->failed);
  return Outcome{absl::StrCat(fired->count), position_, false};
}

int64_t Writer::NextEffectiveUs() const {
  return std::min({deps_.next_effective_us(), group_->earliest_due_us, group_->unsynced_due_us});
}

absl::StatusOr<Writer::Fired> Writer::FireTimers(bool others_wait, absl::Time now) {
  Fired fired;
  if (absl::ToUnixMicros(now) < NextEffectiveUs() && now < deps_.failing_timers->NextAttempt(now))
    return fired;
  TimerLook look;
  int again = 0, failed = 0;
  bool first_alone = false;  // of those that failed together: goes whatever others have written
  // What a timer schedules for now or earlier fires as well, so each look is at the state after it.
  while (first_alone || group_->overlay->bytes() < kGroupBytes) {
    look.failing = !first_alone && again < kMostFail;
    if (timers_from_ >= alone_until_) alone_until_.clear();
    look.most = alone_until_.empty() ? SIZE_MAX : 1;
    ASSIGN_OR_RETURN(const std::optional<Command> timers,
                     deps_.first_due(*group_->overlay, timers_from_, now, look));
    if (!timers.has_value()) break;
    if (!timers->bookkeeping) RETURN_IF_ERROR(group_->room);
    if (timers->fired->again) ++again;
    const absl::Status ran = Run(*timers, now).status();
    const TimerRow& first = timers->fired->first;
    // Where several have acted, and it fails at the end, as sums are written, it may be any of
    // them. Each goes by itself then: less and less of them together would be tried as often as
    // they are.
    first_alone = !ran.ok() && timers->fired->rows > 1 && timers->fired->count > 0;
    if (first_alone) {
      alone_until_ = timers->fired->end;
      continue;
    }
    if (!ran.ok()) {
      TimerFailed(first, ran, now);
      fired.failed.Update(ran);
      if (timers->fired->again) continue;
      timers_from_ = std::max(timers_from_, first.key);
      // The others of a midnight that all fail come with the next command, or tick.
      if (++failed == kMostFail) break;
      continue;
    }
    if (timers->fired->again) {
      deps_.failing_timers->Forget(first.key);
      group_->notice.acted.push_back(first.key);
    }
    fired.count += timers->fired->count;
    const bool enough =
        others_wait || queue_depth() > 0 || group_->overlay->bytes() > kPatientBytes;
    if (!timers->fired->patient || !enough) continue;
    ASSIGN_OR_RETURN(const bool may_wait, AllPatient(now));
    if (may_wait) break;
  }
  return fired;
}

void Writer::TimerFailed(const TimerRow& row, const absl::Status& status, absl::Time now) {
  const int times = deps_.failing_timers->Fail(row, now, absl::IsUnavailable(status));
  base::Log(base::Severity::kError, "timer_failed",
            {{"timer", row.kind},
             {"due", absl::FormatTime(absl::RFC3339_sec, absl::FromUnixMicros(row.due_us),
                                      absl::UTCTimeZone())},
             {"times", times},
             {"status", status.ToString()}});
}

// Looked for once in a while: there may be a hundred thousand of one midnight.
absl::StatusOr<bool> Writer::AllPatient(absl::Time now) {
  if (absl::ToUnixMicros(now) < patient_.until_us) return true;
  if (timers_from_ < patient_.strict) return false;
  ASSIGN_OR_RETURN(patient_, deps_.find_patient(*group_->overlay, timers_from_, now));
  return absl::ToUnixMicros(now) < patient_.until_us;
}

absl::StatusOr<std::optional<Outcome>> Writer::Replay(const CommandInfo& info,
                                                      const std::string& once_key) const {
  std::string value;
  ASSIGN_OR_RETURN(const bool present, group_->overlay->Get(Space::kOnce, once_key, &value));
  if (!present) return std::optional<Outcome>();
  ASSIGN_OR_RETURN(Outcome outcome, DecodeOnce(info, value));
  return std::optional<Outcome>(std::move(outcome));
}

absl::StatusOr<Outcome> Writer::Run(const Command& command, absl::Time now) {
  std::string once_key;  // empty: not guarded against repetition
  if (!command.info.request_id.empty()) {
    if (command.info.body_hash.size() != kHashBytes) {
      return base::Refusal(absl::StatusCode::kInternal, "BODY_HASH",
                           "A request id comes with a hash of 32 bytes.");
    }
    once_key = OnceKey(command.info);
    ASSIGN_OR_RETURN(std::optional<Outcome> before, Replay(command.info, once_key));
    if (before.has_value()) return *std::move(before);
  }
  // The store's own upkeep makes room: what was delivered and what is pruned goes.
  const bool takes_room = !command.bookkeeping || command.takes_room;
  if (takes_room && !command.info.validate_only) RETURN_IF_ERROR(group_->room);

  Overlay& overlay = *group_->overlay;
  const size_t mark = overlay.Mark();
  // Strictly rising also when the clock stands still or goes back. Upkeep is not recorded: its time
  // is that of the last command.
  const int64_t recorded_us =
      command.bookkeeping ? recorded_us_ : std::max(absl::ToUnixMicros(now), recorded_us_ + 1);
  const bool settled = absl::ToUnixMicros(now) < NextEffectiveUs();
  Tx tx(&overlay, deps_.schema, &tables_, deps_.sealer, LegalDay(now), settled,
        deps_.all_built->load(std::memory_order_acquire), position_ + 1, recorded_us);
  tx.keeps_same_ = command.info.keeps_same;
  absl::StatusOr<std::string> reply = command.run(tx);
  if (reply.ok()) {
    absl::Status written = tx.WriteTotals();
    if (written.ok()) written = tx.WriteDerived();
    if (!written.ok()) reply = std::move(written);
  }
  if (!reply.ok() || command.info.validate_only) {
    overlay.Rollback(mark);
    if (!reply.ok()) return reply.status();
    return Outcome{*std::move(reply), 0, false};
  }
  CommitNotice& notice = group_->notice;
  notice.timers_changed = notice.timers_changed || tx.timers_changed_;
  notice.tables.insert(tx.promoted_.begin(), tx.promoted_.end());
  notice.outbox_changed = notice.outbox_changed || tx.outbox_changed_;
  group_->earliest_due_us = std::min(group_->earliest_due_us, tx.earliest_due_us_);
  FollowTimers(command, tx.earliest_due_us_);
  Outcome outcome{*std::move(reply), position_, false};
  // What it scheduled or emitted is told apart by its position, too.
  const bool changed = tx.entries_.front().changes_size() > 0 || tx.rows_ > 0;
  if (command.bookkeeping || (command.quiet && !changed)) return outcome;

  if (command.info.keeps_same && !changed) {
    outcome.position = 0;  // and yet a retry has this answer, whatever stands by then
  } else {
    recorded_us_ = recorded_us;
    Seal(tx, command.info);
    outcome.position = position_;
  }
  if (!once_key.empty()) {
    overlay.Put(Space::kOnce, std::move(once_key),
                absl::StrCat(BigEndian(recorded_us), command.info.body_hash,
                             BigEndian(outcome.position), outcome.reply));
  }
  return outcome;
}

base::Date Writer::LegalDay(absl::Time now) {
  if (now < day_begins_ || now >= day_ends_) {
    day_ = base::Date::LegalDay(now);
    day_begins_ = day_.StartOfDay();
    day_ends_ = day_.AddDays(1).StartOfDay();
  }
  return day_;
}

void Writer::FollowTimers(const Command& command, int64_t earliest_due_us) {
  if (command.fired != nullptr && !command.fired->again) timers_from_ = command.fired->last;
  if (earliest_due_us == INT64_MAX) return;
  timers_from_ = std::min(timers_from_, SystemKey(kTimersId, Key::Of(earliest_due_us)));
  patient_.until_us = std::min(patient_.until_us, earliest_due_us);
}

// Turns the command's changes into journal entries and leaves of the tree.
void Writer::Seal(Tx& tx, const CommandInfo& info) {
  Overlay& overlay = *group_->overlay;
  const auto parts = static_cast<int32_t>(tx.entries_.size());
  for (int32_t part = 1; part <= parts; ++part) {
    journal::v1::Entry& entry = tx.entries_[static_cast<size_t>(part - 1)];
    entry.set_position(++position_);
    entry.mutable_record_time()->set_seconds(recorded_us_ / 1'000'000);
    entry.mutable_record_time()->set_nanos(static_cast<int32_t>(recorded_us_ % 1'000'000) * 1000);
    entry.set_actor(info.actor);
    entry.set_on_behalf_of(info.on_behalf_of);
    entry.set_method(info.method);
    entry.set_request_id(info.request_id);
    for (base::LegalBasis& basis : tx.legal_basis_) {
      if (part == parts) {
        *entry.add_legal_basis() = std::move(basis);
      } else {
        *entry.add_legal_basis() = basis;
      }
    }
    entry.set_part(part);
    entry.set_parts(parts);
    for (const auto& change : entry.changes()) group_->notice.tables.insert(change.table());
    const std::string leaf = entry.SerializeAsString();
    overlay.Put(
        Space::kLog, JournalKey(position_),
        EncodeJournal(leaf, tx.openings_[static_cast<size_t>(part - 1)].SerializeAsString()));
    entry = journal::v1::Entry();  // a bulk command has many, each as large as its bytes or more
    std::vector<Node> completed;
    frontier_.Append(LeafHash(leaf), &completed);
    std::string hashes;
    for (const Node& node : completed) hashes += ToBytes(node.hash);
    overlay.Put(Space::kLog, NodesKey(position_), std::move(hashes));
  }
}

}  // namespace nisi::store
