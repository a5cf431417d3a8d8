// Files with keys: read whole, written atomically, reread when they change.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/base/recent.h"
#include "common/base/status.h"
#include "common/rpc/jwk.h"

namespace nisi::rpc {

// Tells one state of a file from another without reading it.
struct FileStamp {
  dev_t device = 0;
  ino_t inode = 0;
  off_t size = 0;
  int64_t modified_ns = 0;
  int64_t changed_ns = 0;

  friend bool operator==(const FileStamp&, const FileStamp&) = default;
};

// All zero where there is no such file.
FileStamp StampOf(const std::string& path);
// NOT_FOUND; INVALID_ARGUMENT over `max_bytes` or for no regular file; UNAVAILABLE when the disk
// fails.
absl::StatusOr<std::string> ReadFile(const std::string& path, size_t max_bytes);
// As ReadFile; FAILED_PRECONDITION where others than owner and group may read or write it.
absl::StatusOr<std::string> ReadSecretFile(const std::string& path, size_t max_bytes);
// Writes beside it, syncs, renames: readers see the old text or the new, whole. UNAVAILABLE when it
// cannot.
absl::Status ReplaceFile(const std::string& path, absl::string_view text, mode_t mode);
// As ReplaceFile, but ALREADY_EXISTS, changing nothing, where there is a file.
absl::Status WriteNewFile(const std::string& path, absl::string_view text, mode_t mode);
// Makes the folder with mode 0700 where it is missing. UNAVAILABLE when it cannot.
absl::Status MakePrivateFolder(const std::string& path);

// For the log, once a change of the file.
void LogReloaded(const std::string& path);
void LogNotReloaded(const std::string& path, const absl::Status& problem);

// Whether a file is one that others than owner and group may neither read nor write.
enum class Secrecy { kOpen, kSecret };

// A parsed file, read again when it changed. Whoever asks causes the check, at most once a second;
// while the file is missing or bad the last good content stays. Usable from many threads; nobody
// waits for a reload but the one caller that does it, unless what he would get else is long out of
// date: of two calls that end a quiet hour, none may be judged by the keys of before it.
template <class T>
class ReloadingFile {
 public:
  using Parser = std::function<absl::StatusOr<T>(absl::string_view)>;
  // Told once about each bad state of the file, for the log.
  using Complaint = std::function<void(const std::string& path, const absl::Status& problem)>;

  static constexpr absl::Duration kCheckEvery = absl::Seconds(1);
  static constexpr absl::Duration kLongAgo = absl::Seconds(5);
  static constexpr size_t kMaxBytes = 1 << 20;

  // The errors of ReadFile, ReadSecretFile and the parser: at the start the file must be good.
  static absl::StatusOr<std::unique_ptr<ReloadingFile>> Open(std::string path, Parser parser,
                                                             absl::Time now,
                                                             Secrecy secrecy = Secrecy::kOpen,
                                                             Complaint complaint = LogNotReloaded) {
    auto file = std::unique_ptr<ReloadingFile>(
        new ReloadingFile(std::move(path), std::move(parser), secrecy, std::move(complaint)));
    file->checked_ = now;
    file->stamp_ = StampOf(file->path_);
    ASSIGN_OR_RETURN(file->current_, file->Read());
    return file;
  }

  // Never null.
  std::shared_ptr<const T> Current(absl::Time now) {
    bool long_ago = false;
    {
      const std::lock_guard lock(mutex_);
      if (base::IsRecent(checked_, kCheckEvery, now)) return current_;
      long_ago = now >= checked_ + kLongAgo;
    }
    std::unique_lock reloading(reload_, std::defer_lock);
    if (long_ago) {
      reloading.lock();
    }
    if (reloading.owns_lock() || reloading.try_lock()) {
      Check(now);
    }
    const std::lock_guard lock(mutex_);
    return current_;
  }

 private:
  ReloadingFile(std::string path, Parser parser, Secrecy secrecy, Complaint complaint)
      : path_(std::move(path)),
        parser_(std::move(parser)),
        secrecy_(secrecy),
        complaint_(std::move(complaint)) {}

  absl::StatusOr<std::shared_ptr<const T>> Read() const {
    ASSIGN_OR_RETURN(const std::string text, secrecy_ == Secrecy::kSecret
                                                 ? ReadSecretFile(path_, kMaxBytes)
                                                 : ReadFile(path_, kMaxBytes));
    absl::StatusOr<T> parsed = parser_(text);
    if (!parsed.ok()) {
      return absl::Status(parsed.status().code(),
                          absl::StrCat(path_, ": ", parsed.status().message()));
    }
    return std::make_shared<const T>(*std::move(parsed));
  }

  // With reload_ held.
  void Check(absl::Time now) {
    const FileStamp stamp =
        StampOf(path_);  // Before reading: a change while reading is seen next time.
    absl::StatusOr<std::shared_ptr<const T>> fresh = std::shared_ptr<const T>();
    if (stamp != stamp_) {
      stamp_ = stamp;
      fresh = Read();
      fresh.ok() ? LogReloaded(path_) : complaint_(path_, fresh.status());
    }
    const std::lock_guard lock(mutex_);
    checked_ = now;
    if (fresh.ok() && *fresh != nullptr) {
      current_ = *std::move(fresh);
    }
  }

  const std::string path_;
  const Parser parser_;
  const Secrecy secrecy_;
  const Complaint complaint_;
  std::mutex reload_;  // Guards stamp_; taken before mutex_.
  FileStamp stamp_;
  std::mutex mutex_;
  std::shared_ptr<const T> current_;
  absl::Time checked_;
};

using JwksFile = ReloadingFile<KeySet>;

// Where a verifier takes the keys it trusts at a time; may give nullptr, then nothing verifies.
using KeySource = std::function<std::shared_ptr<const KeySet>(absl::Time)>;

KeySource FixedKeys(KeySet keys);
// The keys of a JWKS file, reread when it changes. The errors of JwksFile::Open.
absl::StatusOr<KeySource> KeysFromFile(const std::string& path, absl::Time now);

}  // namespace nisi::rpc
