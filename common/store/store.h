// The record store of one service: typed tables with two times, one writer with group commit, a
// journal that is a Merkle tree, requests answered once, an outbox and timers. Built on an Engine;
// knows nothing of services.
//
//   auto outcome = store.Write(info, [&](Tx& tx) -> absl::StatusOr<std::string> { ...
//   tx.Put(kEntries, &row) ... }); auto view = store.Read();  view.Find(kEntries, Key::Of(7,
//   "850423"))
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "common/base/clock.h"
#include "common/store/engine.h"
#include "common/store/failing_timers.h"
#include "common/store/journal.h"
#include "common/store/merkle.h"
#include "common/store/reader.h"
#include "common/store/scrub_pace.h"
#include "common/store/tx.h"
#include "common/store/witness.h"
#include "common/store/writer.h"

namespace nisi::store {

// The subtrees of the journal's tree as they are stored. DATA_LOSS when one is missing.
NodeGetter StoredNodes(const Snapshot& snapshot);

// What a timer does when it falls due: runs as a command of its own; `due` is when it was to act.
using TimerFn = std::function<absl::Status(Tx& tx, absl::string_view payload, absl::Time due)>;

// A kind of timers.
struct TimerDef {
  TimerDef() = default;
  template <class Fn>
  requires std::is_invocable_r_v<absl::Status, Fn&, Tx&, absl::string_view, absl::Time> TimerDef(
      Fn fn, size_t most = 1, bool may_wait = false)  // NOLINT: a function is one
      : fire(std::move(fn)), portion(most), patient(may_wait) {}

  TimerFn fire;
  // So many that are due at one instant run as one command. One that fails is taken back by itself;
  // those before it stand.
  size_t portion = 1;
  // Commands of callers go between its portions, though it is due: nothing they decide may rest on
  // it. Of other kinds no command ever finds one overdue but one that fails, or lies behind many
  // that do.
  bool patient = false;
};

// A reader with its snapshot. Cheap; make one a call.
class View : public Reader {
 public:
  View(std::unique_ptr<Snapshot> snapshot, const Schema* schema, base::Date today, bool settled,
       bool all_built)
      : Reader(snapshot.get(), schema, today, settled, all_built), owned_(std::move(snapshot)) {}

  // The last journal position in this view, and when it was recorded.
  absl::StatusOr<int64_t> Position() const;
  absl::StatusOr<int64_t> RecordedUs() const;
  absl::StatusOr<std::string> Meta(absl::string_view name) const;

 private:
  std::unique_ptr<Snapshot> owned_;
};

class Store {
 public:
  struct Options {
    base::Clock* clock = nullptr;
    std::unique_ptr<Witness> witness;  // null: none
    std::map<std::string, TimerDef> timers;
    // Called once when a commit has failed; the process should turn unready and exit.
    std::function<void(const absl::Status&)> on_failure;
    // Called once when bytes were found that do not read as what was written. The store goes on.
    std::function<void(const absl::Status&)> on_file_damage;
    // Commands and seconds of each commit.
    std::function<void(size_t, double)> observe_commit;
    // Commands that may wait; past it RESOURCE_EXHAUSTED at once.
    size_t queue_limit = 1024;
    // Commands are refused (RESOURCE_EXHAUSTED DISK_FULL) before anything is written while the disk
    // has less room than this, and taken again when it has more. For what commits come to cost
    // later: files that are flushed and compacted. 0: not watched.
    uint64_t disk_reserve_bytes = 0;
    // After so long without an answer to anybody who waits for one, the store is not ready: the
    // disk hangs, or one command takes far too long.
    absl::Duration stalled_after = absl::Seconds(10);
    // One file of the store is read and checked this often.
    absl::Duration file_check_interval = absl::Seconds(10);
    // The scrub runs this long after the last one began, the first a minute after opening or
    // sooner. What it finds stops the store: see README.md. 0: never by itself.
    absl::Duration scrub_interval = absl::ZeroDuration();
    ScrubLimits scrub_limits;
    // Timers fire by themselves, and those that are not patient before any later command; threads
    // for index building and file checks. Off: a test drives them by RunDueTimers, BuildIndexes.
    bool background = true;
  };

