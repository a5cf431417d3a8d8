#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "tools/nisi/io.h"

namespace nisi::cli {

// A command with flags of its own, which needs the services themselves.
struct Own {
  std::function<int(const std::vector<std::string>&)> run;
  // Candidates for the last of the words after its name, as Complete gives them; null: none.
  std::function<std::vector<std::string>(const std::vector<std::string>&)> complete;
};

// The whole program: `argv` without the program's name; `own` commands by their name get what
// stands after that word. Returns the exit code.
int Run(const std::vector<std::string>& argv, const std::map<std::string, Own>& own, const Io& io);

}  // namespace nisi::cli
