#include "common/store/mem_engine.h"

#include <algorithm>
#include <array>
#include <map>
#include <mutex>
#include <set>
#include <shared_mutex>
#include <utility>

#include "absl/status/status.h"
#include "common/base/status.h"
#include "common/store/position.h"

namespace nisi::store {

// Every key keeps its versions, oldest first, each with the number of the batch that made it. A
// snapshot is the number of a batch: it sees the newest version not after it. Versions that neither
// a snapshot nor the next one can see go at the next write.
class MemDisk {
 public:
  struct Version {
    int64_t commit;
    std::optional<std::string> value;
  };
  using Table = std::map<std::string, std::vector<Version>, std::less<>>;

  int64_t LastPosition() const {
    std::shared_lock lock(mutex_);
    return synced_position_;
  }

  // The number of the batch, pinned.
  absl::StatusOr<int64_t> Append(const Batch& batch) {
    std::unique_lock lock(mutex_);
    RETURN_IF_ERROR(CheckBatch(batch, position_));
    ++commit_;
    for (const Batch::Op& op : batch.ops) {
      Write(op.space, std::string(op.key),
            op.value.has_value() ? std::optional<std::string>(*op.value) : std::nullopt);
    }
    if (batch.release != nullptr) batch.release();
    Write(Space::kData, std::string(kPositionKey), EncodePosition(batch.position));
    position_ = batch.position;
    pinned_.insert(commit_);
    return commit_;
  }

  void Sync() {
    std::unique_lock lock(mutex_);
    synced_ = commit_;
    synced_position_ = position_;
  }

  int64_t Pin() {
    std::unique_lock lock(mutex_);
    pinned_.insert(synced_);
    return synced_;
  }
  void Unpin(int64_t commit) {
    std::unique_lock lock(mutex_);
    pinned_.erase(pinned_.find(commit));
  }

  std::optional<std::string> Get(Space space, absl::string_view key, int64_t commit) const {
    std::shared_lock lock(mutex_);
    const Table& table = tables_[static_cast<size_t>(space)];
    const auto found = table.find(key);
    const Version* version = found == table.end() ? nullptr : Visible(found->second, commit);
    return version == nullptr ? std::nullopt : version->value;
  }

  // The first entry at or after `key` (after it when `past`) and before `upper`.
  std::optional<std::pair<std::string, std::string>> First(Space space, absl::string_view key,
                                                           bool past, absl::string_view upper,
                                                           int64_t commit) const {
    std::shared_lock lock(mutex_);
    const Table& table = tables_[static_cast<size_t>(space)];
    for (auto at = past ? table.upper_bound(key) : table.lower_bound(key); at != table.end();
         ++at) {
      if (!upper.empty() && at->first >= upper) break;
      if (space == Space::kData && at->first == kPositionKey) continue;
      const Version* version = Visible(at->second, commit);
      if (version != nullptr && version->value.has_value())
        return std::pair(at->first, *version->value);
    }
    return std::nullopt;
  }

  double Entries() const {
    std::shared_lock lock(mutex_);
    size_t entries = 0;
    for (const Table& table : tables_) entries += table.size();
    return static_cast<double>(entries);
  }

 private:
  static const Version* Visible(const std::vector<Version>& versions, int64_t commit) {
    for (auto at = versions.rbegin(); at != versions.rend(); ++at) {
      if (at->commit <= commit) return &*at;
    }
    return nullptr;
  }

  void Write(Space space, const std::string& key, const std::optional<std::string>& value) {
    Table& table = tables_[static_cast<size_t>(space)];
    std::vector<Version>& versions = table[key];
    if (!versions.empty() && versions.back().commit == commit_) versions.pop_back();
    versions.push_back({commit_, value});
    // What the oldest snapshot sees stays, and all after it.
    const int64_t oldest = pinned_.empty() ? synced_ : std::min(synced_, *pinned_.begin());
    auto keep = std::find_if(versions.begin(), versions.end(),
                             [oldest](const Version& version) { return version.commit > oldest; });
    if (keep != versions.begin()) versions.erase(versions.begin(), std::prev(keep));
    if (versions.size() == 1 && !versions.front().value.has_value()) table.erase(key);
  }