  // Refuses (FAILED_PRECONDITION) a store of a newer format (STORE_NEWER), of another schema
  // (SCHEMA_MISMATCH), or behind its witness (STORE_ROLLED_BACK); DATA_LOSS when damaged.
  static absl::StatusOr<std::unique_ptr<Store>> Open(std::unique_ptr<Engine> engine,
                                                     const Schema& schema, Options options);
  ~Store();

  // Runs a command and waits until it is durable. UNAVAILABLE: the outcome is unknown, retry with
  // the same id.
  absl::StatusOr<Outcome> Write(const CommandInfo& info, const CommandFn& run);
  // The same without waiting: `done` is called on a thread of the writer and must not wait.
  void WriteAsync(CommandInfo info, CommandFn run, CommandDone done);
  // The answer given before to this request id, if any.
  absl::StatusOr<std::optional<Outcome>> FindReply(const CommandInfo& info) const;

  // `reach` kMemory: reads that would wait for the disk give NotInMemory().
  View Read(Reach reach = Reach::kDisk) const;
  const Schema& schema() const { return *schema_; }
  base::Clock& clock() const { return *options_.clock; }

  // Journal position of the last commit.
  int64_t position() const { return position_.load(std::memory_order_acquire); }
  // Why the store has stopped; OK while it serves.
  absl::Status failure() const { return writer_->failure(); }
  // Why nothing can be written now: it has stopped, or STORE_STALLED (Options::stalled_after). OK
  // where the disk is full, which is told to each who writes and keeps nobody from reading. Does
  // not wait for the disk.
  absl::Status Readiness() const;
  size_t queue_depth() const { return writer_->queue_depth(); }
  const Engine& engine() const { return *engine_; }
  // 32 bytes of this store, and of those that are restored from it.
  const std::string& secret() const { return secret_; }
  // 32 bytes for page tokens. Another key after a restore: a token of before may be of a state that
  // was lost, whose position and time the store has given again.
  const std::string& token_key() const { return token_key_; }

  // Entries from `from` on, at most `limit` and about `max_bytes`. OUT_OF_RANGE naming the oldest
  // kept when they were pruned.
  absl::StatusOr<std::vector<JournalRecord>> ReadJournal(int64_t from, size_t limit,
                                                         size_t max_bytes) const;
  int64_t oldest_position() const { return oldest_.load(std::memory_order_acquire); }
  // Drops the bodies of entries before `position`; their leaves still prove.
  absl::Status PruneJournal(int64_t position);
  // Erases the withheld values of an entry; the entry still proves.
  absl::Status EraseOpenings(int64_t position);

  absl::StatusOr<Hash> RootAt(int64_t tree_size) const;
  absl::StatusOr<Hash> LeafAt(int64_t position) const;
  absl::StatusOr<std::vector<Hash>> InclusionPath(int64_t position, int64_t tree_size) const;
  absl::StatusOr<std::vector<Hash>> ConsistencyPath(int64_t first, int64_t second) const;

  // Called after each commit, before its commands are answered; must be quick. Returns a number to
  // leave by. Unsubscribe returns when no call is running.
  int Subscribe(std::function<void(const CommitNotice&)> follower);
  void Unsubscribe(int id);

  // Fires what is due, in order, each once; returns how many. One that fails is taken back, and
  // tried again later (failing_timers.h) while the others go on; the error of the first that does,
  // when they have. Where many fail, the rest of them waits for the next call.
  absl::StatusOr<int> RunDueTimers();
  // When RunDueTimers has something to do.
  absl::StatusOr<std::optional<absl::Time>> NextTimer() const;
  FailingTimers::Counts failing_timers() const { return failing_timers_.counts(); }

  // Numbers of indexes, totals and what is derived that are not built yet; BuildIndexes builds them
  // in small steps while serving.
  absl::StatusOr<std::vector<uint16_t>> UnbuiltIndexes() const;
  absl::Status BuildIndexes();

  // A consistent copy at `dir`, while serving.
  absl::Status Checkpoint(const std::string& dir) { return engine_->Checkpoint(dir); }
  // See backup.h; store_backup.h makes one that proves itself.
  absl::StatusOr<Backup> MakeBackup(const BackupOptions& options) {
    return engine_->MakeBackup(options);
  }
  // Checks every record, index, journal entry, request and tree node against each other, and what
  // follows from them; one line a finding, at most 1,000 or so. Goes on beside commits. With a pace
  // it keeps to that. CANCELLED when the pace ends it.
  absl::StatusOr<std::vector<std::string>> Scrub(ScrubPace* pace = nullptr) const;
  // How the last scrub that ran by itself went.
  struct ScrubRun {
    int64_t runs = 0;  // that came to their end, since the start
    absl::Time ended;
    absl::Duration took;
    int64_t findings = 0;
  };
  ScrubRun last_scrub() const;
  // What the slow check of files found damaged so far; OK when nothing.
  absl::Status file_damage() const;

