#include "common/store/fault_fs.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <map>
#include <mutex>
#include <random>
#include <thread>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "rocksdb/file_system.h"

namespace nisi::store {
namespace {

using rocksdb::FileOptions;
using rocksdb::FileSystem;
using rocksdb::FSDirectory;
using rocksdb::FSRandomAccessFile;
using rocksdb::FSSequentialFile;
using rocksdb::FSWritableFile;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

absl::string_view BaseName(absl::string_view path) {
  return path.substr(path.rfind('/') + 1);
}

// RocksDB's log of messages.
bool IsMessages(absl::string_view path) {
  return absl::StartsWith(BaseName(path), "LOG");
}

// As POSIX files of RocksDB report them.
IOStatus ErrorOf(FaultKind kind, absl::string_view what) {
  const std::string text = absl::StrCat("injected: ", what);
  IOStatus status = kind == FaultKind::kEnospc ? IOStatus::NoSpace(text) : IOStatus::IOError(text);
  status.SetRetryable(kind == FaultKind::kEnospc || kind == FaultKind::kPassing);
  return status;
}

// Bytes come by the page: that fewer than so many are missing is too rare to matter.
constexpr size_t kLeastZeros = 16;

// The bytes of a file that the disk does not have yet.
struct Unsynced {
  std::mutex mutex;
  std::string tail;
  uint64_t on_disk = 0;   // bytes before the tail
  bool deceived = false;  // a sync has failed: nothing more gets to the disk
};

}  // namespace

class FaultFileSystem : public rocksdb::FileSystemWrapper {
 public:
  explicit FaultFileSystem(const FaultPlan& plan);
  const char* Name() const override { return "FaultFileSystem"; }

  IOStatus NewSequentialFile(const std::string& name, const FileOptions& options,
                             std::unique_ptr<FSSequentialFile>* result,
                             IODebugContext* debug) override;
  IOStatus NewRandomAccessFile(const std::string& name, const FileOptions& options,
                               std::unique_ptr<FSRandomAccessFile>* result,
                               IODebugContext* debug) override;
  IOStatus NewWritableFile(const std::string& name, const FileOptions& options,
                           std::unique_ptr<FSWritableFile>* result, IODebugContext* debug) override;
  IOStatus NewDirectory(const std::string& name, const IOOptions& options,
                        std::unique_ptr<FSDirectory>* result, IODebugContext* debug) override;
  IOStatus DeleteFile(const std::string& name, const IOOptions& options,
                      IODebugContext* debug) override;
  IOStatus RenameFile(const std::string& from, const std::string& to, const IOOptions& options,
                      IODebugContext* debug) override;
  IOStatus LinkFile(const std::string& from, const std::string& to, const IOOptions& options,
                    IODebugContext* debug) override;
  IOStatus FileExists(const std::string& name, const IOOptions& options,
                      IODebugContext* debug) override;
  IOStatus GetChildren(const std::string& name, const IOOptions& options,
                       std::vector<std::string>* result, IODebugContext* debug) override;
  IOStatus GetFileSize(const std::string& name, const IOOptions& options, uint64_t* size,
                       IODebugContext* debug) override;
  IOStatus GetFreeSpace(const std::string& path, const IOOptions& options, uint64_t* bytes,
                        IODebugContext* debug) override {
    const int64_t told = free_space.load();
    if (told < 0) return target()->GetFreeSpace(path, options, bytes, debug);
    *bytes = static_cast<uint64_t>(told);
    return IOStatus::OK();
  }
  // Not used by the store.
  IOStatus ReopenWritableFile(const std::string&, const FileOptions&,
                              std::unique_ptr<FSWritableFile>*, IODebugContext*) override {
    return IOStatus::NotSupported("fault disk");
  }
  IOStatus ReuseWritableFile(const std::string&, const std::string&, const FileOptions&,
                             std::unique_ptr<FSWritableFile>*, IODebugContext*) override {
    return IOStatus::NotSupported("fault disk");
  }
  IOStatus NewRandomRWFile(const std::string&, const FileOptions&,
                           std::unique_ptr<rocksdb::FSRandomRWFile>*, IODebugContext*) override {
    return IOStatus::NotSupported("fault disk");
  }

