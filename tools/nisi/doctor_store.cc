#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "common/base/clock.h"
#include "common/base/status.h"
#include "common/rpc/disclosure.h"
#include "common/store/first_opening.h"
#include "tools/nisi/doctor.h"

namespace nisi::cli {
namespace {

namespace fs = std::filesystem;

constexpr char kLookCloser[] =
    "Read services' runbook before anything is started or deleted: `nisi restore` makes the store "
    "again from its backups, as of the last commit that they hold.";

}  // namespace

void ExamineStore(const Installation& at, const KeptStore& kept, Findings* findings) {
  const std::string folder = absl::StrCat(at.data, "/", kept.name);
  const std::string witness = absl::StrCat(at.witnesses, "/", kept.name, ".witness");
  std::error_code error;
  if (!fs::exists(folder, error)) {
    if (fs::exists(witness, error)) {
      findings->push_back({"STORE_LOST", folder, "Its witness is there, and the store is not.",
                           absl::StrCat("Put the folder back. ", kLookCloser)});
    }
    return;
  }
  base::SystemClock clock;
  const store::Schema& schema = *kept.schema;
  const absl::Status opened = store::ExamineStore(
      {folder, witness}, rpc::HasMarks(schema) ? rpc::WithDisclosure(schema) : schema, clock);
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
