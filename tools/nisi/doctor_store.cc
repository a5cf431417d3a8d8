#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/base/clock.h"
#include "common/base/status.h"
#include "common/rpc/disclosure.h"
#include "common/store/failure_note.h"
#include "common/store/first_opening.h"
#include "tools/nisi/doctor.h"

namespace nisi::cli {
namespace {

namespace fs = std::filesystem;

constexpr char kLookCloser[] =
    "Read deploy/prometheus/runbook.md (NisiStoreDamaged) before anything is started or deleted: "
    "`nisi restore` makes the store again from its backups, as of the last commit that they hold.";

// So long the alerts tell of a failure.
constexpr absl::Duration kFailureTold = absl::Hours(24);

// What befell a store of late, under a process that may be gone.
void TellFailures(const std::string& folder, Findings* findings) {
  for (const store::Failure& failure : store::ReadFailures(folder)) {
    if (failure.at < base::SystemNow() - kFailureTold) continue;
    std::string code = "STORE_FAILED", what = "It stopped at ";
    std::string mend =
        "Look at its disk (the kernel's log, smartctl, its room): what was acknowledged is there, "
        "and the next failure may be its last.";
    if (failure.reason == "STORE_UNSOUND") {
      code = failure.reason;
      mend = absl::StrCat("The scrub found rows that contradict each other. ", kLookCloser);
    } else if (failure.kind == store::kFailedDamage) {
      code = "STORE_DAMAGED";
      what = "Bytes that do not read as what was written were found at ";
      mend = absl::StrCat("Whoever asks for them gets DATA_LOSS, and nobody else. ", kLookCloser);
    }
    findings->push_back(
        {code, folder,
         absl::StrCat(what, absl::FormatTime(absl::RFC3339_sec, failure.at, absl::UTCTimeZone()),
                      ": ", failure.reason, "."),
         absl::StrCat(mend, " It is told for a day, or until ", folder, "/FAILED is removed.")});
  }
}

// Why its process would refuse to begin with an empty one; empty: it would not.
std::string WhyLost(const Installation& at, const KeptStore& kept, const store::StorePlace& place) {
  std::error_code error;
  if (!fs::exists(place.dir, error) && fs::exists(place.witness, error)) {
    return "Its witness is there, and the store is not.";
  }
  if (at.backup_folder.empty() || at.new_store) return "";
  const absl::Status lost =
      store::CheckNotLost(place, absl::StrCat(at.backup_folder, "/", kept.name));
  return std::string(lost.message());
}

}  // namespace

void ExamineStore(const Installation& at, const KeptStore& kept, Findings* findings) {
  const std::string folder = absl::StrCat(at.data, "/", kept.name);
  const store::StorePlace place{folder, absl::StrCat(at.witnesses, "/", kept.name, ".witness")};
  std::error_code error;
  // ExamineFolders tells of it, once for all stores.
  if (!fs::exists(at.data, error)) return;
  if (const std::string why = WhyLost(at, kept, place); !why.empty()) {
    findings->push_back({"STORE_LOST", folder, why,
                         absl::StrCat("Mount its disk, or put the folder back. ", kLookCloser)});
    return;
  }
  if (!fs::exists(folder, error)) return;
  TellFailures(folder, findings);
  base::SystemClock clock;
  const store::Schema& schema = *kept.schema;
  const absl::Status opened = store::ExamineStore(
      place, rpc::HasMarks(schema) ? rpc::WithDisclosure(schema) : schema, clock);
  if (opened.ok()) return;
  if (base::ReasonOf(opened) == "STORE_UNREADABLE") {
    findings->push_back({"STORE_UNREADABLE", folder, std::string(opened.message()),
                         "Give it the disk room or the rights that it lacks."});
    return;
  }
  findings->push_back({"STORE_BROKEN", folder,
                       absl::StrCat(base::ReasonOf(opened), ": ", opened.message()), kLookCloser});
}

}  // namespace nisi::cli