  // Counts a call; not OK when it is to fail. kShort comes as OK with *half set: do half of it,
  // then fail.
  IOStatus Gate(FaultOp op, const std::string& file, bool* half = nullptr);
  bool cut() const { return plan_.cut; }
  void HoldSyncs(bool held) {
    const std::lock_guard<std::mutex> lock(mutex_);
    held_ = held;
    released_.notify_all();
  }
  void WaitWhileHeld() {
    std::unique_lock<std::mutex> lock(mutex_);
    released_.wait(lock, [this] { return !held_; });
  }
  void WaitForDisk();
  uint64_t Random(uint64_t below);
  void FolderSynced(const std::string& name);

  std::atomic<int64_t> calls{0};
  std::atomic<int64_t> failures{0};
  std::atomic<int64_t> free_space{-1};  // negative: the truth
  std::string first_failure() const;

 private:
  std::shared_ptr<Unsynced> UnsyncedOf(const std::string& name) const;
  // What a reader sees of a file that the disk does not have whole; false: read the disk.
  bool Contents(const std::string& name, std::string* contents);

  const FaultPlan plan_;
  mutable std::mutex mutex_;  // of what follows
  std::string first_failure_;
  bool held_ = false;
  std::condition_variable released_;
  std::mt19937_64 random_;
  std::unique_ptr<EntryNotes> notes_;                          // null: no power cut is wanted
  std::map<std::string, std::shared_ptr<Unsynced>> unsynced_;  // of files written here, by name
};

namespace {

class WrittenFile : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  WrittenFile(std::unique_ptr<FSWritableFile>&& file, std::string name,
              std::shared_ptr<Unsynced> unsynced, FaultFileSystem* disk)
      : FSWritableFileOwnerWrapper(std::move(file)),
        name_(std::move(name)),
        unsynced_(std::move(unsynced)),
        disk_(disk) {}

  IOStatus Append(const Slice& data, const IOOptions& options, IODebugContext* debug) override {
    bool half = false;
    if (IOStatus status = disk_->Gate(FaultOp::kAppend, name_, &half); !status.ok()) return status;
    const Slice written(data.data(), half ? data.size() / 2 : data.size());
    if (IOStatus status = Keep(written, options, debug); !status.ok()) return status;
    return half ? ErrorOf(FaultKind::kShort, absl::StrCat("append ", name_)) : IOStatus::OK();
  }
  IOStatus Append(const Slice& data, const IOOptions& options,
                  const rocksdb::DataVerificationInfo& /*info*/, IODebugContext* debug) override {
    return Append(data, options, debug);
  }
  IOStatus Sync(const IOOptions& options, IODebugContext* debug) override {
    disk_->WaitWhileHeld();
    if (IOStatus status = disk_->Gate(FaultOp::kSync, name_); !status.ok()) {
      const std::lock_guard<std::mutex> lock(unsynced_->mutex);
      unsynced_->deceived = true;
      return status;
    }
    return disk_->cut() ? Drain(options, debug) : FSWritableFileOwnerWrapper::Sync(options, debug);
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    return Sync(options, debug);
  }
  IOStatus Close(const IOOptions& options, IODebugContext* debug) override {
    const IOStatus gate = disk_->Gate(FaultOp::kClose, name_);
    const IOStatus status = FSWritableFileOwnerWrapper::Close(options, debug);
    return gate.ok() ? status : gate;
  }
  // The kernel may, or may not.
  IOStatus Flush(const IOOptions&, IODebugContext*) override { return IOStatus::OK(); }
  IOStatus RangeSync(uint64_t, uint64_t, const IOOptions&, IODebugContext*) override {
    return IOStatus::OK();
  }
  // Room set aside is taken for real where the folder is in memory, and proves nothing.
  void PrepareWrite(size_t, size_t, const IOOptions&, IODebugContext*) override {}
  IOStatus Allocate(uint64_t, uint64_t, const IOOptions&, IODebugContext*) override {
    return IOStatus::OK();
  }
  IOStatus PositionedAppend(const Slice&, uint64_t, const IOOptions&, IODebugContext*) override {
    return IOStatus::NotSupported("fault disk");
  }
  IOStatus Truncate(uint64_t size, const IOOptions&, IODebugContext*) override {
    const std::lock_guard<std::mutex> lock(unsynced_->mutex);
    return size == unsynced_->on_disk + unsynced_->tail.size()
               ? IOStatus::OK()
               : IOStatus::NotSupported("fault disk");
  }
  uint64_t GetFileSize(const IOOptions&, IODebugContext*) override {
    const std::lock_guard<std::mutex> lock(unsynced_->mutex);
    return unsynced_->on_disk + unsynced_->tail.size();
  }

