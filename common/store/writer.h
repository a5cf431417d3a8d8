// The one writer. Commands queue, run one after another against an overlay, and go to the engine as
// one durable batch; then all are answered. So transactions are serial without locks or retries,
// and one sync serves many.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "common/base/clock.h"
#include "common/store/merkle.h"
#include "common/store/tx.h"
#include "common/store/witness.h"

namespace nisi::store {

// Returns the reply to keep and send: the bytes of the response message.
using CommandFn = std::function<absl::StatusOr<std::string>(Tx&)>;
using CommandDone = std::function<void(absl::StatusOr<Outcome>)>;

struct Command {
  CommandInfo info;
  CommandFn run;
  CommandDone done;          // called on the writer's thread: must be quick
  bool bookkeeping = false;  // the store's own upkeep: no journal entry, no position
};

// What a commit changed, for those who follow.
struct CommitNotice {
  int64_t position = 0;
  std::set<std::string> tables;
  bool timers_changed = false;
  bool outbox_changed = false;
};

class Writer {
 public:
  struct Deps {
    Engine* engine;
    const Schema* schema;
    const Sealer* sealer;
    Witness* witness;
    base::Clock* clock;
    // Called on the writer's thread after the commit and before its commands are answered.
    std::function<void(const CommitNotice&)> on_commit;
    // Called once, when a commit fails: nothing is acknowledged from then on.
    std::function<void(const absl::Status&)> on_failure;
    // Commands and seconds of one commit.
    std::function<void(size_t, double)> observe;
    size_t queue_limit;
    // When the next version takes effect by date, microseconds: past it, current rows are those of
    // yesterday.
    std::function<int64_t()> next_effective_us;
  };
  Writer(Deps deps, Frontier frontier, int64_t position, int64_t recorded_us);
  // Runs what is queued, then stops.
  ~Writer();

  // RESOURCE_EXHAUSTED at once when the queue is full; UNAVAILABLE when the store has failed.
  void Submit(Command command);

  size_t queue_depth() const;
  absl::Status failure() const;

 private:
  struct Answer {
    CommandDone done;
    absl::StatusOr<Outcome> outcome;
  };
  struct Group {
    Overlay overlay;
    CommitNotice notice;
    std::vector<Answer> answers;
  };

  void Loop();
  void CommitGroup(std::vector<Command> commands);
  absl::StatusOr<Outcome> Run(const Command& command, absl::Time now, Group& group);
  absl::StatusOr<std::optional<Outcome>> Replay(const CommandInfo& info,
                                                const Overlay& overlay) const;
  void Seal(Tx& tx, const CommandInfo& info, Group& group);
  absl::Status Persist(Group& group);

  const Deps deps_;
  // Of the writer's thread alone.
  Frontier frontier_;
  int64_t position_;
  int64_t recorded_us_;

  mutable std::mutex mutex_;
  std::condition_variable work_;
  std::vector<Command> queue_;
  bool stopping_ = false;
  absl::Status failure_;
  std::thread thread_;
};

// The row of Space::kOnce for a request.
std::string OnceKey(const CommandInfo& info);
// FAILED_PRECONDITION IDEMPOTENCY_KEY_REUSED when the id came with another body.
absl::StatusOr<Outcome> DecodeOnce(const CommandInfo& info, absl::string_view value);

// Store rows of Space::kData, under kMetaId.
inline constexpr char kRecordedMeta[] = "recorded";  // time of the last command, microseconds

}  // namespace nisi::store
