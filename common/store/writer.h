// The one writer. Commands queue and run one after another against an overlay; the overlay goes to
// the engine as one batch; when that is durable, all its commands are answered. So transactions are
// serial without locks or retries, and one sync serves many. While a batch is being written and
// synced, the commands of the next run over what it will have written: a thread for each.
//
// No batch is appended before the one before it is synced. A power cut that finds two of them on
// their way could keep the later and lose the earlier, and nobody would notice when the log went on
// in another file between them.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/time/time.h"
#include "common/base/clock.h"
#include "common/store/failing_timers.h"
#include "common/store/merkle.h"
#include "common/store/tx.h"
#include "common/store/witness.h"

namespace nisi::store {

// Returns the reply to keep and send: the bytes of the response message.
using CommandFn = std::function<absl::StatusOr<std::string>(Tx&)>;
using CommandDone = std::function<void(absl::StatusOr<Outcome>)>;

// What a command of timers is to fire, and has fired when it has run.
struct FiredTimers {
  TimerRow first;
  size_t rows = 0;     // it is to fire
  std::string end;     // the key of the last of them
  bool again = false;  // one that has failed before
  int count = 0;
  std::string last;      // the key of the last one; empty: of one that has failed before
  bool patient = false;  // see TimerDef
};

// Which timers one looks for.
struct TimerLook {
  size_t most = SIZE_MAX;  // a command, also where its kind has larger portions
  bool failing = true;     // those that have failed before as well
};

// As far as one sees: before `until_us` no timer is due but patient ones. `strict`: the key of one
// that is not, if it is due already.
struct PatientTimers {
  int64_t until_us = INT64_MAX;
  std::string strict;
};

struct Command {
  CommandInfo info;
  CommandFn run;
  CommandDone done;                    // called on a thread of the writer: must not wait
  bool bookkeeping = false;            // the store's own upkeep: no journal entry, no position
  bool takes_room = false;             // bookkeeping that may wait until the disk has room
  bool tick = false;                   // fires the timers that are due and does nothing else
  bool quiet = false;                  // no journal entry when it changed no record
  std::shared_ptr<FiredTimers> fired;  // of a command of timers
};

// What a commit changed, for those who follow.
struct CommitNotice {
  int64_t position = 0;
  std::set<std::string> tables;
  bool timers_changed = false;
  bool outbox_changed = false;
  std::string timers_from;         // a key before which no timer lies but failing ones
  int64_t recorded_us = 0;         // when its last command was recorded
  std::vector<std::string> acted;  // keys of timers that had failed before
};

// The time for a store whose last command was recorded at `recorded_us`. It stands still while a
// clock that was set back a little, as clocks are, catches up: with the clock its day would go back
// over midnight, and what is recorded on that day is beaten by what was recorded before it.
absl::Time StoreTime(absl::Time now, int64_t recorded_us);

class Writer {
 public:
  struct Deps {
    Engine* engine;
    const Schema* schema;
    const Sealer* sealer;
    Witness* witness;
    base::Clock* clock;
    // Called on a thread of the writer after the commit and before its commands are answered.
    std::function<void(const CommitNotice&)> on_commit;
    // Called once, when a commit fails: nothing is acknowledged from then on.
    std::function<void(const absl::Status&)> on_failure;
    // Commands and seconds of one commit.
    std::function<void(size_t, double)> observe;
    size_t queue_limit;
    uint64_t disk_reserve_bytes;  // see Store::Options
    // When the next version takes effect by date, microseconds: past it, current rows are those of
    // yesterday.
    std::function<int64_t()> next_effective_us;
    // The command of the first timers that are due in a state, if any; none but failing ones lies
    // before `from`.
    std::function<absl::StatusOr<std::optional<Command>>(const Snapshot&, const std::string& from,
                                                         absl::Time now, const TimerLook& look)>
        first_due;
    FailingTimers* failing_timers;
    // Up to where those that are due are patient.
    std::function<absl::StatusOr<PatientTimers>(const Snapshot&, const std::string& from,
                                                absl::Time now)>
        find_patient;
    // Fire what is due before any other command, so that none ever finds a timer overdue that is
    // not patient, not even the first after a long stop. Off: only ticks fire.
    bool timers_first;
    // Whether nothing is being built any more: then nobody looks.
    const std::atomic<bool>* all_built;
  };
  Writer(Deps deps, Frontier frontier, int64_t position, int64_t recorded_us);
  // Runs what is queued, then stops.
  ~Writer();

  // RESOURCE_EXHAUSTED at once when the queue is full; UNAVAILABLE when the store has failed.
  void Submit(Command command);

  size_t queue_depth() const;
  absl::Status failure() const;
  // For how long commands have waited and no batch was answered. Zero while nobody waits.
  absl::Duration stalled_for() const;
  // Nothing is written or acknowledged from here on; the first cause stays.
  void Fail(const absl::Status& status);

