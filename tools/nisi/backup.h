#pragma once

#include <string>
#include <vector>

#include "tools/nisi/io.h"

namespace nisi::cli {

// nisi backup: has the services make backups, one after another, and goes on where one cannot.
// Returns kRefused when one could not; of a --service alone, what its refusal is.
int RunBackup(const std::vector<std::string>& argv, const Io& io);

}  // namespace nisi::cli
