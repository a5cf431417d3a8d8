#include "tests/faults/process.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <fstream>
#include <iterator>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/base/status.h"

namespace nisi::faults {
namespace {

constexpr absl::Duration kLook = absl::Milliseconds(4);
constexpr size_t kLogEnd = 3000;

}  // namespace

absl::StatusOr<std::unique_ptr<Process>> Process::Start(const std::vector<std::string>& command,
                                                        const std::string& log) {
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, log.c_str(),
                                   O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0600);
  posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
  pid_t pid = 0;
  const int error = posix_spawn(&pid, arguments[0], &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) {
    return absl::UnavailableError(absl::StrCat(command[0], ": ", std::strerror(error)));
  }
  return std::unique_ptr<Process>(new Process(pid, log));
}

absl::StatusOr<std::unique_ptr<Process>> Process::Start(Template& loaded,
                                                        const std::vector<std::string>& command,
                                                        const std::string& log) {
  ASSIGN_OR_RETURN(const pid_t pid, loaded.Start(command, log));
  return std::unique_ptr<Process>(new Process(pid, log));
}

Process::~Process() {
  Kill();
}

std::optional<int> Process::ended() {
  int status = 0;
  if (!ended_.has_value() && waitpid(pid_, &status, WNOHANG) == pid_) ended_ = status;
  return ended_;
}

std::optional<int> Process::WaitForEnd(absl::Duration limit) {
  const absl::Time until = absl::Now() + limit;
  while (!ended().has_value() && absl::Now() < until) absl::SleepFor(kLook);
  return ended_;
}

absl::Status Process::WaitForLog(const std::string& words, absl::Duration limit) {
  const absl::Time until = absl::Now() + limit;
  while (absl::Now() < until) {
    const bool over = ended().has_value();
    if (absl::StrContains(Log(), words)) return absl::OkStatus();
    if (over) return absl::UnavailableError(absl::StrCat(EndOf(*ended_), "\n", Log()));
    absl::SleepFor(kLook);
  }
  return absl::UnavailableError(absl::StrCat("said nothing of ", words, "\n", Log()));
}

void Process::Signal(int signal) {
  if (!ended().has_value()) kill(pid_, signal);
}

void Process::Kill() {
  if (ended().has_value()) return;
  kill(pid_, SIGKILL);
  int status = 0;
  if (waitpid(pid_, &status, 0) == pid_) ended_ = status;
}

std::string Process::Log() const {
  std::ifstream file(log_);
  std::string text(std::istreambuf_iterator<char>(file), {});
  return text.size() > kLogEnd ? text.substr(text.size() - kLogEnd) : text;
}

std::string EndOf(int status) {
  return WIFSIGNALED(status) ? absl::StrCat("signal ", WTERMSIG(status))
                             : absl::StrCat("exit code ", WEXITSTATUS(status));
}

}  // namespace nisi::faults
