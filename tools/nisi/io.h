#pragma once

#include <functional>
#include <iostream>
#include <string>

#include "absl/time/time.h"

namespace nisi::cli {

// What a command touches besides its arguments, so that tests can stand in for all of it.
struct Io {
  std::istream* in = &std::cin;
  std::ostream* out = &std::cout;
  std::ostream* err = &std::cerr;
  // Columns of the terminal that `out` is; 0 when it is none.
  int width = 0;
  // An environment variable; empty when absent.
  std::function<std::string(const char*)> env = [](const char*) { return std::string(); };
  std::function<void(absl::Duration)> sleep;
};

// Exit codes.
inline constexpr int kDone = 0;
inline constexpr int kRefused = 1;
inline constexpr int kUsage = 2;
inline constexpr int kUnavailable = 3;

enum class Format { kTable, kJson, kCsv };

}  // namespace nisi::cli
