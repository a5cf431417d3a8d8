#include "common/store/restore.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <system_error>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/hash.h"
#include "common/base/log.h"
#include "common/base/status.h"
#include "common/store/file_io.h"
#include "common/store/first_opening.h"
#include "common/store/layout.h"
#include "common/store/merkle.h"
#include "common/store/position.h"
#include "common/store/proof_error.h"
#include "common/store/rocks_engine.h"
#include "common/store/store.h"
#include "common/store/store_backup.h"

namespace nisi::store {
namespace {

namespace fs = std::filesystem;

absl::Status NotEmpty(absl::string_view what) {
  return base::Refusal(absl::StatusCode::kFailedPrecondition, "RESTORE_NOT_EMPTY",
                       absl::StrCat(what,
                                    " is there: a store is restored into an empty place only. "
                                    "Name another, or move what is there away."));
}

absl::Status OutOfRange(absl::string_view why) {
  return base::Refusal(absl::StatusCode::kOutOfRange, "BACKUP_RANGE", why);
}

absl::Status Differs(int64_t size) {
  return base::Refusal(absl::StatusCode::kDataLoss, "HISTORY_DIFFERS",
                       absl::StrCat("The first ", size,
                                    " journal entries are not those of a signed head. Begin with "
                                    "an earlier backup, or ask who signed it."));
}

absl::Status FolderFailed(absl::string_view path, const std::error_code& error) {
  return base::Refusal(absl::StatusCode::kUnavailable, "RESTORE_FAILED",
                       absl::StrCat(path, ": ", error.message()));
}

// When the last command before this state was recorded.
absl::StatusOr<absl::Time> RecordedOf(absl::string_view bytes) {
  ASSIGN_OR_RETURN(const int64_t micros, DecodeNumber(bytes, "time of the last command"));
  return absl::FromUnixMicros(micros);
}

std::string RecordedKey() {
  return SystemKey(kMetaId, Key::Of(kRecordedMeta));
}

// A state of the store, from a backup or after a commit.
struct State {
  int64_t position = 0;
  absl::Time recorded = absl::UnixEpoch();
};

absl::StatusOr<State> StateOf(const Snapshot& snapshot) {
  State state;
  std::string value;
  ASSIGN_OR_RETURN(const bool committed, snapshot.Get(Space::kData, kPositionKey, &value));
  if (committed) {
    ASSIGN_OR_RETURN(state.position, DecodePosition(value));
  }
  ASSIGN_OR_RETURN(const bool recorded, snapshot.Get(Space::kData, RecordedKey(), &value));
  if (recorded) {
    ASSIGN_OR_RETURN(state.recorded, RecordedOf(value));
  }
  return state;
}

absl::StatusOr<State> StateOf(const Batch& batch) {
  State state;
  state.position = batch.position;
  const std::string key = RecordedKey();
  for (const Batch::Op& op : batch.ops) {
    if (op.space != Space::kData || op.key != key || !op.value.has_value()) continue;
    ASSIGN_OR_RETURN(state.recorded, RecordedOf(*op.value));
  }
  return state;
}

// The signed heads, held against the tree as it grows.
class Heads {
 public:
  // Before Add: whose signature counts.
  void Believe(const std::string& public_key) { keys_.emplace(KeyId(public_key), public_key); }

  absl::Status Add(const journal::v1::TreeHead& head) {
    const auto key = keys_.find(head.key_id());
    if (key == keys_.end()) {
      std::vector<std::string> known;
      for (const auto& [id, of] : keys_) known.push_back(base::HexEncode(id));
      return ProofInvalid(
          "HEAD_SIGNATURE",
          absl::StrCat("The head of ", head.tree_size(), " entries is signed by the key ",
                       base::HexEncode(head.key_id()), ", which is not among the keys given: ",
                       absl::StrJoin(known, ", "), ". Where the key was replaced, give both."));
    }
    RETURN_IF_ERROR(VerifyHead(head, key->second));
    signers_.insert(key->first);
    open_.emplace(head.tree_size(), head.root());
    return absl::OkStatus();
  }

  // What the tree is when a backup ends, with all before it.
  absl::Status Begin(const Snapshot& snapshot, int64_t position) {
    const NodeGetter nodes = StoredNodes(snapshot);
    while (!open_.empty() && open_.begin()->first <= position) {
      ASSIGN_OR_RETURN(const Hash root, RootAt(open_.begin()->first, nodes));
      RETURN_IF_ERROR(Hold(root));
    }
    ASSIGN_OR_RETURN(tree_, Frontier::Load(position, nodes));
    return absl::OkStatus();
  }

  // A commit later.
  absl::Status Grow(const Batch& batch) {
    for (const Batch::Op& op : batch.ops) {
      if (op.space != Space::kLog || op.key != NodesKey(tree_.size() + 1)) continue;
      const auto leaf = ToHash(op.value.value_or("").substr(0, sizeof(Hash)));
      if (!leaf.ok()) return base::StoreCorrupt("tree node in the log");
      std::vector<Node> completed;
      tree_.Append(*leaf, &completed);
      while (!open_.empty() && open_.begin()->first == tree_.size()) {
        RETURN_IF_ERROR(Hold(tree_.root()));
      }
    }
    if (tree_.size() != batch.position) return base::StoreCorrupt("a journal entry in the log");
    return absl::OkStatus();
  }

