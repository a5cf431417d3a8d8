#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
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

void ExamineDisk(const Installation& at, Findings* findings) {
  struct stat folder {};
  if (stat(at.data.c_str(), &folder) != 0 || !S_ISDIR(folder.st_mode)) {
    findings->push_back({"DATA_MISSING", at.data, "There is no such folder.",
                         "Mount the volume, or name the data folder with --data. A process that "
                         "starts without it begins with empty registers."});
    return;
  }
  if (access(at.data.c_str(), R_OK | W_OK | X_OK) != 0) {
    findings->push_back(
        {"DATA_NOT_WRITABLE", at.data, std::strerror(errno),
         absl::StrCat("Run as the user who owns it, or chown -R it to user ", geteuid(), ".")});
  }
  std::error_code error;
  for (auto file = fs::recursive_directory_iterator(at.data, error);
       !error && file != fs::recursive_directory_iterator(); file.increment(error)) {
    struct stat info {};
    if (lstat(file->path().c_str(), &info) == 0 && info.st_uid != folder.st_uid) {
      findings->push_back(
          {"DATA_OWNER", file->path().string(),
           absl::StrCat("It belongs to user ", info.st_uid, ", the folder to ", folder.st_uid, "."),
           absl::StrCat("chown -R ", folder.st_uid, " ", at.data,
                        ": a process was run once as somebody else.")});
      break;
    }
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
    } else if (backups->empty()) {
      findings->push_back({"BACKUP_MISSING", folder, "There is no good backup.",
                           absl::StrCat("nisi backup --service ", kept.name)});
    } else if (backups->back().made < now - at.backup_age) {
      findings->push_back(
          {"BACKUP_OLD", folder,
           absl::StrCat(
               "The newest is of ",
               absl::FormatTime(absl::RFC3339_sec, backups->back().made, absl::UTCTimeZone()), "."),
           absl::StrCat("nisi backup --service ", kept.name,
                        ", and see why the job that runs it did not: its own output, and "
                        "`backup_failed` in the log. Where backups are made less often than each "
                        "hour: --backup-age.")});
    }
  }
}

void ExamineNorms(const Installation& at, Findings* findings) {
  const std::string where = at.norms.empty() ? "the norms compiled in" : at.norms;
  const auto norms = at.norms.empty() ? norms::Norms::Default() : norms::Norms::Load(at.norms);
  if (!norms.ok()) {
    findings->push_back({"NORMS_BROKEN", where, std::string(norms.status().message()),
                         "Mend the rows: no process starts with them."});
    return;
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
