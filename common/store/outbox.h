// Delivery of what commands left for other services (Tx::Emit): in order a target, until confirmed.
//
// A message goes out at least once, always under the same id, so the receiver's request-id guard
// makes it once. The row is deleted only after the target has confirmed; then the next of that
// target goes. A target that fails is tried again later, twice as late each time, and holds up no
// other.
//
// A target remembers an id for 31 days. What is older, as in a store that was restored from an old
// backup or whose target was away for so long, may have been applied and forgotten there, so it is
// not sent by itself: it fails as MESSAGE_OLD, those behind it wait, and whoever runs the service
// says what becomes of it (Options::old).
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/store/store.h"

namespace nisi::store {

struct OutboxMessage {
  std::string target;   // service, as "priority-goods"
  std::string id;       // a UUID in text form, the same at every attempt: the request id
  std::string method;   // full method, as "/package.Service/Method"
  std::string payload;  // the serialized request
};

class OutboxRelay {
 public:
  // OK: the target has it for good. May block; must end by itself (a deadline).
  using Deliver = std::function<absl::Status(const OutboxMessage&)>;

  // What becomes of messages that are older than their target remembers.
  enum class Old { kHold, kSend, kDrop };

  struct Options {
    Old old = Old::kHold;
    absl::Duration first_retry = absl::Milliseconds(100);
    absl::Duration last_retry = absl::Seconds(30);
    // Sent of one target before the others have their turn.
    size_t burst = 64;
    // Off: a test drives it by RunOnce.
    bool background = true;
  };

  struct Counts {
    int64_t pending = 0;          // messages not confirmed yet, as of the last round
    int64_t failed = 0;           // attempts that failed, since the start
    int64_t delivered = 0;        // since the start
    int64_t failing_targets = 0;  // whose last attempt failed
  };

  // `store` and what `deliver` needs must outlive the relay.
  OutboxRelay(Store& store, Deliver deliver, Options options);
  OutboxRelay(Store& store, Deliver deliver) : OutboxRelay(store, std::move(deliver), Options{}) {}
  // Lets the attempt that is under way end, then stops.
  ~OutboxRelay();
  OutboxRelay(const OutboxRelay&) = delete;
  OutboxRelay& operator=(const OutboxRelay&) = delete;

  // One round over all targets that are due: of each, up to `burst` messages until one fails.
  // Returns how many were delivered. Errors are the store's; a failing target is none. Not while
  // the thread runs.
  absl::StatusOr<int> RunOnce();
  // When RunOnce has something to do: the past when now, nullopt when nothing is waiting.
  std::optional<absl::Time> NextAttempt() const;

  // Thread-safe.
  Counts counts() const;

 private:
  struct Target {
    absl::Duration delay;  // zero while it answers
    absl::Time not_before = absl::InfinitePast();
  };

  void Loop();
  absl::StatusOr<int> RunTarget(const std::string& target);
  // Delivers it, or what `old` says of one that the target may have forgotten.
  absl::Status Send(const OutboxMessage& message, absl::Time recorded, bool is_old);
  void NoteFailed(const OutboxMessage& message, absl::Time recorded, const absl::Status& why);
  void NoteConfirmed(const std::string& target, bool dropped);
  absl::StatusOr<std::map<std::string, int64_t>> Pending() const;

  Store& store_;
  const Deliver deliver_;
  const Options options_;
  int subscription_ = 0;
  std::atomic<bool> stopping_{false};
  std::atomic<bool> dirty_{true};

  mutable std::mutex mutex_;
  std::map<std::string, Target> targets_;  // with something waiting
  Counts counts_;
  std::thread thread_;
};

// The id of an outbox row: a UUID (version 8) from the store's secret, the row's key and the time
// of its command. Not from the key alone: a store that was restored to an earlier point gives the
// positions of what it lost again, with its secret, and targets keep the ids of what they have. A
// row of a release before has no time, and keeps the id that it may have been delivered under.
std::string OutboxId(absl::string_view secret, absl::string_view row_key,
                     std::optional<int64_t> recorded_us);

}  // namespace nisi::store
