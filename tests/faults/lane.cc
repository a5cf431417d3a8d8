#include "tests/faults/lane.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <random>

#include "absl/strings/numbers.h"

namespace nisi::faults {
namespace {

constexpr unsigned kHangSeconds = 120;

// NISI_SCALE, 1 where it is not set.
double Scale() {
  const char* text = std::getenv("NISI_SCALE");
  double scale = 1;
  return text != nullptr && absl::SimpleAtod(text, &scale) && scale > 0 ? scale : 1;
}

}  // namespace

int RunLane(const std::string& name, rpc::Flags& flags, int argc, char** argv, int64_t* seed,
            const std::vector<int64_t*>& scaled, const std::function<absl::Status()>& run) {
  if (const absl::Status parsed = flags.Parse(argc, argv); !parsed.ok() || flags.help_wanted()) {
    std::cout << parsed.message() << "\n" << flags.Help();
    return parsed.ok() ? 0 : 2;
  }
  if (*seed == 0) *seed = 1 + std::random_device()() % 1'000'000;
  for (int64_t* figure : scaled) {
    *figure = static_cast<int64_t>(static_cast<double>(*figure) * Scale());
  }
  std::cout << name << ": seed " << *seed << std::endl;
  const absl::Status status = run();
  if (!status.ok()) std::cout << name << ": FAILED: " << status << std::endl;
  return status.ok() ? 0 : 1;
}

pid_t Fork(const std::string& log) {
  const pid_t pid = fork();
  if (pid != 0) return pid;
  const rlimit no_core{0, 0};
  setrlimit(RLIMIT_CORE, &no_core);
  if (std::freopen(log.c_str(), "w", stderr) == nullptr) _exit(1);
  alarm(kHangSeconds);
  return 0;
}

void RunTrials(size_t count, int64_t jobs, const std::function<size_t()>& running,
               const std::function<void(size_t)>& start,
               const std::function<void(pid_t, int)>& ended) {
  size_t next = 0;
  while (next < count || running() > 0) {
    while (next < count && running() < static_cast<size_t>(jobs)) start(next++);
    int status = 0;
    const pid_t pid = waitpid(-1, &status, 0);
    if (pid > 0) ended(pid, status);
  }
}

}  // namespace nisi::faults
