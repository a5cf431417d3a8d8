#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "absl/time/clock.h"
#include "tools/nisi/command.h"
#include "tools/nisi/serve.h"

namespace {

int TerminalWidth() {
  constexpr int kUsual = 100;
  if (isatty(STDOUT_FILENO) == 0) return 0;
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return kUsual;
  return size.ws_col;
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
  return nisi::cli::Run({argv + 1, argv + argc},
                        {{"serve", nisi::cli::ServeMain}, {"restore", nisi::cli::RestoreMain}}, io);
}
