#include "common/store/file_io.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"

namespace nisi::store {
namespace {

absl::Status Failed(absl::string_view path, absl::string_view what) {
  return base::Unavailable(
      "FILE_FAILED",
      absl::StrCat("The file ", path, " cannot be ", what, ": ", std::strerror(errno)),
      absl::Seconds(5));
}

bool WriteAll(int file, absl::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(file, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return true;
}

absl::Status SyncFolderOf(const std::string& path) {
  const std::filesystem::path parent = std::filesystem::path(path).parent_path();
  const std::string folder = parent.empty() ? "." : parent.string();
  const int file = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (file < 0) return Failed(folder, "opened");
  const bool synced = fsync(file) == 0;
  const absl::Status status = synced ? absl::OkStatus() : Failed(folder, "synced");
  close(file);
  return status;
}

// Makes the file beside it and puts it in place by `place`, which sets errno.
absl::Status WriteBeside(const std::string& path, absl::string_view bytes, mode_t mode,
                         int (*place)(const char* from, const char* to)) {
  const std::string draft = absl::StrCat(path, ".", getpid(), ".new");
  const int file = open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
  if (file < 0) return Failed(path, "made");
  absl::Status status =
      WriteAll(file, bytes) && fsync(file) == 0 ? absl::OkStatus() : Failed(path, "written");
  close(file);
  if (status.ok() && place(draft.c_str(), path.c_str()) != 0) {
    status = errno == EEXIST ? absl::AlreadyExistsError(absl::StrCat("The file ", path, " exists."))
                             : Failed(path, "put in place");
  }
  unlink(draft.c_str());
  RETURN_IF_ERROR(status);
  return SyncFolderOf(path);
}

}  // namespace

// link, not rename: of two processes that make the same file, one wins and the other is told.
absl::Status WriteNewFile(const std::string& path, absl::string_view bytes, mode_t mode) {
  return WriteBeside(path, bytes, mode, link);
}

absl::Status ReplaceFile(const std::string& path, absl::string_view bytes, mode_t mode) {
  return WriteBeside(path, bytes, mode, std::rename);
}

absl::StatusOr<std::string> ReadSmallFile(const std::string& path) {
  constexpr size_t kMost = size_t{1} << 20;
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) {
    if (errno == ENOENT) return absl::NotFoundError(absl::StrCat("There is no file ", path, "."));
    return Failed(path, "opened");
  }
  std::string bytes;
  char buffer[4096];
  ssize_t size = 0;
  while (bytes.size() <= kMost) {
    size = read(file, buffer, sizeof buffer);
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) break;
    bytes.append(buffer, static_cast<size_t>(size));
  }
  const absl::Status status = size < 0 ? Failed(path, "read") : absl::OkStatus();
  close(file);
  RETURN_IF_ERROR(status);
  if (bytes.size() > kMost)
    return absl::OutOfRangeError(absl::StrCat("The file ", path, " is too large."));
  return bytes;
}

}  // namespace nisi::store
