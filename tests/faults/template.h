// A program that is loaded once and started many times: each start is a fork of it. To load the
// service with its 70 libraries takes longer than to open a store, and longer than what a test does
// between two kills.
#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"

namespace nisi::faults {

class Template {
 public:
  // Null where the program does not begin with ServeStarts, as one that is none of ours. Call it in
  // the thread that lives the longest: the kernel takes what is started for that thread's child.
  static absl::StatusOr<std::unique_ptr<Template>> Load(const std::string& program);
  // It ends when nobody can ask it for a start any more.
  ~Template();
  Template(const Template&) = delete;
  Template& operator=(const Template&) = delete;

  // A child of this process, as if spawned; the first word of the command is the program's name.
  absl::StatusOr<pid_t> Start(const std::vector<std::string>& command, const std::string& log);

 private:
  Template(pid_t pid, int socket) : pid_(pid), socket_(socket) {}
  const pid_t pid_;
  const int socket_;
  absl::Mutex mutex_;
};

// The other side: where the only argument is --template, the program does as it is asked until its
// end; else nullopt, and it is started alone. `run` is its main, in a process of its own.
std::optional<int> ServeStarts(int argc, char** argv, const std::function<int(int, char**)>& run);

}  // namespace nisi::faults
