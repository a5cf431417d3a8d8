// What a main says of the stores it hosts, the same for one service alone and for all in one
// process.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/rpc/flags.h"
#include "common/rpc/host.h"

namespace nisi::rpc {

class HostFlags {
 public:
  // `data_variable`: of the environment, which stands for --data where that is not given; null:
  // none.
  void AddTo(Flags* flags, const char* data_variable = nullptr);
  // INVALID_ARGUMENT when a number is out of its range.
  absl::Status Fill(HostOptions* options) const;
  const std::string& data() const { return data_; }

 private:
  std::string data_, witness_dir_, backup_folder_, old_messages_;
  int64_t backups_kept_ = 0, backup_days_kept_ = 0, disk_reserve_mib_ = 0, scrub_mib_ = 0;
  absl::Duration scrub_interval_;
  bool sync_ = true, new_store_ = false;
};

}  // namespace nisi::rpc
