#include "tests/faults/service.h"

#include <filesystem>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/base/status.h"
#include "common/store/fault_fs.h"

namespace nisi::faults {
namespace {

namespace fs = std::filesystem;

constexpr char kServing[] = "\"serving\"";

}  // namespace

Service::Service(const Workplace& place, std::string folder, std::vector<std::string> flags)
    : place_(place), folder_(std::move(folder)), flags_(std::move(flags)) {
  fs::remove_all(folder_);
  fs::create_directories(folder_);
}

absl::Status Service::Spawn(const Disk& disk) {
  fs::remove(folder_ + "/socket");
  const std::string plan =
      absl::StrCat("cut notes=", Notes(), " sync_us=", disk.sync_us, " seed=", disk.seed,
                   disk.fail.empty() ? "" : "; ", disk.fail);
  std::vector<std::string> flags{"--scrub", "--fault-plan=" + plan};
  if (!disk.sync) flags.emplace_back("--sync=false");
  flags.insert(flags.end(), flags_.begin(), flags_.end());
  ASSIGN_OR_RETURN(process_, place_.Start(folder_, flags));
  while (!fs::exists(Notes()) && !process_->ended().has_value()) {
    absl::SleepFor(absl::Milliseconds(1));
  }
  return absl::OkStatus();
}

absl::Status Service::Start(const Disk& disk) {
  RETURN_IF_ERROR(Spawn(disk));
  const absl::Time begin = absl::Now();
  RETURN_IF_ERROR(process_->WaitForLog(kServing, kStartLimit));
  open_us_ = absl::ToInt64Microseconds(absl::Now() - begin);
  return absl::OkStatus();
}

absl::StatusOr<int> Service::Cut(uint64_t seed) {
  process_->Kill();
  const auto undone = store::UndoUnsyncedEntries(Notes(), seed);
  fs::remove_all(Notes());
  // It may end before there are notes.
  if (absl::IsNotFound(undone.status())) return 0;
  return undone;
}

}  // namespace nisi::faults