 private:
  struct Pending {
    CommandDone done;
    absl::StatusOr<Outcome> outcome;
  };
  // The commands of one batch. Built by the running thread, then left alone until it is synced.
  struct Group {
    Group(const Snapshot* base, std::shared_ptr<const Overlay> before, EmptyTables* empty_tables)
        : beneath(std::move(before)),
          overlay(
              std::make_shared<Overlay>(beneath != nullptr ? beneath.get() : base, empty_tables)) {}

    std::shared_ptr<const Overlay> beneath;  // the batch before, until it is written
    std::shared_ptr<Overlay> overlay;        // until it is appended
    bool empty = true;                       // wrote nothing
    int64_t base_position = 0;
    bool appended = false;
    std::unique_ptr<Snapshot> written;  // the store with it, once it is appended
    CommitNotice notice;
    std::vector<Pending> answers;
    int64_t earliest_due_us = INT64_MAX;  // of the timers it scheduled
    int64_t unsynced_due_us = INT64_MAX;  // of those that the batch on its way scheduled
    Hash root{};                          // of the tree after it
    absl::Status room;                    // RESOURCE_EXHAUSTED: the disk has its reserve left
    std::chrono::steady_clock::time_point appending;  // since when
    bool full() const;
  };

  // The running thread. kCloseIdle: nothing else waits to be run.
  enum class Step { kRun, kClose, kCloseIdle, kStop };
  void RunLoop();
  Step NextStep(std::vector<Command>* commands);
  std::vector<Command> Take();
  void RunCommands(std::vector<Command> commands);
  void Settle();
  void OpenGroup();
  void CloseGroup(bool alone);
  absl::Status CheckRoom() const;
  absl::StatusOr<Outcome> Answered(const Command& command, bool others_wait, absl::Time now);
  absl::StatusOr<Outcome> Run(const Command& command, absl::Time now);
  absl::StatusOr<std::optional<Outcome>> Replay(const CommandInfo& info,
                                                const std::string& once_key) const;
  // Fires all that are due, or what one batch takes, or a portion where those that are left are
  // patient and others wait, or until many have failed for the first time. One that fails keeps no
  // other but for that. An error is the store's.
  struct Fired {
    int count = 0;
    absl::Status failed;  // what the first said that failed
  };
  absl::StatusOr<Fired> FireTimers(bool others_wait, absl::Time now);
  void TimerFailed(const TimerRow& row, const absl::Status& status, absl::Time now);
  absl::StatusOr<bool> AllPatient(absl::Time now);
  base::Date LegalDay(absl::Time now);
  // What a command that stands has done to the order of timers.
  void FollowTimers(const Command& command, int64_t earliest_due_us);
  void Seal(Tx& tx, const CommandInfo& info);
  // Before it, a version may have taken effect by date that no commit has said yet.
  int64_t NextEffectiveUs() const;

  // The syncing thread, which appends and answers as well; and the running one, for a caller who is
  // alone and for a batch of many bytes.
  void SyncLoop();
  void Append(Group& group);
  absl::Status AppendToEngine(Group& group);
  void Sync(Group& group);
  absl::Status SyncToEngine(const Group& group);
  void Answer(Group& group);

  const Deps deps_;
  // Of the running thread alone.
  TableUses tables_;
  EmptyTables empty_tables_;
  Frontier frontier_;
  int64_t position_;
  int64_t closed_position_;  // of the last batch that was closed
  int64_t recorded_us_;
  base::Date day_;  // the legal day, worked out once a day
  absl::Time day_begins_ = absl::InfiniteFuture();
  absl::Time day_ends_ = absl::InfinitePast();
  std::chrono::steady_clock::time_point timers_again_;
  std::string timers_from_;  // no timer but failing ones lies before it
  std::string alone_until_;  // up to this key each goes by itself; empty: none has to
  PatientTimers patient_{INT64_MIN, ""};
  std::unique_ptr<Snapshot> written_;          // the store with all that was appended
  std::shared_ptr<const Overlay> on_its_way_;  // the batch that is to come over it; null: none
  std::unique_ptr<Group> group_;               // being built; null: none

  mutable std::mutex mutex_;
  std::condition_variable work_;          // for the running thread
  std::condition_variable syncing_work_;  // for the syncing one
  std::vector<Command> queue_;
  size_t unanswered_ = 0;                           // commands that were taken
  std::chrono::steady_clock::time_point answered_;  // the last batch; or since when somebody waits
  bool stopping_ = false;
  std::unique_ptr<Group> syncing_;      // not yet synced; null: none
  std::unique_ptr<Snapshot> appended_;  // the store with the last batch that was
  bool all_closed_ = false;             // nothing more comes to be synced
  absl::Status failure_;
  int64_t witnessed_position_;  // of whichever thread syncs
  std::thread runner_;
  std::thread syncer_;
};

// The row of Space::kOnce for a request.
std::string OnceKey(const CommandInfo& info);
// FAILED_PRECONDITION IDEMPOTENCY_KEY_REUSED when the id came with another body.
absl::StatusOr<Outcome> DecodeOnce(const CommandInfo& info, absl::string_view value);

// Store rows of Space::kData, under kMetaId.
inline constexpr char kRecordedMeta[] = "recorded";  // time of the last command, microseconds

}  // namespace nisi::store