  Head now() const { return {tree_.size(), tree_.root()}; }
  const std::set<std::string>& signers() const { return signers_; }
  int64_t proved() const { return proved_; }
  std::vector<int64_t> beyond() const {
    std::vector<int64_t> sizes;
    for (const auto& [size, root] : open_) sizes.push_back(size);
    return sizes;
  }

 private:
  absl::Status Hold(const Hash& root) {
    const auto head = open_.begin();
    if (ToBytes(root) != head->second) return Differs(head->first);
    open_.erase(head);
    ++proved_;
    return absl::OkStatus();
  }

  std::map<std::string, std::string> keys_;   // id -> key
  std::set<std::string> signers_;             // ids of those that signed what was added
  std::multimap<int64_t, std::string> open_;  // size -> root, not met yet
  Frontier tree_;
  int64_t proved_ = 0;
};

class Restoration {
 public:
  Restoration(const RestoreOptions& options, const Schema& schema, base::Clock& clock)
      : options_(options), schema_(schema), clock_(clock), place_(options.to + ".restoring") {}

  absl::StatusOr<Restored> Run() {
    RETURN_IF_ERROR(CheckEmpty());
    RETURN_IF_ERROR(Choose());
    RETURN_IF_ERROR(GatherHeads());
    RETURN_IF_ERROR(heads_.Begin(*backup_->NewSnapshot(), restored_.backup_position));
    restored_.head = heads_.now();
    backup_.reset();
    std::error_code error;
    fs::remove_all(place_, error);
    if (error) return FolderFailed(place_, error);
    RETURN_IF_ERROR(CopyBackup(options_.from, restored_.backup.id, place_));
    RETURN_IF_ERROR(Replay());
    RETURN_IF_ERROR(CheckStore());
    RETURN_IF_ERROR(PutInPlace());
    restored_.heads_proved = heads_.proved();
    restored_.heads_beyond = heads_.beyond();
    return restored_;
  }

 private:
  absl::Status CheckEmpty() const {
    std::error_code error;
    if (!options_.aside.empty()) {
      return fs::exists(options_.aside, error) ? NotEmpty(options_.aside) : absl::OkStatus();
    }
    if (fs::exists(options_.to, error) && !fs::is_empty(options_.to, error)) {
      return NotEmpty(options_.to);
    }
    if (error) return FolderFailed(options_.to, error);
    if (fs::exists(options_.witness, error)) return NotEmpty(options_.witness);
    return absl::OkStatus();
  }

  bool EarlyEnough(const State& state) const {
    return state.position <= options_.position.value_or(INT64_MAX) &&
           state.recorded <= options_.time.value_or(absl::InfiniteFuture());
  }

  // The newest backup that is early enough; it stays open.
  absl::Status Choose() {
    ASSIGN_OR_RETURN(all_, ListBackups(options_.from));
    for (auto backup = all_.rbegin(); backup != all_.rend(); ++backup) {
      if (options_.backup != 0 && backup->id != options_.backup) continue;
      ASSIGN_OR_RETURN(backup_, OpenBackupIn(options_.from, backup->id));
      ASSIGN_OR_RETURN(const State state, StateOf(*backup_->NewSnapshot()));
      if (!EarlyEnough(state)) continue;
      restored_.backup = *backup;
      restored_.backup_position = state.position;
      restored_.recorded = state.recorded;
      return absl::OkStatus();
    }
    if (backup_ != nullptr) return OutOfRange("No backup is that early: the oldest is later.");
    return base::Refusal(absl::StatusCode::kNotFound, "BACKUP_NOT_FOUND",
                         absl::StrCat("There is no such good backup in ", options_.from, "."));
  }

  // Another line of the store may have gone another way, so its heads are not asked for.
  absl::Status GatherHeads() {
    for (const std::string& key : options_.public_keys) heads_.Believe(key);
    std::vector<v1::BackupNote> notes;
    for (const Backup& backup : all_) {
      if (backup.line != restored_.backup.line) continue;
      ASSIGN_OR_RETURN(notes.emplace_back(), NoteOf(backup));
      if (options_.public_keys.empty()) heads_.Believe(notes.back().public_key());
    }
    for (const v1::BackupNote& note : notes) RETURN_IF_ERROR(heads_.Add(note.tree_head()));
    for (const auto& head : options_.heads) RETURN_IF_ERROR(heads_.Add(head));
    restored_.key_ids = heads_.signers();
    return absl::OkStatus();
  }

