#include "common/store/fail_stop_fs.h"

#include <mutex>
#include <string>
#include <utility>

#include "absl/strings/match.h"

namespace nisi::store {
namespace {

using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

class File : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  using FSWritableFileOwnerWrapper::FSWritableFileOwnerWrapper;

  IOStatus Append(const Slice& data, const IOOptions& options, IODebugContext* debug) override {
    return Once([&] { return FSWritableFileOwnerWrapper::Append(data, options, debug); });
  }
  IOStatus Append(const Slice& data, const IOOptions& options,
                  const rocksdb::DataVerificationInfo& info, IODebugContext* debug) override {
    return Once([&] { return FSWritableFileOwnerWrapper::Append(data, options, info, debug); });
  }
  IOStatus Sync(const IOOptions& options, IODebugContext* debug) override {
    return Once([&] { return FSWritableFileOwnerWrapper::Sync(options, debug); });
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    return Once([&] { return FSWritableFileOwnerWrapper::Fsync(options, debug); });
  }
  IOStatus RangeSync(uint64_t offset, uint64_t bytes, const IOOptions& options,
                     IODebugContext* debug) override {
    return Once(
        [&] { return FSWritableFileOwnerWrapper::RangeSync(offset, bytes, options, debug); });
  }

 private:
  // Not locked meanwhile: a log is synced while it is appended to.
  template <class Call>
  IOStatus Once(const Call& call) {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (!failed_.ok()) return failed_;
    }
    IOStatus status = call();
    if (!status.ok()) {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (failed_.ok()) failed_ = status;
    }
    return status;
  }

  std::mutex mutex_;
  IOStatus failed_;
};

// LogWrites::kAtOnce.
class AppendedLog final : public File {
 public:
  using File::File;

  IOStatus Append(const Slice& data, const IOOptions& options, IODebugContext* debug) override {
    appended_ += data.size();
    return File::Append(data, options, debug);
  }
  IOStatus Append(const Slice& data, const IOOptions& options,
                  const rocksdb::DataVerificationInfo& info, IODebugContext* debug) override {
    appended_ += data.size();
    return File::Append(data, options, info, debug);
  }
  IOStatus Flush(const IOOptions& options, IODebugContext* debug) override {
    const IOStatus status = File::Flush(options, debug);
    if (!status.ok() || appended_ == begun_) return status;
    const uint64_t from = std::exchange(begun_, appended_);
    return File::RangeSync(from, appended_ - from, options, debug);
  }

 private:
  uint64_t appended_ = 0;
  uint64_t begun_ = 0;  // to be written to the disk
};

class FileSystem : public rocksdb::FileSystemWrapper {
 public:
  FileSystem(std::shared_ptr<rocksdb::FileSystem> target, LogWrites logs)
      : FileSystemWrapper(std::move(target)), logs_(logs) {}
  const char* Name() const override { return "nisi.FailStop"; }

  IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                           std::unique_ptr<rocksdb::FSWritableFile>* result,
                           IODebugContext* debug) override {
    const IOStatus status = target()->NewWritableFile(name, options, result, debug);
    if (!status.ok()) return status;
    if (logs_ == LogWrites::kAtOnce && absl::EndsWith(name, ".log")) {
      *result = std::make_unique<AppendedLog>(std::move(*result));
    } else {
      *result = std::make_unique<File>(std::move(*result));
    }
    return status;
  }

 private:
  const LogWrites logs_;
};

}  // namespace

std::shared_ptr<rocksdb::FileSystem> FailStop(std::shared_ptr<rocksdb::FileSystem> target,
                                              LogWrites logs) {
  return std::make_shared<FileSystem>(std::move(target), logs);
}

}  // namespace nisi::store
