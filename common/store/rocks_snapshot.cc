#include "common/store/rocks_snapshot.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "common/base/status.h"
#include "common/store/rocks_settings.h"
#include "rocksdb/perf_level.h"

namespace nisi::store {
namespace {

class RocksCursor : public Cursor {
 public:
  RocksCursor(rocksdb::DB* db, rocksdb::ColumnFamilyHandle* family, rocksdb::ReadOptions read,
              const std::string& dir, Space space, absl::string_view lower, absl::string_view upper)
      : dir_(dir), lower_(lower), upper_(upper), upper_slice_(upper_) {
    passes_reserved_ =
        space == Space::kData && lower <= kPositionKey && (upper.empty() || kPositionKey < upper);
    if (!upper_.empty()) read.iterate_upper_bound = &upper_slice_;
    iterator_.reset(db->NewIterator(read, family));
    iterator_->Seek(lower_);
    PassReserved();
  }

  bool Valid() const override { return iterator_->Valid(); }
  void Next() override {
    iterator_->Next();
    PassReserved();
  }
  void Seek(absl::string_view key) override {
    iterator_->Seek(ToSlice(std::max(key, absl::string_view(lower_))));
    PassReserved();
  }
  absl::string_view key() const override { return ToView(iterator_->key()); }
  absl::string_view value() const override { return ToView(iterator_->value()); }
  absl::Status status() const override { return ToStatus(iterator_->status(), dir_); }

 private:
  void PassReserved() {
    if (passes_reserved_ && iterator_->Valid() && key() == kPositionKey) iterator_->Next();
  }

  const std::string& dir_;
  const std::string lower_;
  const std::string upper_;
  const rocksdb::Slice upper_slice_;  // The iterator points at it.
  bool passes_reserved_ = false;
  std::unique_ptr<rocksdb::Iterator> iterator_;
};

class RocksSnapshot : public Snapshot {
 public:
  RocksSnapshot(rocksdb::DB* db, const RocksHandles& handles, const std::string& dir,
                RocksMoment moment, Reach reach)
      : db_(db), handles_(handles), dir_(dir), moment_(std::move(moment)) {
    // RocksDB counts every comparison of keys for whoever asks, which nobody does, and looks for
    // the counters of the thread each time. It is set for the thread.
    rocksdb::SetPerfLevel(rocksdb::PerfLevel::kDisable);
    read_.snapshot = moment_.get();
    read_.verify_checksums = true;
    // We delete no ranges. With them in mind, an iterator of 7.8.3 that meets damage in the first
    // block of a file passes over the whole file and says OK at the end (fixed in 8.6).
    read_.ignore_range_deletions = true;
    if (reach == Reach::kMemory) read_.read_tier = rocksdb::kBlockCacheTier;
    read_.fill_cache = reach != Reach::kDiskInPassing;
  }

  absl::StatusOr<bool> Get(Space space, absl::string_view key, std::string* value) const override {
    value->clear();
    const rocksdb::Status status = db_->Get(read_, Family(space), ToSlice(key), value);
    if (status.IsNotFound()) return false;
    RETURN_IF_ERROR(ToStatus(status, dir_));
    // From memory alone, 7.8.3 says OK with nothing where the key's file is not open (fixed
    // in 9.1). A value that is truly empty is then read once more from the disk.
    if (read_.read_tier == rocksdb::kBlockCacheTier && value->empty()) return NotInMemory();
    return true;
  }

  absl::Status GetMany(Space space, absl::Span<const std::string> keys,
                       const ManyVisitor& visit) const override {
    if (keys.empty()) return absl::OkStatus();
    const std::vector<rocksdb::Slice> slices(keys.begin(), keys.end());
    std::vector<rocksdb::PinnableSlice> values(keys.size());
    std::vector<rocksdb::Status> statuses(keys.size());
    db_->MultiGet(read_, Family(space), keys.size(), slices.data(), values.data(), statuses.data(),
                  /*sorted_input=*/std::is_sorted(keys.begin(), keys.end()));
    for (size_t i = 0; i < keys.size(); ++i) {
      std::optional<absl::string_view> value;
      if (!statuses[i].IsNotFound()) {
        RETURN_IF_ERROR(ToStatus(statuses[i], dir_));
        value = ToView(values[i]);
      }
      ASSIGN_OR_RETURN(const bool more, visit(i, value));
      if (!more) break;
    }
    return absl::OkStatus();
  }

  std::unique_ptr<Cursor> Scan(Space space, absl::string_view lower,
                               absl::string_view upper) const override {
    return std::make_unique<RocksCursor>(db_, Family(space), read_, dir_, space, lower, upper);
  }

 private:
  rocksdb::ColumnFamilyHandle* Family(Space space) const {
    return handles_[static_cast<size_t>(space)];
  }

  rocksdb::DB* const db_;
  const RocksHandles& handles_;
  const std::string& dir_;
  const RocksMoment moment_;
  rocksdb::ReadOptions read_;
};

}  // namespace

RocksMoment TakeMoment(rocksdb::DB* db) {
  return {db->GetSnapshot(),
          [db](const rocksdb::Snapshot* snapshot) { db->ReleaseSnapshot(snapshot); }};
}

std::unique_ptr<Snapshot> MakeRocksSnapshot(rocksdb::DB* db, const RocksHandles& handles,
                                            const std::string& dir, RocksMoment moment,
                                            Reach reach) {
  return std::make_unique<RocksSnapshot>(db, handles, dir, std::move(moment), reach);
}

}  // namespace nisi::store
