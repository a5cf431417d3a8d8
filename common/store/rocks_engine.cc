#include "common/store/rocks_engine.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <mutex>
#include <system_error>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/base/planted.h"
#include "common/base/status.h"
#include "common/store/fail_stop_fs.h"
#include "common/store/log_repair.h"
#include "common/store/log_tail.h"
#include "common/store/position.h"
#include "common/store/rocks_backup.h"
#include "common/store/rocks_settings.h"
#include "common/store/rocks_snapshot.h"
#include "rocksdb/file_checksum.h"
#include "rocksdb/file_system.h"
#include "rocksdb/utilities/checkpoint.h"
#include "rocksdb/write_batch.h"

namespace nisi::store {
namespace {

using Clock = std::chrono::steady_clock;

int64_t Nanos(Clock::duration duration) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(duration).count();
}

using StoreMicros = std::shared_ptr<std::atomic<int64_t>>;
constexpr int64_t kNotSaid = INT64_MIN;

RocksOptions WithStoreTime(RocksOptions options, StoreMicros said) {
  options.now = [clock = std::move(options.now), said = std::move(said)] {
    const int64_t micros = said->load(std::memory_order_relaxed);
    return micros == kNotSaid ? absl::InfinitePast()
                              : std::min(clock(), absl::FromUnixMicros(micros));
  };
  return options;
}

class RocksEngine : public Engine {
 public:
  explicit RocksEngine(const RocksOptions& options)
      : options_(WithStoreTime(options, said_)),
        cache_(rocksdb::NewLRUCache(options.block_cache_bytes, /*num_shard_bits=*/2)) {
    own_env_ = rocksdb::NewCompositeEnv(FailStop(
        options_.file_system != nullptr ? options_.file_system : rocksdb::FileSystem::Default(),
        options_.sync ? LogWrites::kAtOnce : LogWrites::kLater));
    env_ = own_env_.get();
  }

  ~RocksEngine() override {
    if (db_ == nullptr) return;
    appended_ = {};
    committed_ = {};
    for (auto* handle : handles_) db_->DestroyColumnFamilyHandle(handle).PermitUncheckedError();
    db_->Close().PermitUncheckedError();  // Nothing is lost with it: commits are in the log.
  }

  absl::Status Open();

  absl::StatusOr<int64_t> LastPosition() const override {
    const std::lock_guard<std::mutex> lock(mutex_);
    return committed_.position;
  }

  std::unique_ptr<Snapshot> NewSnapshot(Reach reach) const override {
    return MakeSnapshot(Committed().moment, reach);
  }

  absl::StatusOr<std::unique_ptr<Snapshot>> Append(const Batch& batch) override;
  absl::Status Sync() override;
  absl::Status Checkpoint(const std::string& dir) override;
  absl::StatusOr<Backup> MakeBackup(const BackupOptions& options) override {
    return MakeRocksBackup(db_.get(), env_, options);
  }
  absl::StatusOr<std::string> VerifyNext(const std::string& cursor) override;
  std::vector<Figure> Stats() const override;
  void SayTime(absl::Time recorded) override {
    said_->store(absl::ToUnixMicros(recorded), std::memory_order_relaxed);
  }
  absl::StatusOr<std::string> Line() const override {
    std::string line;
    RETURN_IF_ERROR(Mapped(db_->GetDbIdentity(line)));
    return line;
  }
  std::optional<uint64_t> FreeBytes() const override {
    uint64_t bytes = 0;
    if (!env_->GetFreeSpace(options_.dir, &bytes).ok()) return std::nullopt;
    return bytes;
  }

  absl::Status Compact() {
    for (auto* handle : handles_) {
      rocksdb::CompactRangeOptions range;
      range.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForceOptimized;
      RETURN_IF_ERROR(Mapped(db_->CompactRange(range, handle, nullptr, nullptr)));
    }
    return absl::OkStatus();
  }

 private:
  // The database after a batch.
  struct State {
    RocksMoment moment;
    int64_t position = 0;
  };

  State Committed() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return committed_;
  }
  std::unique_ptr<Snapshot> MakeSnapshot(RocksMoment moment, Reach reach) const {
    return MakeRocksSnapshot(db_.get(), handles_, options_.dir, std::move(moment), reach);
  }
  absl::Status Write(const Batch& batch);
  absl::Status Failed(const rocksdb::Status& status);
  absl::Status Mapped(const rocksdb::Status& status) const {
    return ToStatus(status, options_.dir);
  }
  absl::Status CheckFolder() const;
  absl::Status CheckLogs() const;
  absl::Status MendLogs() const;
  absl::Status OpenError(const rocksdb::Status& status) const;
  absl::Status VerifyFile(const rocksdb::LiveFileMetaData& file) const;

