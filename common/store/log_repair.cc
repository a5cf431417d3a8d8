#include "common/store/log_repair.h"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <system_error>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/base/log.h"
#include "common/store/log_tail.h"

namespace nisi::store {
namespace {

using rocksdb::Status;

// The block that begins at `at`, as much as there is of it.
Status ReadBlock(rocksdb::RandomAccessFile& file, uint64_t at, std::string* block) {
  block->resize(kLogBlockSize);
  rocksdb::Slice read;
  const Status status = file.Read(at, block->size(), &read, block->data());
  if (status.ok()) *block = read.ToString();
  return status;
}

// The size a log should have had: its own, unless it ends unwritten.
Status WrittenSize(rocksdb::Env& env, const std::string& path, uint64_t size, uint64_t* written) {
  *written = size;
  std::unique_ptr<rocksdb::RandomAccessFile> file;
  Status status = env.NewRandomAccessFile(path, &file, rocksdb::EnvOptions());
  std::string block;
  for (uint64_t end = size; status.ok() && end > 0;) {
    const uint64_t begin = (end - 1) / kLogBlockSize * kLogBlockSize;
    status = ReadBlock(*file, begin, &block);
    const size_t last = block.find_last_not_of('\0');
    if (!status.ok() || last == std::string::npos) {
      end = begin;
      continue;
    }
    const uint64_t after = begin + last + 1;
    if (size - after >= kUnwrittenZeros && LogEndsUnwritten(block, last + 1)) *written = after;
    break;
  }
  return status;
}

Status CutTail(rocksdb::Env& env, const std::string& path, uint64_t size) {
  uint64_t written = 0;
  if (Status status = WrittenSize(env, path, size, &written); !status.ok()) return status;
  if (written == size) return Status::OK();
  base::Log(base::Severity::kWarning, "log_tail_unwritten",
            {{"file", path.substr(path.rfind('/') + 1)}, {"bytes", size - written}});
  // RocksDB's own file system does not cut files.
  std::error_code error;
  std::filesystem::resize_file(path, written, error);
  return error ? Status::IOError(path, error.message()) : Status::OK();
}

}  // namespace

Status CutUnwrittenTails(rocksdb::Env& env, const std::string& dir) {
  std::vector<std::string> names;
  if (Status status = env.GetChildren(dir, &names); !status.ok()) return status;
  // The newest first: by number, which from the millionth on has a digit more.
  std::sort(names.begin(), names.end(), [](const std::string& a, const std::string& b) {
    return a.size() != b.size() ? a.size() > b.size() : a > b;
  });
  for (const std::string& name : names) {
    if (!absl::EndsWith(name, ".log")) continue;
    const std::string path = absl::StrCat(dir, "/", name);
    uint64_t size = 0;
    if (Status status = env.GetFileSize(path, &size); !status.ok()) return status;
    if (size == 0) continue;
    if (Status status = CutTail(env, path, size); !status.ok()) return status;
    break;
  }
  std::string current;
  Status status = rocksdb::ReadFileToString(&env, absl::StrCat(dir, "/CURRENT"), &current);
  if (status.IsNotFound() || status.IsPathNotFound()) return Status::OK();  // a new store
  if (!status.ok()) return status;
  const std::string manifest =
      absl::StrCat(dir, "/", std::string(absl::StripSuffix(current, "\n")));
  uint64_t size = 0;
  // Where CURRENT is damaged, RocksDB says so better.
  if (!env.GetFileSize(manifest, &size).ok()) return Status::OK();
  return CutTail(env, manifest, size);
}

}  // namespace nisi::store
