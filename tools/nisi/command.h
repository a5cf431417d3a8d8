#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tools/nisi/io.h"

namespace nisi::cli {

using Serve = std::function<int(const std::vector<std::string>&)>;

// The whole program: `argv` without the program's name; `serve` gets what stands after that word.
// Returns the exit code.
int Run(const std::vector<std::string>& argv, const Serve& serve, const Io& io);

}  // namespace nisi::cli