  // Bookkeeping of the store's own rows, without a journal entry (outbox confirmations and the
  // like).
  absl::Status Bookkeep(const std::function<absl::Status(Overlay&)>& change);

 private:
  Store(std::unique_ptr<Engine> engine, const Schema& schema, Options options);
  absl::Status Load();
  absl::Status CheckMeta(const View& view, bool is_new);
  absl::Status LoadSecret(const View& view, bool is_new);
  absl::Status CheckWitness();
  absl::Status LoadNextEffective();
  Writer::Deps WriterDeps();
  // What of the schema is not in the one that is `stored` is to be built.
  absl::Status SaveSchema(const std::string& stored, bool is_new);
  void StartThreads();
  void OnCommit(const CommitNotice& notice);
  // Tells the engine when the last command was recorded, or how late it can be by now: a clock that
  // is a year ahead for a minute, and a store that was put back from a year ago, take no reply.
  void SayTime(int64_t recorded_us);
  // See StoreTime (writer.h).
  absl::Time Now() const;
  void TimerLoop();
  void UpkeepLoop();
  void ScrubLoop();
  void FoundDamage(const absl::Status& damage);
  // One run of it: whether there is another.
  bool ScrubBySelf();
  // Waits so long; false when the store ends.
  bool Rest(absl::Duration pause);
  // The command of the first timers that are due in `state` by `now`, if any. None but failing ones
  // lies before `from`.
  absl::StatusOr<std::optional<Command>> FirstDue(const Snapshot& state, const std::string& from,
                                                  absl::Time now, const TimerLook& look);
  Command Firing(std::vector<TimerRow> rows, bool again);
  // Null where nothing handles them.
  const TimerDef* FindTimer(const std::string& kind) const;
  absl::Status FireOne(Tx& tx, const TimerDef* timer, const TimerRow& row);
  absl::StatusOr<std::optional<TimerRow>> FirstTimer() const;
  // Up to where all that are due by `now` are patient.
  absl::StatusOr<PatientTimers> FindPatient(const Snapshot& state, const std::string& from,
                                            absl::Time now) const;
  // Remembers it when nothing is being built any more: then readers need not look.
  void LookWhetherAllIsBuilt();
  // In commands between those of callers, until `step` says that it is done.
  absl::Status Build(const std::function<absl::StatusOr<bool>(Tx&)>& step);
  absl::StatusOr<Outcome> Submit(Command command);

  std::unique_ptr<Engine> engine_;
  const Schema* schema_;
  Options options_;
  std::string secret_, token_key_;
  std::unique_ptr<Sealer> sealer_;
  std::atomic<int64_t> position_{0};
  std::atomic<int64_t> oldest_{1};
  std::atomic<int64_t> recorded_us_{0};  // of the last command that was committed
  absl::Time opened_at_;                 // by what was recorded; of a new store by the clock
  std::chrono::steady_clock::time_point opened_;
  // When the next timer is due, microseconds: a version may take effect by date then, so readers
  // past it resolve exactly. Of failing ones those count that make a version take effect. Written
  // at opening and by commits alone.
  std::atomic<int64_t> next_effective_us_{INT64_MAX};
  // Once it is so it stays: only opening begins to build. A snapshot taken later shows it too.
  std::atomic<bool> all_built_{false};

  mutable std::mutex timers_mutex_;
  std::string timers_from_;  // as of the last commit: no timer but failing ones lies before it
  FailingTimers failing_timers_;

  std::mutex followers_mutex_;
  std::map<int, std::function<void(const CommitNotice&)>> followers_;
  int next_follower_ = 1;

  std::atomic<bool> stopping_{false};
  std::atomic<bool> timers_dirty_{true};
  mutable std::mutex upkeep_mutex_;
  std::condition_variable upkeep_;
  absl::Status file_damage_;
  ScrubRun last_scrub_;
  std::unique_ptr<Writer> writer_;
  std::thread timer_thread_;
  std::thread upkeep_thread_;
  std::thread scrub_thread_;
};

}  // namespace nisi::store
