#include "common/store/fail_stop_fs.h"

#include <mutex>
#include <string>
#include <utility>

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

class FileSystem : public rocksdb::FileSystemWrapper {
 public:
  using FileSystemWrapper::FileSystemWrapper;
  const char* Name() const override { return "nisi.FailStop"; }

  IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                           std::unique_ptr<rocksdb::FSWritableFile>* result,
                           IODebugContext* debug) override {
    const IOStatus status = target()->NewWritableFile(name, options, result, debug);
    if (status.ok()) *result = std::make_unique<File>(std::move(*result));
    return status;
  }
};

}  // namespace

std::shared_ptr<rocksdb::FileSystem> FailStop(std::shared_ptr<rocksdb::FileSystem> target) {
  return std::make_shared<FileSystem>(std::move(target));
}

}  // namespace nisi::store