 private:
  IOStatus Keep(const Slice& data, const IOOptions& options, IODebugContext* debug) {
    const std::lock_guard<std::mutex> lock(unsynced_->mutex);
    if (disk_->cut()) {
      unsynced_->tail.append(data.data(), data.size());
      return IOStatus::OK();
    }
    const IOStatus status = FSWritableFileOwnerWrapper::Append(data, options, debug);
    if (status.ok()) unsynced_->on_disk += data.size();
    return status;
  }

  IOStatus Drain(const IOOptions& options, IODebugContext* debug) {
    uint64_t end = 0;
    {
      const std::lock_guard<std::mutex> lock(unsynced_->mutex);
      end = unsynced_->on_disk + unsynced_->tail.size();
      WriteBack(options, debug);
    }
    disk_->WaitForDisk();
    const std::lock_guard<std::mutex> lock(unsynced_->mutex);  // Another sync may have come first.
    return end > unsynced_->on_disk ? ToDisk(end - unsynced_->on_disk, options, debug)
                                    : IOStatus::OK();
  }

  // What the kernel wrote by itself before it was asked to. A kill may come right after.
  void WriteBack(const IOOptions& options, IODebugContext* debug) {
    const size_t size = unsynced_->tail.size();
    if (size == 0 || disk_->Random(2) == 0) return;
    ToDisk(disk_->Random(size + 1), options, debug).PermitUncheckedError();
    // The size of a file may get there before its bytes, which are zeros until then.
    const size_t zeros = disk_->Random(unsynced_->tail.size() + 1);
    if (disk_->Random(4) != 0 || zeros < kLeastZeros || unsynced_->deceived) return;
    if (truncate(name_.c_str(), static_cast<off_t>(unsynced_->on_disk + zeros)) != 0) return;
  }

  IOStatus ToDisk(size_t size, const IOOptions& options, IODebugContext* debug) {
    if (size == 0 || unsynced_->deceived) return IOStatus::OK();
    const IOStatus status =
        FSWritableFileOwnerWrapper::Append(Slice(unsynced_->tail.data(), size), options, debug);
    if (!status.ok()) return status;
    unsynced_->tail.erase(0, size);
    unsynced_->on_disk += size;
    return status;
  }

  const std::string name_;
  const std::shared_ptr<Unsynced> unsynced_;
  FaultFileSystem* const disk_;
};

// Reads that may fail, of the disk.
class ReadFile : public rocksdb::FSSequentialFileOwnerWrapper {
 public:
  ReadFile(std::unique_ptr<FSSequentialFile>&& file, std::string name, FaultFileSystem* disk)
      : FSSequentialFileOwnerWrapper(std::move(file)), name_(std::move(name)), disk_(disk) {}
  IOStatus Read(size_t n, const IOOptions& options, Slice* result, char* scratch,
                IODebugContext* debug) override {
    if (IOStatus status = disk_->Gate(FaultOp::kRead, name_); !status.ok()) return status;
    return FSSequentialFileOwnerWrapper::Read(n, options, result, scratch, debug);
  }

 private:
  const std::string name_;
  FaultFileSystem* const disk_;
};

class RandomReadFile : public rocksdb::FSRandomAccessFileOwnerWrapper {
 public:
  RandomReadFile(std::unique_ptr<FSRandomAccessFile>&& file, std::string name,
                 FaultFileSystem* disk)
      : FSRandomAccessFileOwnerWrapper(std::move(file)), name_(std::move(name)), disk_(disk) {}
  IOStatus Read(uint64_t offset, size_t n, const IOOptions& options, Slice* result, char* scratch,
                IODebugContext* debug) const override {
    if (IOStatus status = disk_->Gate(FaultOp::kRead, name_); !status.ok()) return status;
    return FSRandomAccessFileOwnerWrapper::Read(offset, n, options, result, scratch, debug);
  }
  IOStatus MultiRead(rocksdb::FSReadRequest* requests, size_t count, const IOOptions& options,
                     IODebugContext* debug) override {
    if (IOStatus status = disk_->Gate(FaultOp::kRead, name_); !status.ok()) return status;
    return FSRandomAccessFileOwnerWrapper::MultiRead(requests, count, options, debug);
  }

