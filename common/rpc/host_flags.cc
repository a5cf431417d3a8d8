#include "common/rpc/host_flags.h"

#include <filesystem>
#include <map>
#include <string>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"

namespace nisi::rpc {
namespace {

constexpr int64_t kMostBackups = 100'000, kMostBackupDays = 36'500;
constexpr int64_t kMostReserveMib = int64_t{1} << 30;
// The memtables of all column families (144 MiB), the log (64 MiB), and the new files of one
// compaction beside the old ones.
constexpr int64_t kDiskReserveMib = 512;
constexpr absl::Duration kScrubEvery = absl::Hours(24);
constexpr int64_t kScrubMib = 4, kMostScrubMib = 1024;

absl::Status CheckRange(const char* flag, int64_t value, int64_t least, int64_t most) {
  if (value >= least && value <= most) return absl::OkStatus();
  return base::Refusal(absl::StatusCode::kInvalidArgument, "FLAG_INVALID",
                       absl::StrCat("--", flag, " is from ", least, " to ", most, "."));
}

const std::map<std::string, store::OutboxRelay::Old>& OldMessages() {
  using Old = store::OutboxRelay::Old;
  static const auto* const known = new std::map<std::string, Old>{
      {"hold", Old::kHold}, {"send", Old::kSend}, {"drop", Old::kDrop}};
  return *known;
}

}  // namespace

void HostFlags::AddTo(Flags* flags) {
  flags->String("data", &data_, "data folder, made when absent", ".run/nisi")
      .String(
          "witness-dir", &witness_dir_,
          "where the witness of each store lies, by which one that was rolled back is known: best "
          "on another disk, so that no copy of the data brings it along; the data folder when "
          "absent")
      .String("backup-folder", &backup_folder_,
              "where backups of each store go, in a folder by the service's name; none when absent")
      .Int("backups-kept", &backups_kept_, "the newest backups that are kept", 30)
      .Int("backup-days-kept", &backup_days_kept_,
           "besides, the newest backup of each of so many days, with the log of commits between: a "
           "store can be restored to any moment since",
           30)
      .Bool("new-store", &new_store_,
            "begin with an empty store though there are backups of one that is not there; for one "
            "start only")
      .String("old-messages", &old_messages_,
              "hold, send or drop messages to other services that are older than the 30 days for "
              "which those surely remember them: what was delivered may be done again, what was "
              "not is lost; send and drop for one start only",
              "hold")
      .Int("disk-reserve-mib", &disk_reserve_mib_,
           "take no writes while the disk has less room than this; 0: do not watch",
           kDiskReserveMib)
      .Duration("scrub-interval", &scrub_interval_,
                "how often the whole store is read and held against itself; 0: never", kScrubEvery)
      .Int("scrub-mib", &scrub_mib_, "the most that a scrub reads in a second", kScrubMib)
      .Bool("sync", &sync_, "sync each commit; off only to measure", true);
}

absl::Status HostFlags::Fill(HostOptions* options) const {
  RETURN_IF_ERROR(CheckRange("backups-kept", backups_kept_, 1, kMostBackups));
  RETURN_IF_ERROR(CheckRange("backup-days-kept", backup_days_kept_, 0, kMostBackupDays));
  RETURN_IF_ERROR(CheckRange("disk-reserve-mib", disk_reserve_mib_, 0, kMostReserveMib));
  RETURN_IF_ERROR(CheckRange("scrub-mib", scrub_mib_, 1, kMostScrubMib));
  if (scrub_interval_ < absl::ZeroDuration()) {
    return base::Refusal(absl::StatusCode::kInvalidArgument, "FLAG_INVALID",
                         "--scrub-interval is 0 or more.");
  }
  const auto old = OldMessages().find(old_messages_);
  if (old == OldMessages().end()) {
    return base::Refusal(absl::StatusCode::kInvalidArgument, "FLAG_INVALID",
                         "--old-messages is hold, send or drop.");
  }
  options->old_messages = old->second;
  // RocksDB makes no backup of a store whose path is relative.
  std::error_code error;
  options->data_dir = std::filesystem::absolute(data_, error).string();
  options->witness_dir = options->data_dir;
  if (!error && !witness_dir_.empty()) {
    options->witness_dir = std::filesystem::absolute(witness_dir_, error).string();
  }
  if (!error && !backup_folder_.empty()) {
    options->backup_dir = std::filesystem::absolute(backup_folder_, error).string();
  }
  if (error) {
    return base::Refusal(absl::StatusCode::kInvalidArgument, "FLAG_INVALID",
                         absl::StrCat("--data, --witness-dir, --backup-folder: ", error.message()));
  }
  options->backups_kept = static_cast<int>(backups_kept_);
  options->backup_days_kept = static_cast<int>(backup_days_kept_);
  options->new_store = new_store_;
  options->disk_reserve_bytes = static_cast<uint64_t>(disk_reserve_mib_) << 20;
  options->scrub_interval = scrub_interval_;
  options->scrub_bytes_a_second = static_cast<uint64_t>(scrub_mib_) << 20;
  options->sync = sync_;
  return absl::OkStatus();
}

}  // namespace nisi::rpc
