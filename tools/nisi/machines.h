#pragma once

#include <map>
#include <string>
#include <vector>

#include "common/base/machine.h"
#include "tools/nisi/io.h"

namespace nisi::cli {

// By the service that owns them.
using Machines = std::map<std::string, std::vector<const base::MachineDef*>>;

// The states of all resources, or of those of one name ("edition"), as diagrams in Markdown: what
// the READMEs of the services show.
int RunMachines(const std::vector<std::string>& argv, const Machines& machines, const Io& io);

}  // namespace nisi::cli
