// For tests: the program with everything around it replaced.
#pragma once

#include <functional>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tools/nisi/command.h"
#include "tools/nisi/io.h"

namespace nisi::cli {

struct Ran {
  int code = 0;
  std::string out;
  std::string err;
};

struct Program {
  std::map<std::string, std::string> env;
  std::string in;
  int width = 0;
  std::vector<absl::Duration> pauses;
  std::function<void()> meanwhile = [] {};  // what happens in a pause

  Ran operator()(const std::vector<std::string>& argv) {
    std::istringstream input(in);
    std::ostringstream out;
    std::ostringstream err;
    Io io;
    io.in = &input;
    io.out = &out;
    io.err = &err;
    io.width = width;
    io.env = [this](const char* name) { return env[name]; };
    io.sleep = [this](absl::Duration pause) {
      pauses.push_back(pause);
      meanwhile();
    };
    Ran ran;
    const Own counts = {
        [](const std::vector<std::string>& args) { return 100 + static_cast<int>(args.size()); },
        [](const std::vector<std::string>& words) {
          return std::vector<std::string>{absl::StrCat("--words-", words.size())};
        }};
    ran.code = Run(argv, {{"serve", counts}, {"restore", counts}}, io);
    ran.out = out.str();
    ran.err = err.str();
    return ran;
  }
};

}  // namespace nisi::cli
