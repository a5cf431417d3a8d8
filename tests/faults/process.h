// A process that a test starts, watches and kills.
#pragma once

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "tests/faults/template.h"

namespace nisi::faults {

class Process {
 public:
  // What it says goes to the file `log`, which begins empty.
  static absl::StatusOr<std::unique_ptr<Process>> Start(const std::vector<std::string>& command,
                                                        const std::string& log);
  // The same, as a fork of a program that is loaded.
  static absl::StatusOr<std::unique_ptr<Process>> Start(Template& loaded,
                                                        const std::vector<std::string>& command,
                                                        const std::string& log);
  // Kills it.
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  // As waitpid says; nullopt while it runs.
  std::optional<int> ended();
  // How it ended; nullopt when it did not in so long.
  std::optional<int> WaitForEnd(absl::Duration limit);
  // OK when its log holds the words; UNAVAILABLE with the end of the log when it ended or took too
  // long.
  absl::Status WaitForLog(const std::string& words, absl::Duration limit);
  void Signal(int signal);
  // SIGKILL, and waits for the end.
  void Kill();
  std::string Log() const;

 private:
  Process(pid_t pid, std::string log) : pid_(pid), log_(std::move(log)) {}
  const pid_t pid_;
  const std::string log_;
  std::optional<int> ended_;
};

// "exit code 70", "signal 6".
std::string EndOf(int status);

}  // namespace nisi::faults