 private:
  const std::string name_;
  FaultFileSystem* const disk_;
};

// A file as its readers see it while the disk does not have it whole.
size_t CopyPiece(const std::string& bytes, uint64_t offset, size_t n, Slice* result,
                 char* scratch) {
  const size_t from = std::min<uint64_t>(offset, bytes.size());
  const size_t size = std::min(n, bytes.size() - from);
  std::memcpy(scratch, bytes.data() + from, size);
  *result = Slice(scratch, size);
  return size;
}

class MemoryFile : public FSSequentialFile {
 public:
  explicit MemoryFile(std::string bytes) : bytes_(std::move(bytes)) {}
  IOStatus Read(size_t n, const IOOptions&, Slice* result, char* scratch,
                IODebugContext*) override {
    at_ += CopyPiece(bytes_, at_, n, result, scratch);
    return IOStatus::OK();
  }
  IOStatus Skip(uint64_t n) override {
    at_ += n;
    return IOStatus::OK();
  }

 private:
  const std::string bytes_;
  uint64_t at_ = 0;
};

class RandomMemoryFile : public FSRandomAccessFile {
 public:
  explicit RandomMemoryFile(std::string bytes) : bytes_(std::move(bytes)) {}
  IOStatus Read(uint64_t offset, size_t n, const IOOptions&, Slice* result, char* scratch,
                IODebugContext*) const override {
    CopyPiece(bytes_, offset, n, result, scratch);
    return IOStatus::OK();
  }

 private:
  const std::string bytes_;
};

class Folder : public rocksdb::FSDirectoryWrapper {
 public:
  Folder(std::unique_ptr<FSDirectory>&& folder, std::string name, FaultFileSystem* disk)
      : FSDirectoryWrapper(std::move(folder)), name_(std::move(name)), disk_(disk) {}
  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    if (IOStatus status = disk_->Gate(FaultOp::kDirSync, name_); !status.ok()) return status;
    if (!disk_->cut()) return FSDirectoryWrapper::Fsync(options, debug);
    disk_->WaitForDisk();
    disk_->FolderSynced(name_);
    return IOStatus::OK();
  }
  IOStatus FsyncWithDirOptions(const IOOptions& options, IODebugContext* debug,
                               const rocksdb::DirFsyncOptions& /*reason*/) override {
    return Fsync(options, debug);
  }

 private:
  const std::string name_;
  FaultFileSystem* const disk_;
};

}  // namespace

FaultFileSystem::FaultFileSystem(const FaultPlan& plan)
    : FileSystemWrapper(FileSystem::Default()), plan_(plan), random_(plan.seed) {
  if (plan_.cut) notes_ = std::make_unique<EntryNotes>(plan_.notes);
}

IOStatus FaultFileSystem::Gate(FaultOp op, const std::string& file, bool* half) {
  const absl::string_view base = BaseName(file);
  if (!plan_.Names(op) || !absl::EndsWith(base, plan_.files)) return IOStatus::OK();
  const int64_t call = ++calls;
  if (plan_.at == 0 || call < plan_.at) return IOStatus::OK();
  if (plan_.times != 0 && call >= plan_.at + plan_.times) return IOStatus::OK();
  const std::string what = absl::StrCat(NameOf(op), " ", base);
  if (++failures == 1) {
    const std::lock_guard<std::mutex> lock(mutex_);
    first_failure_ = what;
  }
  if (plan_.kind == FaultKind::kKill) kill(getpid(), SIGKILL);
  if (plan_.kind == FaultKind::kShort && half != nullptr) {
    *half = true;
    return IOStatus::OK();
  }
  return ErrorOf(plan_.kind, what);
}

