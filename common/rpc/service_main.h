// The main of a service that runs as a process of its own: flags, files, signals. The only place
// with them.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "common/base/clock.h"
#include "common/rpc/host.h"

namespace nisi::rpc {

// Returns the exit code: 0 after a drain, 1 when it cannot start, 2 for bad flags, 70 when the
// store has failed.
int ServiceMain(int argc, char** argv, const std::string& name, const OpenService& open);

inline constexpr int kStoreFailed = 70;  // exit code

// Ends the process of a store that has failed, and closes nothing: what was acknowledged is synced,
// and closing would wait for a disk that may never answer. Only what tells the next process of it
// (store/failure_note.h) is waited for, for some seconds. Whoever supervises starts it again.
[[noreturn]] void EndFailed();

// SIGTERM and SIGINT as something to wait for. Made before any other thread, which then leave them
// alone.
class StopSignal {
 public:
  StopSignal();
  // Waits for a signal, or for Stop().
  void Wait();
  // From any thread; may be called more than once.
  static void Stop();
};

// A development clock: runs with the system's, moved by the text of a file that `nisi clock` writes
// ("+36h" or an instant). Reads the file again each 100 ms.
class FileClock {
 public:
  explicit FileClock(std::string path);
  ~FileClock();
  base::Clock* clock() { return &clock_; }

 private:
  void Apply();
  const std::string path_;
  std::string applied_;
  base::MovableClock clock_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace nisi::rpc
