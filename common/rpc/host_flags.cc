#include "common/rpc/host_flags.h"

#include <cstdlib>
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

void HostFlags::AddTo(Flags* flags, const char* data_variable) {
  std::string data_help = "data folder; it is made where it does not exist";
  const char* data = nullptr;
  if (data_variable != nullptr) {
    absl::StrAppend(&data_help, "; $", data_variable, " stands for it");
    data = std::getenv(data_variable);
  }
  const bool named = data != nullptr && *data != '\0';
  flags->String("data", &data_, data_help, named ? data : ".run/nisi")
      .String("witness-dir", &witness_dir_,
              "folder for the witness of each store, by which a store that was rolled back is "
              "detected; "
              "best on another disk than the data; empty: the data folder")
      .String("backup-folder", &backup_folder_,
              "folder for backups, with a folder for each service in it; empty: none are made")
      .Int("backups-kept", &backups_kept_, "how many of the newest backups are kept", 30)
      .Int("backup-days-kept", &backup_days_kept_,
           "for how many days the newest backup of each day is kept too, with the log of all "
           "commits "
           "since: a store can be restored to any moment of these days",
           30)
      .Bool(
          "new-store", &new_store_,
          "start with an empty store although there are backups of another one; for one start only")
      .String(
          "old-messages", &old_messages_,
          "what to do with messages to other services that are older than the 30 days for which "
          "those remember requests: hold keeps them; send may repeat what was done already; "
          "drop loses what was not delivered; send and drop are for one start only",
          "hold")
      .Int("disk-reserve-mib", &disk_reserve_mib_,
           "refuse changes while the disk has less free space than this; 0: no limit",
           kDiskReserveMib)
      .Duration("scrub-interval", &scrub_interval_,
                "how often the whole store is read and checked; 0: never", kScrubEvery)
      .Int("scrub-mib", &scrub_mib_, "how much of the store such a check reads a second at most",
           kScrubMib)
      .Bool("sync", &sync_, "sync each commit to the disk; false only to measure", true);
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
