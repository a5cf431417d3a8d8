// The port between the record store and what keeps its bytes: an ordered key-value store with
// snapshots and atomic, durable commits. RocksDB is the engine here (rocks_engine.h);
// engine_conformance.h defines what any engine must do. Nothing above knows which it has.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "common/store/backup.h"

namespace nisi::store {

// Three key spaces with different lives. Numbers are on disk: append only.
enum class Space : uint8_t {
  kData = 0,  // records, their history, indexes, outbox, timers, the store's own state
  kLog = 1,   // journal and tree: appended, read in order
  kOnce = 2,  // replies by request id: dropped by the engine when old, see Engine::SayTime
};
inline constexpr int kSpaces = 3;

// The one key an engine keeps for itself, in kData: its last position, 8 bytes big-endian, so that
// it changes with the batch and a snapshot knows which position it shows. Get reads it; Scan passes
// over it; Commit refuses it.
inline constexpr absl::string_view kPositionKey("\0position", 9);

// Where a reader may look. kMemory never waits for the disk: what is not in memory is
// NotInMemory(). kDiskInPassing is kDisk for whoever reads much and will not come back to it: what
// it reads is not kept in memory in place of what others read.
enum class Reach { kMemory, kDisk, kDiskInPassing };
absl::Status NotInMemory();
bool IsNotInMemory(const absl::Status& status);

// Walks keys of one space in [lower, upper) in byte order. Not thread-safe; must not outlive its
// snapshot.
class Cursor {
 public:
  virtual ~Cursor() = default;
  // True while on an entry. After it turns false, status() tells the end (OK) from damage
  // (DATA_LOSS).
  virtual bool Valid() const = 0;
  virtual void Next() = 0;
  // Moves to the first key at or after `key` (which lies within the bounds).
  virtual void Seek(absl::string_view key) = 0;
  // Both are good until the next move.
  virtual absl::string_view key() const = 0;
  virtual absl::string_view value() const = 0;
  virtual absl::Status status() const = 0;
};

// The store as it was at one commit. Thread-safe for reading; cheap to make and drop. Must not
// outlive its engine.
class Snapshot {
 public:
  virtual ~Snapshot() = default;
  // True and *value when present. DATA_LOSS when the bytes are damaged.
  virtual absl::StatusOr<bool> Get(Space space, absl::string_view key,
                                   std::string* value) const = 0;
  // Shows the value of each key in the order of `keys`, nullopt where absent, until `visit` says
  // enough (false) or fails. A value is good for the visit only.
  using ManyVisitor =
      std::function<absl::StatusOr<bool>(size_t at, std::optional<absl::string_view> value)>;
  virtual absl::Status GetMany(Space space, absl::Span<const std::string> keys,
                               const ManyVisitor& visit) const = 0;
  // A cursor standing on the first key in [lower, upper). An empty `upper` means no bound.
  virtual std::unique_ptr<Cursor> Scan(Space space, absl::string_view lower,
                                       absl::string_view upper) const = 0;
};

// What one commit writes. Self-contained: applied whole or not at all.
struct Batch {
  // Views of what whoever commits holds until the commit is done.
  struct Op {
    Space space;
    absl::string_view key;
    std::optional<absl::string_view> value;  // nullopt deletes
  };
  std::vector<Op> ops;
  // The position this batch builds on: refused (ABORTED) unless it is the engine's last committed
  // one.
  int64_t base_position = 0;
  // The position the engine holds after it; at least base_position.
  int64_t position = 0;
  // Where there is one, called when the engine has taken `ops` over and looks at them no more, long
  // before the commit is done: who holds their bytes need not hold them beside the engine's own.
  std::function<void()> release = nullptr;
};

// One number for the metrics. The name is stable and in base units; one that ends in _total only
// grows.
struct Figure {
  std::string name;
  std::string help;
  double value = 0;
  // Of a bounded set, as roles or buckets: never what a request or a record says.
  std::vector<std::pair<std::string, std::string>> labels = {};
};

// Thread-safe, but for Append, which one thread calls at a time, and Sync, which one calls as well.
class Engine {
 public:
  virtual ~Engine() = default;

  // Of the last commit; 0 for a new store.
  virtual absl::StatusOr<int64_t> LastPosition() const = 0;
  // What is committed: never what a power cut may still take back.
  virtual std::unique_ptr<Snapshot> NewSnapshot(Reach reach) const = 0;
  std::unique_ptr<Snapshot> NewSnapshot() const { return NewSnapshot(Reach::kDisk); }

  // A commit has two steps, so that the next batch is built over this one while it is being synced.
  //
  // Writes a batch behind all before it; it is committed by the next Sync. Returns the store with
  // it, for whoever builds the batch after it. ABORTED: another writer was here, nothing is
  // written. INTERNAL: the batch is malformed (kPositionKey, a position that goes back), nothing is
  // written. Any other error: the outcome is unknown, and every later Append and Sync fails in the
  // same way until the engine is reopened.
  virtual absl::StatusOr<std::unique_ptr<Snapshot>> Append(const Batch& batch) = 0;
  // All that was appended before this call is durable, and seen by others, when it returns OK. Any
  // error: the outcome is unknown, as with Append.
  virtual absl::Status Sync() = 0;
  // Both.
  absl::Status Commit(const Batch& batch);

  // A consistent copy at `dir` (which must not exist), while serving.
  virtual absl::Status Checkpoint(const std::string& dir) = 0;

  // Adds a backup to those in options.dir, while serving: see backup.h. One at a time.
  virtual absl::StatusOr<Backup> MakeBackup(const BackupOptions& options) = 0;

  // Reads and checks every stored byte of one unit (a file) after `cursor` ("" for the first) and
  // returns the cursor for the next call, "" after the last. DATA_LOSS names what is damaged.
  virtual absl::StatusOr<std::string> VerifyNext(const std::string& cursor) = 0;

  // When the store's last command was recorded, or before, where that is more than the time since
  // the store was opened allows for. Rows of Space::kOnce may be dropped when the time
  // in their first 8 bytes is longer ago than the engine keeps them, by its clock and by this time:
  // neither a clock that is far ahead for a moment nor a store that stood still for long takes a
  // reply from whoever asks again. None are before it is said.
  virtual void SayTime(absl::Time /*recorded*/) {}

  // Which of several stores this is that began as one: a store restored from a backup is another.
  // Empty where the engine cannot tell.
  virtual absl::StatusOr<std::string> Line() const { return std::string(); }

  // Bytes that may still be written where the engine keeps its own; nullopt where it cannot tell.
  // A system call, no more.
  virtual std::optional<uint64_t> FreeBytes() const { return std::nullopt; }

  virtual std::vector<Figure> Stats() const = 0;
};

}  // namespace nisi::store
