// The real service of priority goods over a disk that fails as it is told to. For tests: what is
// shipped knows neither of these flags, which come before the service's own.
//   --fault-plan=TEXT   see common/store/fault_fs_plan.h
//   --scrub             does not serve a store in which the scrub finds something
// Or --template alone: is started as often as its parent asks, see template.h.
#include <sys/prctl.h>
#include <sys/resource.h>

#include <csignal>
#include <iostream>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "common/base/status.h"
#include "common/rpc/service_main.h"
#include "common/store/fault_fs.h"
#include "services/priority_goods/service.h"
#include "tests/faults/template.h"

namespace nisi::faults {
namespace {

struct Settings {
  std::optional<store::FaultDisk> disk;
  bool scrub = false;
};

absl::Status Take(absl::string_view flag, Settings* settings) {
  if (flag == "--scrub") {
    settings->scrub = true;
    return absl::OkStatus();
  }
  absl::ConsumePrefix(&flag, "--fault-plan=");
  ASSIGN_OR_RETURN(const store::FaultPlan plan, store::ParseFaultPlan(flag));
  settings->disk.emplace(plan);
  return absl::OkStatus();
}

absl::Status CheckWhole(const store::Store& store) {
  ASSIGN_OR_RETURN(const std::vector<std::string> findings, store.Scrub());
  if (findings.empty()) return absl::OkStatus();
  return base::Refusal(absl::StatusCode::kDataLoss, "SCRUB", absl::StrJoin(findings, "; "));
}

absl::StatusOr<std::unique_ptr<rpc::HostedService>> Open(const Settings& settings,
                                                         rpc::HostOptions host) {
  if (settings.disk.has_value()) host.file_system = settings.disk->file_system();
  ASSIGN_OR_RETURN(std::unique_ptr<rpc::HostedService> service, priority_goods::Open(host));
  if (settings.scrub) RETURN_IF_ERROR(CheckWhole(service->store()));
  return service;
}

int Main(int argc, char** argv) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);  // No orphan, however the test ends.
  const rlimit no_core{0, 0};
  setrlimit(RLIMIT_CORE, &no_core);  // RocksDB ends the process when a write under it fails.
  Settings settings;
  std::vector<char*> rest{argv[0]};
  for (int i = 1; i < argc; ++i) {
    const absl::string_view flag = argv[i];
    if (flag != "--scrub" && !absl::StartsWith(flag, "--fault-plan=")) {
      rest.push_back(argv[i]);
    } else if (const absl::Status taken = Take(flag, &settings); !taken.ok()) {
      std::cerr << taken << "\n";
      return 2;
    }
  }
  return rpc::ServiceMain(
      static_cast<int>(rest.size()), rest.data(), "priority-goods",
      [&settings](const rpc::HostOptions& host) { return Open(settings, host); });
}

}  // namespace
}  // namespace nisi::faults

int main(int argc, char** argv) {
  const auto served = nisi::faults::ServeStarts(argc, argv, nisi::faults::Main);
  return served.has_value() ? *served : nisi::faults::Main(argc, argv);
}
