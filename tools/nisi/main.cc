#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "tools/nisi/command.h"
#include "tools/nisi/machines.h"
#include "tools/nisi/serve.h"
#include "tools/nisi/serve_services.h"

namespace {

int TerminalWidth() {
  constexpr int kUsual = 100;
  if (isatty(STDOUT_FILENO) == 0) return 0;
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return kUsual;
  return size.ws_col;
}

nisi::cli::Machines ServedMachines() {
  nisi::cli::Machines machines;
  for (const auto& [name, parts] : nisi::cli::ServedServices()) machines[name] = parts.machines();
  return machines;
}

}  // namespace

int main(int argc, char** argv) {
  nisi::cli::Io io;
  io.width = TerminalWidth();
  io.env = [](const char* name) {
    const char* value = std::getenv(name);
    return std::string(value == nullptr ? "" : value);
  };
  io.sleep = [](absl::Duration pause) { absl::SleepFor(pause); };
  const auto machines = [&io](const std::vector<std::string>& args) {
    return nisi::cli::RunMachines(args, ServedMachines(), io);
  };
  return nisi::cli::Run({argv + 1, argv + argc},
                        {{"serve", {nisi::cli::ServeMain, nisi::cli::CompleteServe}},
                         {"restore", {nisi::cli::RestoreMain, nisi::cli::CompleteRestore}},
                         {"doctor", {nisi::cli::DoctorMain, nisi::cli::CompleteDoctor}},
                         {"machines", {machines, nullptr}}},
                        io);
}