  absl::Status Replay() {
    const bool backup_alone =
        options_.backup != 0 && !options_.position.has_value() && !options_.time.has_value();
    bool applying = !backup_alone;
    const CommitVisitor wanted = [&](const Batch& batch) -> absl::StatusOr<bool> {
      ASSIGN_OR_RETURN(const State state, StateOf(batch));
      RETURN_IF_ERROR(heads_.Grow(batch));
      applying = applying && EarlyEnough(state);
      if (!applying) return false;
      restored_.head = heads_.now();
      restored_.recorded = state.recorded;
      return true;
    };
    RETURN_IF_ERROR(ReplayLog(options_.from, restored_.backup.line, place_, wanted));
    if (applying && options_.position.value_or(0) > restored_.head.position) {
      return OutOfRange(
          absl::StrCat("The log of these backups ends at position ", restored_.head.position, "."));
    }
    return absl::OkStatus();
  }

  // By the store's own means; nothing acts by itself in it.
  absl::Status CheckStore() const {
    RocksOptions rocks;
    rocks.dir = place_;
    rocks.now = [] { return absl::InfinitePast(); };  // drops no request row
    ASSIGN_OR_RETURN(std::unique_ptr<Engine> engine, OpenRocks(rocks));
    Store::Options options;
    options.clock = &clock_;
    options.background = false;
    ASSIGN_OR_RETURN(const auto store, Store::Open(std::move(engine), schema_, std::move(options)));
    if (store->position() != restored_.head.position) return base::StoreCorrupt("last position");
    ASSIGN_OR_RETURN(const Hash root, store->RootAt(store->position()));
    if (root != restored_.head.root) return Differs(store->position());
    ASSIGN_OR_RETURN(const std::vector<std::string> findings, store->Scrub());
    if (findings.empty()) return NoteOpened({place_, options_.witness}, schema_);
    constexpr size_t kTold = 5;
    const auto told = static_cast<std::ptrdiff_t>(std::min(findings.size(), kTold));
    return base::StoreCorrupt(
        absl::StrCat("the scrub found ", findings.size(), ": ",
                     absl::StrJoin(findings.begin(), findings.begin() + told, "; ")));
  }

  // The store first: a witness without one would be refused. Until the first commit it may go
  // without. The witness of a store that is set aside goes last, so that whatever stops us halfway
  // leaves what no service starts on, and never room for a new store.
  absl::Status PutInPlace() const {
    std::error_code error;
    if (!options_.aside.empty() && fs::exists(options_.to, error)) {
      fs::rename(options_.to, options_.aside, error);
    } else {
      fs::remove(options_.to, error);  // an empty one
    }
    if (!error) fs::rename(place_, options_.to, error);
    if (!error && fs::exists(options_.witness, error)) {
      fs::rename(options_.witness, AsideOfWitness(), error);
    }
    if (error) return FolderFailed(options_.to, error);
    const std::string above = fs::absolute(options_.to).parent_path().string();
    const int folder = open(above.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const bool synced = folder >= 0 && fsync(folder) == 0;
    if (!synced) error = std::error_code(errno, std::generic_category());
    if (folder >= 0) close(folder);
    if (!synced) return FolderFailed(above, error);
    return FileWitness(options_.witness)->Save(restored_.head);
  }

  // Beside it, by the name of the store that is set aside: it may lie on another disk than that.
  std::string AsideOfWitness() const {
    const fs::path aside = fs::path(options_.aside).filename();
    return (fs::path(options_.witness).parent_path() / aside).string() + ".witness";
  }

  const RestoreOptions& options_;
  const Schema& schema_;
  base::Clock& clock_;
  const std::string place_;
  std::vector<Backup> all_;
  std::unique_ptr<OpenBackup> backup_;
  Heads heads_;
  Restored restored_;
};

std::string RestoredFile(const std::string& from) {
  return absl::StrCat(from, "/RESTORED");
}

// For whoever watches that it is tried. The folder may be a copy that cannot be written.
void NoteRestored(const std::string& from, absl::Time now) {
  const absl::Status noted = ReplaceFile(
      RestoredFile(from),
      absl::StrCat(absl::FormatTime(absl::RFC3339_sec, now, absl::UTCTimeZone()), "\n"), 0600);
  if (noted.ok()) return;
  base::Log(base::Severity::kWarning, "restore_not_noted", {{"status", noted.ToString()}});
}

}  // namespace

absl::StatusOr<Restored> RestoreStore(const RestoreOptions& options, const Schema& schema,
                                      base::Clock& clock) {
  ASSIGN_OR_RETURN(Restored restored, Restoration(options, schema, clock).Run());
  const bool all =
      options.backup == 0 && !options.position.has_value() && !options.time.has_value();
  if (all && restored.heads_beyond.empty()) NoteRestored(options.from, clock.Now());
  return restored;
}

absl::Time LastRestored(const std::string& from) {
  const auto text = ReadSmallFile(RestoredFile(from));
  absl::Time time = absl::InfinitePast();
  if (text.ok()) {
    absl::ParseTime(absl::RFC3339_full, absl::StripAsciiWhitespace(*text), &time, nullptr);
  }
  return time;
}

}  // namespace nisi::store
