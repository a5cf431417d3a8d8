#pragma once

#include <string>
#include <vector>

#include "tools/nisi/io.h"

namespace nisi::cli {

// nisi backup: has the services make backups, one after another. Returns the exit code of the first
// that could not.
int RunBackup(const std::vector<std::string>& argv, const Io& io);

}  // namespace nisi::cli
