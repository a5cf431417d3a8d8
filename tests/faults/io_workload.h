// A short life of a store, the same each time: opened, 200 commits with flushes and compactions in
// between, closed and opened again. Run in a process of its own over a disk that fails somewhere;
// what it was told is left in memory that outlives it.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "common/store/fault_fs.h"

namespace nisi::faults {

inline constexpr int kCommits = 200;

// In shared memory; zero before the first commit.
struct IoRecord {
  struct Commit {
    bool sent = false;
    bool acknowledged = false;
    int64_t position = 0;
    std::array<char, 32> reply{};  // its hash
  };
  std::array<Commit, kCommits> commits{};
  // Before the store was opened again.
  bool acknowledged_after_failed_write = false;
  bool acknowledged_after_failure = false;
  bool opened_again = false;  // after a failure
  bool finished = false;
  int64_t calls = 0;  // that the plan names
  int64_t failures = 0;
  std::array<char, 80> first_failure{};
};

// Returns as soon as the store cannot be opened; a store that fails is opened again, and what it
// did not acknowledge is sent once more.
void RunIoWorkload(const std::string& folder, const store::FaultPlan& plan, IoRecord* record);

// With a disk that is well: "" when the store in `folder` holds what was acknowledged and nothing
// torn, else what is wrong.
std::string VerifyIoWorkload(const std::string& folder, const IoRecord& record);

}  // namespace nisi::faults