  // Bytes of logs in the folder, those that are kept for the next backup too.
  double LogBytes() const;

  const StoreMicros said_ = std::make_shared<std::atomic<int64_t>>(kNotSaid);
  const RocksOptions options_;
  std::unique_ptr<rocksdb::Env> own_env_;
  rocksdb::Env* env_ = nullptr;
  const std::shared_ptr<rocksdb::Cache> cache_;
  RocksHandles handles_{};
  std::unique_ptr<rocksdb::DB> db_;

  mutable std::mutex mutex_;
  State appended_;
  State committed_;
  absl::Status failed_;  // once set, it stays
  std::atomic<int64_t> commits_{0};
  std::atomic<int64_t> written_keys_{0};
  std::atomic<int64_t> written_bytes_{0};
  std::atomic<int64_t> commit_nanos_{0};
  std::atomic<int64_t> commit_failures_{0};
};

// RocksDB makes a new, empty store where CURRENT is absent. Right for a new folder, a catastrophe
// for one whose CURRENT was lost: its files would be swept away as garbage.
absl::Status RocksEngine::CheckFolder() const {
  std::error_code error;
  std::filesystem::create_directories(options_.dir, error);
  if (error) {
    return base::Refusal(
        absl::StatusCode::kFailedPrecondition, "STORE_FOLDER",
        absl::StrCat("Cannot make the data folder ", options_.dir, ": ", error.message(),
                     ". Make it and give it to the user that runs the service."));
  }
  std::vector<std::string> names;
  RETURN_IF_ERROR(Mapped(env_->GetChildren(options_.dir, &names)));
  if (std::find(names.begin(), names.end(), "CURRENT") != names.end()) return absl::OkStatus();
  for (const std::string& name : names) {
    // A first opening that was cut short leaves MANIFEST-000001 and nothing else.
    const bool manifest = absl::StartsWith(name, "MANIFEST-") && name != "MANIFEST-000001";
    if (manifest || absl::EndsWith(name, ".sst") || absl::EndsWith(name, ".log")) {
      return base::Refusal(
          absl::StatusCode::kFailedPrecondition, "STORE_INCOMPLETE",
          absl::StrCat("The data folder ", options_.dir, " holds ", name,
                       " but no CURRENT file: it is damaged or was copied in part. Nothing was "
                       "changed. Restore the folder from a checkpoint or backup."));
    }
  }
  return absl::OkStatus();
}

// Reads the last block of each log, and of the manifest, which is one too, for the damage that
// RocksDB passes over: see log_tail.h.
absl::Status RocksEngine::CheckLogs() const {
  std::vector<std::string> names;
  RETURN_IF_ERROR(Mapped(env_->GetChildren(options_.dir, &names)));
  for (const std::string& name : names) {
    if (!absl::EndsWith(name, ".log") && !absl::StartsWith(name, "MANIFEST-")) continue;
    const std::string path = absl::StrCat(options_.dir, "/", name);
    uint64_t size = 0;
    RETURN_IF_ERROR(Mapped(env_->GetFileSize(path, &size)));
    const uint64_t tail = size % kLogBlockSize;
    std::unique_ptr<rocksdb::RandomAccessFile> file;
    RETURN_IF_ERROR(Mapped(env_->NewRandomAccessFile(path, &file, rocksdb::EnvOptions())));
    std::string buffer(tail, '\0');
    rocksdb::Slice block;
    if (tail > 0) RETURN_IF_ERROR(Mapped(file->Read(size - tail, tail, &block, buffer.data())));
    if (LogTailIsDamaged(ToView(block))) {
      return OpenError(rocksdb::Status::Corruption(name, "the length of a record is damaged"));
    }
    if (absl::EndsWith(name, ".log") && LogTailHasHole(ToView(block))) {
      return OpenError(rocksdb::Status::Corruption(name, "zeros stand in place of a record"));
    }
  }
  return absl::OkStatus();
}

// Of a store that another process has open the log ends anywhere, and it goes on writing: what
// looks unwritten may be a commit by the time it is cut. So it is locked meanwhile, as RocksDB does
// it.
absl::Status RocksEngine::MendLogs() const {
  rocksdb::FileLock* lock = nullptr;
  const rocksdb::Status locked = env_->LockFile(absl::StrCat(options_.dir, "/LOCK"), &lock);
  if (!locked.ok()) return OpenError(locked);
  absl::Status mended = Mapped(CutUnwrittenTails(*env_, options_.dir));
  if (mended.ok()) mended = CheckLogs();
  const rocksdb::Status unlocked = env_->UnlockFile(lock);
  RETURN_IF_ERROR(mended);
  return Mapped(unlocked);
}