  mutable std::shared_mutex mutex_;
  std::array<Table, kSpaces> tables_;
  std::multiset<int64_t> pinned_;
  int64_t commit_ = 0;
  int64_t position_ = 0;
  int64_t synced_ = 0;
  int64_t synced_position_ = 0;
};

namespace {

class MemCursor : public Cursor {
 public:
  MemCursor(const MemDisk& disk, int64_t commit, Space space, absl::string_view lower,
            absl::string_view upper)
      : disk_(disk), commit_(commit), space_(space), lower_(lower), upper_(upper) {
    Seek(lower_);
  }
  bool Valid() const override { return entry_.has_value(); }
  void Next() override {
    const std::string last = std::move(entry_->first);
    entry_ = disk_.First(space_, last, /*past=*/true, upper_, commit_);
  }
  void Seek(absl::string_view key) override {
    entry_ = disk_.First(space_, std::max(key, absl::string_view(lower_)), /*past=*/false, upper_,
                         commit_);
  }
  absl::string_view key() const override { return entry_->first; }
  absl::string_view value() const override { return entry_->second; }
  absl::Status status() const override { return absl::OkStatus(); }

 private:
  const MemDisk& disk_;
  const int64_t commit_;
  const Space space_;
  const std::string lower_;
  const std::string upper_;
  std::optional<std::pair<std::string, std::string>> entry_;
};

class MemSnapshot : public Snapshot {
 public:
  // `commit` is pinned.
  MemSnapshot(std::shared_ptr<MemDisk> disk, int64_t commit)
      : disk_(std::move(disk)), commit_(commit) {}
  ~MemSnapshot() override { disk_->Unpin(commit_); }

  absl::StatusOr<bool> Get(Space space, absl::string_view key, std::string* value) const override {
    std::optional<std::string> found = disk_->Get(space, key, commit_);
    if (!found.has_value()) return false;
    *value = *std::move(found);
    return true;
  }
  absl::Status GetMany(Space space, absl::Span<const std::string> keys,
                       const ManyVisitor& visit) const override {
    for (size_t i = 0; i < keys.size(); ++i) {
      const std::optional<std::string> value = disk_->Get(space, keys[i], commit_);
      ASSIGN_OR_RETURN(
          const bool more,
          visit(i, value.has_value() ? std::optional<absl::string_view>(*value) : std::nullopt));
      if (!more) break;
    }
    return absl::OkStatus();
  }
  std::unique_ptr<Cursor> Scan(Space space, absl::string_view lower,
                               absl::string_view upper) const override {
    return std::make_unique<MemCursor>(*disk_, commit_, space, lower, upper);
  }

 private:
  const std::shared_ptr<MemDisk> disk_;
  const int64_t commit_;
};

class MemEngine : public Engine {
 public:
  explicit MemEngine(std::shared_ptr<MemDisk> disk) : disk_(std::move(disk)) { disk_->Sync(); }

  absl::StatusOr<int64_t> LastPosition() const override { return disk_->LastPosition(); }
  std::unique_ptr<Snapshot> NewSnapshot(Reach /*reach*/) const override {
    return std::make_unique<MemSnapshot>(disk_, disk_->Pin());
  }
  absl::StatusOr<std::unique_ptr<Snapshot>> Append(const Batch& batch) override {
    ASSIGN_OR_RETURN(const int64_t commit, disk_->Append(batch));
    return std::make_unique<MemSnapshot>(disk_, commit);
  }
  absl::Status Sync() override {
    disk_->Sync();
    return absl::OkStatus();
  }
  absl::Status Checkpoint(const std::string& /*dir*/) override {
    return absl::UnimplementedError("an engine in memory has no files");
  }
  absl::StatusOr<Backup> MakeBackup(const BackupOptions& /*options*/) override {
    return absl::UnimplementedError("an engine in memory has no files");
  }
  absl::StatusOr<std::string> VerifyNext(const std::string& /*cursor*/) override {
    return std::string();
  }
  std::vector<Figure> Stats() const override {
    return {{"mem_entries", "Keys that it holds.", disk_->Entries()}};
  }

 private:
  const std::shared_ptr<MemDisk> disk_;
};

}  // namespace

std::shared_ptr<MemDisk> NewMemDisk() {
  return std::make_shared<MemDisk>();
}

std::unique_ptr<Engine> OpenMem(std::shared_ptr<MemDisk> disk) {
  return std::make_unique<MemEngine>(std::move(disk));
}

}  // namespace nisi::store
