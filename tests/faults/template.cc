#include "tests/faults/template.h"

#include <fcntl.h>
#include <sched.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <iostream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"

namespace nisi::faults {
namespace {

constexpr char kFlag[] = "--template";
constexpr int kSocket = 3;  // of the template
constexpr size_t kLongest = 64 << 10;

absl::Status Failed(absl::string_view what) {
  return absl::UnavailableError(absl::StrCat(what, ": ", std::strerror(errno)));
}

// The log, then the words of the command.
int Begin(const std::string& request, const std::function<int(int, char**)>& run) {
  close(kSocket);
  std::vector<std::string> words = absl::StrSplit(request, '\0');
  const int log = open(words[0].c_str(), O_WRONLY | O_APPEND);
  if (log < 0 || dup2(log, STDERR_FILENO) < 0 || dup2(log, STDOUT_FILENO) < 0) return 1;
  close(log);
  std::vector<char*> arguments;
  for (size_t i = 1; i < words.size(); ++i) arguments.push_back(words[i].data());
  arguments.push_back(nullptr);
  return run(static_cast<int>(arguments.size()) - 1, arguments.data());
}

}  // namespace

absl::StatusOr<std::unique_ptr<Template>> Template::Load(const std::string& program) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) return Failed(program);
  std::string name = program, flag = kFlag;
  char* arguments[] = {name.data(), flag.data(), nullptr};
  std::string bind = "LD_BIND_NOW=1";  // every name is looked for here, and not in each child
  std::vector<char*> environment{bind.data()};
  for (char** each = environ; *each != nullptr; ++each) environment.push_back(*each);
  environment.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], kSocket);
  pid_t pid = 0;
  errno = posix_spawn(&pid, name.c_str(), &actions, nullptr, arguments, environment.data());
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  if (errno != 0) {
    close(ends[0]);
    return Failed(program);
  }
  std::unique_ptr<Template> loaded(new Template(pid, ends[0]));
  pid_t ready = -1;
  if (recv(ends[0], &ready, sizeof ready, 0) != sizeof ready) return nullptr;
  return loaded;
}

Template::~Template() {
  close(socket_);
  waitpid(pid_, nullptr, 0);
}

absl::StatusOr<pid_t> Template::Start(const std::vector<std::string>& command,
                                      const std::string& log) {
  // Empty from now on, not from when the child opens it.
  const int empty = open(log.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (empty < 0) return Failed(log);
  close(empty);
  const absl::string_view zero("\0", 1);
  const std::string request = absl::StrCat(log, zero, absl::StrJoin(command, zero));
  const absl::MutexLock lock(&mutex_);
  pid_t pid = 0;
  if (send(socket_, request.data(), request.size(), MSG_NOSIGNAL) < 0 ||
      recv(socket_, &pid, sizeof pid, 0) != sizeof pid || pid <= 0) {
    return Failed(absl::StrCat(command[0], " ", kFlag));
  }
  return pid;
}

std::optional<int> ServeStarts(int argc, char** argv, const std::function<int(int, char**)>& run) {
  if (argc != 2 || absl::string_view(argv[1]) != kFlag) return std::nullopt;
  std::string request(kLongest, '\0');
  pid_t pid = 0;  // of nobody: it is ready
  while (send(kSocket, &pid, sizeof pid, MSG_NOSIGNAL) >= 0) {
    const ssize_t size = recv(kSocket, request.data(), request.size(), 0);
    if (size <= 0) break;
    // There is one thread here, and what it starts is not its own child but its parent's, who waits
    // for it: no fork of the C library does that.
    const int64_t made = syscall(SYS_clone, CLONE_PARENT | SIGCHLD, nullptr, nullptr, nullptr, 0);
    pid = static_cast<pid_t>(made);
    if (pid == 0) return Begin(request.substr(0, static_cast<size_t>(size)), run);
  }
  return 0;
}

}  // namespace nisi::faults