absl::Status RocksEngine::OpenError(const rocksdb::Status& status) const {
  const std::string text = status.ToString();
  if (status.IsIOError() && absl::StrContains(text, "/LOCK")) {
    return StoreLocked(options_.dir);
  }
  if (status.IsInvalidArgument() && absl::StrContains(text, "olumn famil")) {
    return base::Refusal(
        absl::StatusCode::kFailedPrecondition, "STORE_NEWER",
        absl::StrCat("The data folder ", options_.dir,
                     " was written by a newer release. Start that release on it."));
  }
  if (status.IsCorruption() || status.IsNotFound() || absl::StrContains(text, "No such file")) {
    return base::Refusal(
        absl::StatusCode::kDataLoss, "STORE_CORRUPT",
        absl::StrCat("The store in ", options_.dir, " is damaged: ", text,
                     ". It was not opened and nothing is served from it. Keep the folder for "
                     "examination and restore the store from a checkpoint or backup."));
  }
  return Mapped(status);
}

absl::Status RocksEngine::Open() {
  RETURN_IF_ERROR(CheckFolder());
  // Else RocksDB reads whatever a damaged one names, be it a folder.
  std::string current;
  if (rocksdb::ReadFileToString(env_, absl::StrCat(options_.dir, "/CURRENT"), &current).ok() &&
      !absl::StartsWith(current, "MANIFEST-")) {
    return OpenError(rocksdb::Status::Corruption("CURRENT names no manifest"));
  }
  RETURN_IF_ERROR(MendLogs());
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* db = nullptr;
  const rocksdb::Status opened = rocksdb::DB::Open(MakeDbOptions(options_, env_), options_.dir,
                                                   MakeFamilies(options_, cache_), &handles, &db);
  if (!opened.ok()) return OpenError(opened);
  db_.reset(db);
  db_->DestroyColumnFamilyHandle(handles[0]).PermitUncheckedError();
  for (size_t i = 0; i < handles_.size(); ++i) handles_[i] = handles[i + 1];

  std::string stored;
  const rocksdb::Status read =
      db_->Get(rocksdb::ReadOptions(), handles_[static_cast<size_t>(Space::kData)],
               ToSlice(kPositionKey), &stored);
  appended_.moment = TakeMoment(db_.get());
  committed_ = appended_;
  if (read.IsNotFound()) return absl::OkStatus();
  if (!read.ok()) return OpenError(read);
  ASSIGN_OR_RETURN(appended_.position, DecodePosition(stored));
  committed_ = appended_;
  return absl::OkStatus();
}

// The outcome is unknown, so nothing may follow.
absl::Status RocksEngine::Failed(const rocksdb::Status& status) {
  ++commit_failures_;
  const std::lock_guard<std::mutex> lock(mutex_);
  if (failed_.ok()) failed_ = Mapped(status);
  return failed_;
}

absl::StatusOr<std::unique_ptr<Snapshot>> RocksEngine::Append(const Batch& batch) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    RETURN_IF_ERROR(failed_);
    RETURN_IF_ERROR(CheckBatch(batch, appended_.position));
  }
  RETURN_IF_ERROR(Write(batch));
  State state{TakeMoment(db_.get()), batch.position};
  std::unique_ptr<Snapshot> snapshot = MakeSnapshot(state.moment, Reach::kDisk);
  const std::lock_guard<std::mutex> lock(mutex_);
  std::swap(appended_, state);
  return snapshot;
}

absl::Status RocksEngine::Sync() {
  State state;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    RETURN_IF_ERROR(failed_);
    state = appended_;
  }
  const auto begin = Clock::now();
  if (options_.sync && !base::Planted("sync-off")) {
    const rocksdb::Status status = db_->SyncWAL();
    if (!status.ok()) return Failed(status);
  }
  commit_nanos_ += Nanos(Clock::now() - begin);
  ++commits_;
  const std::lock_guard<std::mutex> lock(mutex_);
  std::swap(committed_, state);
  return absl::OkStatus();
}