void FaultFileSystem::WaitForDisk() {
  if (plan_.sync_us == 0) return;
  const auto wait = Random(static_cast<uint64_t>(plan_.sync_us) + 1);
  std::this_thread::sleep_for(std::chrono::microseconds(wait));
}

uint64_t FaultFileSystem::Random(uint64_t below) {
  const std::lock_guard<std::mutex> lock(mutex_);
  return random_() % below;
}

void FaultFileSystem::FolderSynced(const std::string& name) {
  const std::lock_guard<std::mutex> lock(mutex_);
  notes_->Synced(name);
}

std::string FaultFileSystem::first_failure() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return first_failure_;
}

std::shared_ptr<Unsynced> FaultFileSystem::UnsyncedOf(const std::string& name) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto found = unsynced_.find(name);
  return found == unsynced_.end() ? nullptr : found->second;
}

bool FaultFileSystem::Contents(const std::string& name, std::string* contents) {
  const std::shared_ptr<Unsynced> unsynced = UnsyncedOf(name);
  if (unsynced == nullptr) return false;
  const std::lock_guard<std::mutex> lock(unsynced->mutex);
  if (unsynced->tail.empty()) return false;
  std::unique_ptr<FSSequentialFile> file;
  contents->resize(unsynced->on_disk);
  Slice read;
  if (!target()->NewSequentialFile(name, FileOptions(), &file, nullptr).ok() ||
      !file->Read(contents->size(), IOOptions(), &read, contents->data(), nullptr).ok() ||
      read.size() != contents->size()) {
    return false;
  }
  *contents += unsynced->tail;
  return true;
}

IOStatus FaultFileSystem::NewSequentialFile(const std::string& name, const FileOptions& options,
                                            std::unique_ptr<FSSequentialFile>* result,
                                            IODebugContext* debug) {
  if (IOStatus status = Gate(FaultOp::kLook, name); !status.ok()) return status;
  std::string contents;
  if (Contents(name, &contents)) {
    *result = std::make_unique<MemoryFile>(std::move(contents));
    return IOStatus::OK();
  }
  const IOStatus status = target()->NewSequentialFile(name, options, result, debug);
  if (status.ok()) *result = std::make_unique<ReadFile>(std::move(*result), name, this);
  return status;
}

IOStatus FaultFileSystem::NewRandomAccessFile(const std::string& name, const FileOptions& options,
                                              std::unique_ptr<FSRandomAccessFile>* result,
                                              IODebugContext* debug) {
  if (IOStatus status = Gate(FaultOp::kLook, name); !status.ok()) return status;
  std::string contents;
  if (Contents(name, &contents)) {
    *result = std::make_unique<RandomMemoryFile>(std::move(contents));
    return IOStatus::OK();
  }
  const IOStatus status = target()->NewRandomAccessFile(name, options, result, debug);
  if (status.ok()) *result = std::make_unique<RandomReadFile>(std::move(*result), name, this);
  return status;
}

IOStatus FaultFileSystem::NewWritableFile(const std::string& name, const FileOptions& options,
                                          std::unique_ptr<FSWritableFile>* result,
                                          IODebugContext* debug) {
  if (IsMessages(name)) return target()->NewWritableFile(name, options, result, debug);
  // What has this name is another file from now on; its entry is what a power cut brings back.
  if (cut() && target()->FileExists(name, IOOptions(), debug).ok()) {
    if (IOStatus status = DeleteFile(name, IOOptions(), debug); !status.ok()) return status;
  }
  if (IOStatus status = Gate(FaultOp::kCreate, name); !status.ok()) return status;
  auto unsynced = std::make_shared<Unsynced>();
  const std::lock_guard<std::mutex> lock(mutex_);
  if (notes_ != nullptr) notes_->Create(name);
  const IOStatus status = target()->NewWritableFile(name, options, result, debug);
  if (!status.ok()) return status;
  unsynced_[name] = unsynced;
  *result = std::make_unique<WrittenFile>(std::move(*result), name, std::move(unsynced), this);
  return status;
}

