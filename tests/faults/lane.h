// What the programs here have in common: their main, and trials in processes of their own.
#pragma once

#include <sys/mman.h>
#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <new>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "common/rpc/flags.h"

namespace nisi::faults {

// The main of a test that reads `flags`: draws *seed where it is 0, multiplies each of `scaled` by
// NISI_SCALE, runs it and says on one line why it failed. The exit code.
int RunLane(const std::string& name, rpc::Flags& flags, int argc, char** argv, int64_t* seed,
            const std::vector<int64_t*>& scaled, const std::function<absl::Status()>& run);

// Memory that a forked process fills for the one it came from; null where there is none.
template <class T>
T* NewShared() {
  void* memory =
      mmap(nullptr, sizeof(T), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  return memory == MAP_FAILED ? nullptr : new (memory) T();
}
template <class T>
void DropShared(T* shared) {
  munmap(shared, sizeof(T));
}

// As fork; what the child says goes to the file `log`, and SIGALRM ends it when it hangs. Only for
// a process without threads that has opened no store: a RocksDB does not live through a fork.
pid_t Fork(const std::string& log);

// Starts `count` trials by number, so that no more than `jobs` of them, told by `running`, run at
// once, and hands on how each process ended, until none runs.
void RunTrials(size_t count, int64_t jobs, const std::function<size_t()>& running,
               const std::function<void(size_t)>& start,
               const std::function<void(pid_t, int)>& ended);

}  // namespace nisi::faults
