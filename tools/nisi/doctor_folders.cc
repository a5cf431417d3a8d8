#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "common/base/status.h"
#include "common/norms/norm_keys.h"
#include "common/norms/norms.h"
#include "common/store/backup.h"
#include "tools/nisi/doctor.h"

namespace nisi::cli {
namespace {

namespace fs = std::filesystem;

// A norm is looked for before it is missed: the next one takes somebody to read the gazette.
constexpr int kNormDays = 30;
constexpr double kMib = 1 << 20;

// Why this user may not use a path so; 0: it may. Not who owns it: in a pod a volume is root's, and
// the group that the process is in may write there. What is gone is no matter here: a store that
// works deletes files.
int Denied(const std::string& path, int how) {
  if (access(path.c_str(), how) == 0) return 0;
  return errno == EACCES || errno == EPERM || errno == EROFS ? errno : 0;
}

// `as_root` is what lets it write. The doctor may have been started as another user than the
// process, whose files it must not take.
std::string LetWrite(int error, const std::string& as_root) {
  if (error == EROFS) {
    return "Mount it for writing. After an error of the disk the kernel takes that away by itself, "
           "and says so in its log.";
  }
  return absl::StrCat("If the process runs as user ", geteuid(), ", as this doctor does, then as ",
                      "root: `", as_root, "`. If not, run the doctor as its user.");
}

std::string GiveAll(const std::string& path) {
  return absl::StrCat("chown -R ", geteuid(), " ", path);
}

struct Closed {
  std::string path;
  int error = 0;
};
enum class Look { kAll, kFolders };

// The first of a file or folder and what is in it that this user may not write.
std::optional<Closed> FirstClosed(const std::string& top, Look look) {
  constexpr int kOfFile = R_OK | W_OK, kOfFolder = kOfFile | X_OK;
  std::error_code error;
  const bool folder = fs::is_directory(top, error);
  if (const int why = Denied(top, folder ? kOfFolder : kOfFile); why != 0) return Closed{top, why};
  if (!folder) return std::nullopt;
  for (fs::recursive_directory_iterator file(top, error);
       !error && file != fs::recursive_directory_iterator(); file.increment(error)) {
    std::error_code gone;
    const bool inner = file->is_directory(gone);
    if (!inner && look == Look::kFolders) continue;
    const std::string path = file->path().string();
    if (const int why = Denied(path, inner ? kOfFolder : kOfFile); why != 0) {
      return Closed{path, why};
    }
  }
  return std::nullopt;
}

// Files of these stores that their process cannot write, as after it was run as somebody else. Not
// of all the folder: lost+found is root's, and the key of tree heads is only read.
void ExamineOwners(const Installation& at, Findings* findings) {
  std::error_code error;
  for (fs::directory_iterator top(at.data, error); !error && top != fs::directory_iterator();
       top.increment(error)) {
    const std::string path = top->path().string();
    const std::string name = top->path().filename().string();
    const bool ours = std::any_of(at.stores.begin(), at.stores.end(), [&](const KeptStore& kept) {
      return name == kept.name || (absl::StartsWith(name, absl::StrCat(kept.name, ".")) &&
                                   name != absl::StrCat(kept.name, ".head.pem"));
    });
    const auto closed = ours ? FirstClosed(path, Look::kAll) : std::nullopt;
    struct stat info {};
    if (!closed.has_value() || lstat(closed->path.c_str(), &info) != 0) continue;
    findings->push_back({"DATA_OWNER", closed->path,
                         absl::StrCat("It belongs to user ", info.st_uid, ", and user ", geteuid(),
                                      " may not write it: ", std::strerror(closed->error), "."),
                         LetWrite(closed->error, GiveAll(path))});
  }
}

void ExamineDisk(const Installation& at, Findings* findings) {
  struct stat folder {};
  if (stat(at.data.c_str(), &folder) != 0 || !S_ISDIR(folder.st_mode)) {
    findings->push_back({"DATA_MISSING", at.data, "There is no such folder.",
                         "Mount the volume, or name the data folder with --data. A process that "
                         "starts without it refuses where there are backups (STORE_LOST), and "
                         "begins with empty registers where there are none."});
    return;
  }
  if (const int error = Denied(at.data, R_OK | W_OK | X_OK); error != 0) {
    findings->push_back({"DATA_NOT_WRITABLE", at.data, std::strerror(error),
                         LetWrite(error, absl::StrCat("chown ", geteuid(), " ", at.data))});
  } else {
    ExamineOwners(at, findings);
  }
  struct statvfs disk {};
  if (statvfs(at.data.c_str(), &disk) != 0) return;
  const double free = static_cast<double>(disk.f_bavail) * static_cast<double>(disk.f_frsize);
  const auto reserve = static_cast<double>(at.disk_reserve_bytes);
  if (free >= 2 * reserve) return;
  findings->push_back(
      {free < reserve ? "DISK_FULL" : "DISK_LOW", at.data,
       absl::StrFormat("%.0f MiB are free, and %.0f are the reserve below which no write is taken.",
                       free / kMib, reserve / kMib),
       "Enlarge the volume, move backups off it, or keep fewer of them (--backups-kept)."});
}

absl::StatusOr<std::vector<store::Backup>> BackupsIn(const std::string& folder) {
  std::error_code error;
  const bool there = fs::exists(folder, error);
  if (error) return absl::UnavailableError(error.message());
  return there ? store::ListBackups(folder)
               : absl::StatusOr<std::vector<store::Backup>>(std::vector<store::Backup>());
}

void ExamineAge(const Installation& at, const std::string& service, const std::string& folder,
                const std::vector<store::Backup>& backups, absl::Time now, Findings* findings) {
  if (backups.empty()) {
    findings->push_back({"BACKUP_MISSING", folder, "There is no good backup.",
                         absl::StrCat("nisi backup --service ", service)});
  } else if (backups.back().made < now - at.backup_age) {
    findings->push_back(
        {"BACKUP_OLD", folder,
         absl::StrCat("The newest is of ",
                      absl::FormatTime(absl::RFC3339_sec, backups.back().made, absl::UTCTimeZone()),
                      "."),
         absl::StrCat("nisi backup --service ", service,
                      ", and see why the job that runs it did not: its own output, and "
                      "`backup_failed` in the log. Where backups are made less often than each "
                      "hour: --backup-age.")});
  }
}

// The folder, or what is there of the way to it: the process makes the rest.
std::string ThereOf(const std::string& folder) {
  fs::path path = folder;
  std::error_code error;
  while (path.has_relative_path() && !fs::exists(path, error)) path = path.parent_path();
  return path.string();
}

// Bytes of the files in a folder.
uint64_t SizeOf(const std::string& folder) {
  uint64_t size = 0;
  std::error_code error;
  for (fs::directory_iterator file(folder, error); !error && file != fs::directory_iterator();
       file.increment(error)) {
    std::error_code gone;
    const uint64_t one = file->file_size(gone);
    size += gone ? 0 : one;
  }
  return size;
}

// Whether the next backup can be put there. Files of earlier ones are only read.
void ExamineBackupDisk(const Installation& at, const KeptStore& kept, const std::string& folder,
                       Findings* findings) {
  const std::string there = ThereOf(folder);
  std::optional<Closed> closed;
  std::string as_root = GiveAll(folder);
  if (there == folder) {
    closed = FirstClosed(folder, Look::kFolders);
  } else if (const int why = Denied(there, W_OK | X_OK); why != 0) {
    closed = Closed{there, why};
    as_root = absl::StrCat("install -d -o ", geteuid(), " ", folder);
  }
  if (closed.has_value()) {
    findings->push_back({"BACKUP_NOT_WRITABLE", closed->path, std::strerror(closed->error),
                         LetWrite(closed->error, as_root)});
    return;
  }
  struct statvfs disk {};
  if (statvfs(there.c_str(), &disk) != 0) return;
  const auto free = static_cast<uint64_t>(disk.f_bavail) * disk.f_frsize;
  const uint64_t wanted = SizeOf(absl::StrCat(at.data, "/", kept.name));
  if (free >= wanted) return;
  findings->push_back(
      {"BACKUP_DISK_FULL", there,
       absl::StrFormat("%.0f MiB are free, and the store, of which the next backup may take all, "
                       "has %.0f.",
                       static_cast<double>(free) / kMib, static_cast<double>(wanted) / kMib),
       "Enlarge the volume, or keep fewer backups (--backups-kept): what has no room is no "
       "backup."});
}

void ExamineBackups(const Installation& at, absl::Time now, Findings* findings) {
  if (at.stores.empty()) return;
  if (at.backup_folder.empty()) {
    findings->push_back({"BACKUP_NOT_SET", at.process, "No --backup-folder is given.",
                         "Give it a folder on another disk, and run `nisi backup` each hour."});
    return;
  }
  for (const KeptStore& kept : at.stores) {
    const std::string folder = absl::StrCat(at.backup_folder, "/", kept.name);
    const auto backups = BackupsIn(folder);
    if (!backups.ok()) {
      findings->push_back({"BACKUP_UNREADABLE", folder, std::string(backups.status().message()),
                           "Mount its disk; then run `nisi backup`."});
      continue;
    }
    ExamineAge(at, kept.name, folder, *backups, now, findings);
    ExamineBackupDisk(at, kept, folder, findings);
  }
}

// With what the refusal names beside: the norm, the first day.
std::string WhyRefused(const std::string& service, const absl::Status& refused) {
  const google::rpc::ErrorInfo info = base::InfoOf(refused);
  const std::map<std::string, std::string> named(info.metadata().begin(), info.metadata().end());
  return absl::StrCat(service, ": ", info.reason(), ": ", refused.message(),
                      named.empty() ? "" : " ",
                      absl::StrJoin(named, ", ", absl::PairFormatter(" ")));
}

void ExamineNorms(const Installation& at, Findings* findings) {
  const std::string where = at.norms.empty() ? "the norms compiled in" : at.norms;
  const auto norms = at.norms.empty() ? norms::Norms::Default() : norms::Norms::Load(at.norms);
  if (!norms.ok()) {
    findings->push_back({"NORMS_BROKEN", where, std::string(norms.status().message()),
                         "Mend the rows: no process starts with them."});
    return;
  }
  for (const KeptStore& kept : at.stores) {
    if (kept.check_norms == nullptr) continue;
    const absl::Status refused = kept.check_norms(*norms, at.today);
    if (refused.ok()) continue;
    findings->push_back({"NORMS_REFUSED", where, WhyRefused(kept.name, refused),
                         absl::StrCat("Mend the rows: ", kept.name, " does not start with them.")});
  }
  for (const norms::KeySpec& key : norms::Keys()) {
    const auto& series = norms->Series(key.key);
    if (key.single || series.empty() || !series.back().to.has_value()) continue;
    const base::Date last = *series.back().to;
    if (at.today.AddDays(kNormDays) <= last) continue;
    findings->push_back(
        {last < at.today ? "NORM_ENDED" : "NORM_ENDS", absl::StrCat(where, ": ", key.key),
         absl::StrCat("The last value holds until ", last.ToString(), "."),
         "Add a row with the value in force from the day after, and its source: what needs it is "
         "refused with NORM_NOT_IN_FORCE."});
  }
}

void ExamineLimits(const Installation& at, Findings* findings) {
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_max >= at.files) return;
  findings->push_back({"FILES_LIMIT", "ulimit -Hn",
                       absl::StrCat("A process may have ", files.rlim_max,
                                    " files open, and needs ", at.files, "."),
                       "Raise it: LimitNOFILE of systemd, --ulimit nofile of a container."});
}

}  // namespace

void ExamineFolders(const Installation& at, absl::Time now, Findings* findings) {
  ExamineLimits(at, findings);
  if (!at.stores.empty()) ExamineDisk(at, findings);
  ExamineBackups(at, now, findings);
  if (!at.stores.empty()) ExamineNorms(at, findings);
}

}  // namespace nisi::cli
