#include "common/rpc/key_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "common/base/hash.h"
#include "common/base/log.h"

namespace nisi::rpc {
namespace {

class OpenFile {
 public:
  explicit OpenFile(int fd) : fd_(fd) {}
  ~OpenFile() {
    if (fd_ >= 0) {
      close(fd_);
    }
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

absl::Status Failed(absl::string_view verb, const std::string& path) {
  const int error = errno;
  const std::string message = absl::StrCat(verb, " ", path, ": ", std::strerror(error));
  return error == ENOENT ? absl::NotFoundError(message) : absl::UnavailableError(message);
}

int64_t Nanoseconds(const timespec& time) {
  return static_cast<int64_t>(time.tv_sec) * 1'000'000'000 + time.tv_nsec;
}

absl::StatusOr<std::string> Read(const std::string& path, size_t max_bytes, mode_t forbidden) {
  const OpenFile file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat info = {};
  if (file.get() < 0 || fstat(file.get(), &info) != 0) {
    return Failed("read", path);
  }
  if (!S_ISREG(info.st_mode) || info.st_size > static_cast<off_t>(max_bytes)) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": not a file of at most ", max_bytes, " bytes"));
  }
  if ((info.st_mode & forbidden) != 0) {
    return absl::FailedPreconditionError(
        absl::StrCat(path, ": a secret that everybody on the machine can reach; chmod o= it"));
  }
  // Room for what there is and a byte more: all that is allowed, a megabyte, only where it grows
  // meanwhile.
  std::string text(static_cast<size_t>(info.st_size) + 1, '\0');
  size_t used = 0;
  while (used <= max_bytes) {
    if (used == text.size()) {
      text.resize(max_bytes + 1);
    }
    const ssize_t got = read(file.get(), text.data() + used, text.size() - used);
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got < 0) {
      return Failed("read", path);
    }
    if (got == 0) {
      break;
    }
    used += static_cast<size_t>(got);
  }
  if (used > max_bytes) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": over ", max_bytes, " bytes"));
  }
  text.resize(used);
  return text;
}

// Writes and syncs a new file beside `path`; returns its name.
absl::StatusOr<std::string> WriteBeside(const std::string& path, absl::string_view text,
                                        mode_t mode) {
  const std::string name = absl::StrCat(path, ".", base::HexEncode(base::RandomBytes(6)), ".new");
  const OpenFile file(
      open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode));
  if (file.get() < 0) {
    return absl::UnavailableError(Failed("write", path).message());
  }
  size_t done = 0;
  while (done < text.size()) {
    const ssize_t wrote = write(file.get(), text.data() + done, text.size() - done);
    if (wrote < 0 && errno == EINTR) {
      continue;
    }
    if (wrote <= 0) {
      break;
    }
    done += static_cast<size_t>(wrote);
  }
  // The mode given to open() lost the bits of the umask.
  if (done < text.size() || fchmod(file.get(), mode) != 0 || fsync(file.get()) != 0) {
    const absl::Status status = absl::UnavailableError(Failed("write", path).message());
    unlink(name.c_str());
    return status;
  }
  return name;
}

}  // namespace

FileStamp StampOf(const std::string& path) {
  struct stat info = {};
  if (stat(path.c_str(), &info) != 0) {
    return {};
  }
  return {info.st_dev, info.st_ino, info.st_size, Nanoseconds(info.st_mtim),
          Nanoseconds(info.st_ctim)};
}

absl::StatusOr<std::string> ReadFile(const std::string& path, size_t max_bytes) {
  return Read(path, max_bytes, 0);
}

absl::StatusOr<std::string> ReadSecretFile(const std::string& path, size_t max_bytes) {
  return Read(path, max_bytes, S_IRWXO);
}

absl::Status ReplaceFile(const std::string& path, absl::string_view text, mode_t mode) {
  ASSIGN_OR_RETURN(const std::string fresh, WriteBeside(path, text, mode));
  if (rename(fresh.c_str(), path.c_str()) != 0) {
    const absl::Status status = absl::UnavailableError(Failed("write", path).message());
    unlink(fresh.c_str());
    return status;
  }
  return absl::OkStatus();
}

absl::Status WriteNewFile(const std::string& path, absl::string_view text, mode_t mode) {
  ASSIGN_OR_RETURN(const std::string fresh, WriteBeside(path, text, mode));
  absl::Status status;
  if (link(fresh.c_str(), path.c_str()) != 0) {  // Unlike rename, never replaces.
    status = errno == EEXIST ? absl::AlreadyExistsError(absl::StrCat(path, ": exists"))
                             : absl::UnavailableError(Failed("write", path).message());
  }
  unlink(fresh.c_str());
  return status;
}

absl::Status MakePrivateFolder(const std::string& path) {
  if (mkdir(path.c_str(), 0700) == 0 || errno == EEXIST) {
    return absl::OkStatus();
  }
  return absl::UnavailableError(Failed("make folder", path).message());
}

KeySource FixedKeys(KeySet keys) {
  return [shared = std::make_shared<const KeySet>(std::move(keys))](absl::Time) { return shared; };
}

void LogReloaded(const std::string& path) {
  base::Log(base::Severity::kInfo, "file_reloaded", {{"path", path}});
}

void LogNotReloaded(const std::string& path, const absl::Status& problem) {
  base::Log(base::Severity::kWarning, "file_not_reloaded",
            {{"path", path}, {"problem", problem.message()}});
}

absl::StatusOr<KeySource> KeysFromFile(const std::string& path, absl::Time now) {
  ASSIGN_OR_RETURN(std::unique_ptr<JwksFile> file, JwksFile::Open(path, KeySet::Parse, now));
  return KeySource([shared = std::shared_ptr<JwksFile>(std::move(file))](absl::Time time) {
    return shared->Current(time);
  });
}

}  // namespace nisi::rpc