IOStatus FaultFileSystem::NewDirectory(const std::string& name, const IOOptions& options,
                                       std::unique_ptr<FSDirectory>* result,
                                       IODebugContext* debug) {
  if (IOStatus status = Gate(FaultOp::kLook, name); !status.ok()) return status;
  const IOStatus status = target()->NewDirectory(name, options, result, debug);
  if (status.ok()) *result = std::make_unique<Folder>(std::move(*result), name, this);
  return status;
}

IOStatus FaultFileSystem::DeleteFile(const std::string& name, const IOOptions& options,
                                     IODebugContext* debug) {
  if (IsMessages(name)) return target()->DeleteFile(name, options, debug);
  if (IOStatus status = Gate(FaultOp::kDelete, name); !status.ok()) return status;
  const std::lock_guard<std::mutex> lock(mutex_);
  if (notes_ == nullptr) return target()->DeleteFile(name, options, debug);
  if (const IOStatus there = target()->FileExists(name, options, debug); !there.ok()) return there;
  unsynced_.erase(name);
  return target()->RenameFile(name, notes_->Delete(name), options, debug);
}

IOStatus FaultFileSystem::RenameFile(const std::string& from, const std::string& to,
                                     const IOOptions& options, IODebugContext* debug) {
  if (IsMessages(from)) return target()->RenameFile(from, to, options, debug);
  if (IOStatus status = Gate(FaultOp::kRename, to); !status.ok()) return status;
  const std::lock_guard<std::mutex> lock(mutex_);
  if (notes_ != nullptr) notes_->Rename(from, to);
  const IOStatus status = target()->RenameFile(from, to, options, debug);
  if (!status.ok()) return status;
  unsynced_.erase(to);
  if (auto moved = unsynced_.extract(from); !moved.empty()) {
    moved.key() = to;
    unsynced_.insert(std::move(moved));
  }
  return status;
}

IOStatus FaultFileSystem::LinkFile(const std::string& from, const std::string& to,
                                   const IOOptions& options, IODebugContext* debug) {
  if (IOStatus status = Gate(FaultOp::kCreate, to); !status.ok()) return status;
  const std::lock_guard<std::mutex> lock(mutex_);
  if (notes_ != nullptr) notes_->Create(to);
  const IOStatus status = target()->LinkFile(from, to, options, debug);
  const auto found = unsynced_.find(from);
  if (status.ok() && found != unsynced_.end()) unsynced_[to] = found->second;
  return status;
}

IOStatus FaultFileSystem::FileExists(const std::string& name, const IOOptions& options,
                                     IODebugContext* debug) {
  const IOStatus gate = Gate(FaultOp::kLook, name);
  return gate.ok() ? target()->FileExists(name, options, debug) : gate;
}

IOStatus FaultFileSystem::GetChildren(const std::string& name, const IOOptions& options,
                                      std::vector<std::string>* result, IODebugContext* debug) {
  const IOStatus gate = Gate(FaultOp::kLook, name);
  return gate.ok() ? target()->GetChildren(name, options, result, debug) : gate;
}

IOStatus FaultFileSystem::GetFileSize(const std::string& name, const IOOptions& options,
                                      uint64_t* size, IODebugContext* debug) {
  if (IOStatus status = Gate(FaultOp::kLook, name); !status.ok()) return status;
  const std::shared_ptr<Unsynced> unsynced = UnsyncedOf(name);
  if (unsynced == nullptr) return target()->GetFileSize(name, options, size, debug);
  const std::lock_guard<std::mutex> lock(unsynced->mutex);
  *size = unsynced->on_disk + unsynced->tail.size();
  return IOStatus::OK();
}

FaultDisk::FaultDisk(const FaultPlan& plan) : disk_(std::make_shared<FaultFileSystem>(plan)) {}
FaultDisk::~FaultDisk() = default;

std::shared_ptr<rocksdb::FileSystem> FaultDisk::file_system() const {
  return disk_;
}
int64_t FaultDisk::calls() const {
  return disk_->calls;
}
int64_t FaultDisk::failures() const {
  return disk_->failures;
}
std::string FaultDisk::first_failure() const {
  return disk_->first_failure();
}
void FaultDisk::SayFreeSpace(uint64_t bytes) {
  disk_->free_space = static_cast<int64_t>(bytes);
}

void FaultDisk::HoldSyncs(bool held) {
  disk_->HoldSyncs(held);
}

}  // namespace nisi::store
