// One service on a disk that loses, at a kill, what was not synced; started, cut and started again
// over what is left.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tests/faults/process.h"
#include "tests/faults/workplace.h"

namespace nisi::faults {

class Service {
 public:
  struct Disk {
    bool sync = true;     // off: --sync=false
    int64_t sync_us = 0;  // most that a sync takes
    std::string fail;     // a clause of the fault plan; empty: none
    uint64_t seed = 0;
  };

  // In which it must serve, also on a machine that stops for a while.
  static constexpr absl::Duration kStartLimit = absl::Seconds(120);

  // The service of the place takes --fault-plan, and `flags` besides; the store lies in `folder`,
  // which is made anew.
  Service(const Workplace& place, std::string folder, std::vector<std::string> flags = {});

  // Starts it and waits until it has begun to use its disk, or has ended.
  absl::Status Spawn(const Disk& disk);
  // And until it serves. UNAVAILABLE with the end of its log when it does not.
  absl::Status Start(const Disk& disk);
  // Kills it, where it still runs, and takes back what was not synced of folders; how many entries.
  absl::StatusOr<int> Cut(uint64_t seed);

  Process& process() { return *process_; }
  Clients NewClients() const { return place_.ClientsOf(folder_); }
  std::unique_ptr<Client> NewWriter() const { return place_.WriterOf(folder_); }
  std::string witness() const { return folder_ + "/data/priority-goods.witness"; }
  // How long it took from the disk to serving, the last time.
  int64_t open_us() const { return open_us_; }

 private:
  std::string Notes() const { return folder_ + "/notes"; }

  const Workplace& place_;
  const std::string folder_;
  const std::vector<std::string> flags_;
  std::unique_ptr<Process> process_;
  int64_t open_us_ = 50'000;
};

}  // namespace nisi::faults