absl::Status RocksEngine::Write(const Batch& batch) {
  size_t bytes = 64;
  for (const Batch::Op& op : batch.ops) {
    bytes += op.key.size() + (op.value.has_value() ? op.value->size() : 0) + 16;
  }
  rocksdb::WriteBatch writes(bytes, /*max_bytes=*/0, kProtectionBytesPerKey,
                             /*default_cf_ts_sz=*/0);
  rocksdb::Status status;
  for (const Batch::Op& op : batch.ops) {
    auto* family = handles_[static_cast<size_t>(op.space)];
    status = op.value.has_value() ? writes.Put(family, ToSlice(op.key), ToSlice(*op.value))
                                  : writes.Delete(family, ToSlice(op.key));
    if (!status.ok()) break;
  }
  if (status.ok()) {
    status = writes.Put(handles_[static_cast<size_t>(Space::kData)], ToSlice(kPositionKey),
                        EncodePosition(batch.position));
  }
  const auto keys = static_cast<int64_t>(batch.ops.size()) + 1;
  if (batch.release != nullptr) batch.release();
  const auto begin = Clock::now();
  if (status.ok()) status = db_->Write(rocksdb::WriteOptions(), &writes);
  if (!status.ok()) return Failed(status);
  commit_nanos_ += Nanos(Clock::now() - begin);
  written_keys_ += keys;
  written_bytes_ += static_cast<int64_t>(writes.GetDataSize());
  return absl::OkStatus();
}

absl::Status RocksEngine::Checkpoint(const std::string& dir) {
  if (env_->FileExists(dir).ok()) {
    return base::Refusal(absl::StatusCode::kAlreadyExists, "CHECKPOINT_EXISTS",
                         absl::StrCat("The folder ", dir, " exists: name one that does not."));
  }
  // Flushed first, so that the copy depends on the log as little as can be: a hard-linked log is
  // not synced (fixed in 9.4).
  RETURN_IF_ERROR(Mapped(db_->Flush(rocksdb::FlushOptions(), {handles_.begin(), handles_.end()})));
  rocksdb::Checkpoint* raw = nullptr;
  RETURN_IF_ERROR(Mapped(rocksdb::Checkpoint::Create(db_.get(), &raw)));
  const std::unique_ptr<rocksdb::Checkpoint> checkpoint(raw);
  RETURN_IF_ERROR(Mapped(checkpoint->CreateCheckpoint(dir, /*log_size_for_flush=*/0)));
  return Mapped(db_->SyncWAL());  // it may hold a batch that was being synced
}

absl::StatusOr<std::string> RocksEngine::VerifyNext(const std::string& cursor) {
  // Files are kept while one is read, even when a compaction has done with it.
  RETURN_IF_ERROR(Mapped(db_->DisableFileDeletions()));
  std::vector<rocksdb::LiveFileMetaData> files;
  db_->GetLiveFilesMetaData(&files);
  const rocksdb::LiveFileMetaData* next = nullptr;
  for (const auto& file : files) {
    if (file.relative_filename <= cursor) continue;
    if (next == nullptr || file.relative_filename < next->relative_filename) next = &file;
  }
  const absl::Status verified = next == nullptr ? absl::OkStatus() : VerifyFile(*next);
  const absl::Status enabled = Mapped(db_->EnableFileDeletions(/*force=*/false));
  RETURN_IF_ERROR(verified);
  RETURN_IF_ERROR(enabled);
  return next == nullptr ? std::string() : next->relative_filename;
}

// Reads the file whole and compares it with the checksum that the manifest has of it since it was
// written.
absl::Status RocksEngine::VerifyFile(const rocksdb::LiveFileMetaData& file) const {
  rocksdb::FileChecksumGenContext context;
  context.file_name = file.relative_filename;
  context.requested_checksum_func_name = file.file_checksum_func_name;
  const auto generator =
      rocksdb::GetFileChecksumGenCrc32cFactory()->CreateFileChecksumGenerator(context);
  if (generator == nullptr || file.file_checksum.empty()) {
    return base::StoreCorrupt(absl::StrCat(file.relative_filename, " has no checksum"));
  }
  std::unique_ptr<rocksdb::SequentialFile> input;
  const std::string path = absl::StrCat(file.directory, "/", file.relative_filename);
  rocksdb::Status status = env_->NewSequentialFile(path, &input, rocksdb::EnvOptions());
  std::string buffer(size_t{256} << 10, '\0');
  uint64_t read = 0;
  while (status.ok()) {
    rocksdb::Slice piece;
    status = input->Read(buffer.size(), &piece, buffer.data());
    if (!status.ok() || piece.empty()) break;
    generator->Update(piece.data(), piece.size());
    read += piece.size();
  }
  if (status.IsPathNotFound() || status.IsNotFound()) {
    return base::StoreCorrupt(absl::StrCat(file.relative_filename, " is missing"));
  }
  RETURN_IF_ERROR(Mapped(status));
  generator->Finalize();
  if (read != file.size || generator->GetChecksum() != file.file_checksum) {
    return base::StoreCorrupt(absl::StrCat(file.relative_filename,
                                           " differs from what was written (",
                                           file.column_family_name, ", ", read, " bytes)"));
  }
  return absl::OkStatus();
}

