#pragma once

#include <map>
#include <string>
#include <vector>

#include "tools/nisi/command.h"
#include "tools/nisi/io.h"

namespace nisi::cli {

// What may stand in the place of the last of the words `given` (which may be empty): candidates
// that begin with it, each "word" or "word<TAB>what it is"; the single candidate ":file" asks for
// names of files.
// `own`: the commands that know their flags themselves.
std::vector<std::string> Complete(const std::vector<std::string>& given,
                                  const std::map<std::string, Own>& own = {});

// nisi completion bash|zsh
int RunCompletion(const std::vector<std::string>& argv, const Io& io);
// nisi __complete WORDS...: what the scripts call back.
int RunComplete(const std::vector<std::string>& argv, const std::map<std::string, Own>& own,
                const Io& io);

}  // namespace nisi::cli