double RocksEngine::LogBytes() const {
  uint64_t bytes = 0;
  for (const char* within : {"", "/archive"}) {
    const std::string dir = absl::StrCat(options_.dir, within);
    std::vector<std::string> names;
    env_->GetChildren(dir, &names).PermitUncheckedError();  // none where no log was kept yet
    for (const std::string& name : names) {
      uint64_t size = 0;
      // One that goes meanwhile counts for nothing.
      if (absl::EndsWith(name, ".log") &&
          env_->GetFileSize(absl::StrCat(dir, "/", name), &size).ok()) {
        bytes += size;
      }
    }
  }
  return static_cast<double>(bytes);
}

std::vector<Figure> RocksEngine::Stats() const {
  const auto sum = [this](const std::string& property) {
    uint64_t value = 0;
    db_->GetAggregatedIntProperty(property, &value);
    return static_cast<double>(value);
  };
  uint64_t background_errors = 0;
  db_->GetIntProperty(rocksdb::DB::Properties::kBackgroundErrors, &background_errors);
  double level0_files = 0;
  for (auto* handle : handles_) {
    std::string files;
    if (db_->GetProperty(handle, rocksdb::DB::Properties::kNumFilesAtLevelPrefix + "0", &files)) {
      level0_files += std::stod(files);
    }
  }
  std::vector<Figure> figures{
      {"rocksdb_estimate_live_bytes", "Bytes of live records, as RocksDB estimates them.",
       sum(rocksdb::DB::Properties::kEstimateLiveDataSize)},
      {"rocksdb_table_file_bytes", "Bytes of all table files.",
       sum(rocksdb::DB::Properties::kTotalSstFilesSize)},
      {"rocksdb_memtable_bytes", "Bytes of what is not yet in table files.",
       sum(rocksdb::DB::Properties::kCurSizeAllMemTables)},
      {"rocksdb_block_cache_bytes", "Bytes in the block cache.",
       static_cast<double>(cache_->GetUsage())},
      {"rocksdb_pending_compaction_bytes", "Bytes that wait to be compacted.",
       sum(rocksdb::DB::Properties::kEstimatePendingCompactionBytes)},
      {"rocksdb_level0_files", "Table files that compaction has not taken in.", level0_files},
      {"rocksdb_background_errors_total", "Errors of flushes and compactions since the start.",
       static_cast<double>(background_errors)},
      {"rocksdb_commits_total", "Synced commits.", static_cast<double>(commits_.load())},
      {"rocksdb_written_keys_total", "Keys that commits have written.",
       static_cast<double>(written_keys_.load())},
      {"rocksdb_written_bytes_total", "Bytes that commits have written to the log.",
       static_cast<double>(written_bytes_.load())},
      {"rocksdb_commit_failures_total", "Commits that failed: the first stops the store.",
       static_cast<double>(commit_failures_.load())},
      {"rocksdb_commit_seconds_total", "Time spent in writing and syncing commits.",
       static_cast<double>(commit_nanos_.load()) * 1e-9},
  };
  if (options_.keep_logs) {
    figures.push_back(
        {"kept_log_bytes", "Bytes of the log, which no backup has taken yet.", LogBytes()});
    figures.push_back({"kept_log_limit_bytes",
                       "How many of them are kept at most; then the oldest go without a backup.",
                       static_cast<double>(KeptLogBoundAt(options_.dir))});
  }
  return figures;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Engine>> OpenRocks(const RocksOptions& options) {
  auto engine = std::make_unique<RocksEngine>(options);
  RETURN_IF_ERROR(engine->Open());
  return engine;
}

absl::Status StoreLocked(const std::string& dir) {
  return base::Refusal(
      absl::StatusCode::kFailedPrecondition, "STORE_LOCKED",
      absl::StrCat("The data folder ", dir,
                   " is in use by another process, or its LOCK file cannot be written. Stop the "
                   "other process, or give this one a folder of its own."));
}

absl::Status CompactRocks(Engine& engine) {
  auto* rocks = dynamic_cast<RocksEngine*>(&engine);
  if (rocks == nullptr) return absl::InvalidArgumentError("not an engine over RocksDB");
  return rocks->Compact();
}

}  // namespace nisi::store
