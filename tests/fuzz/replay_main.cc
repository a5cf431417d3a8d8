// Runs the stored inputs of a target once each, without the fuzzing engine: fuzz_replay TARGET
// FOLDER...
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <vector>

#include "tests/fuzz/fuzz.h"

namespace {

namespace fs = std::filesystem;

std::vector<uint8_t> Read(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

}  // namespace

int main(int argc, char** argv) {
  const auto target = argc > 1 ? nisi::fuzz::Targets().find(argv[1]) : nisi::fuzz::Targets().end();
  if (target == nisi::fuzz::Targets().end()) {
    std::fprintf(stderr, "replay: no such target\n");
    return 2;
  }
  std::set<fs::path> paths;
  for (int i = 2; i < argc; ++i) {
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(argv[i], error)) {
      if (entry.is_regular_file()) paths.insert(entry.path());
    }
  }
  if (paths.empty()) {
    std::fprintf(stderr, "replay: no inputs: give folders that hold some\n");
    return 2;
  }
  target->second(nullptr, 0);
  double slowest = 0;
  for (const fs::path& path : paths) {
    // Said before, so that the last line names what a crash came from.
    std::printf("%s\n", path.filename().c_str());
    std::fflush(stdout);
    const std::vector<uint8_t> input = Read(path);
    const auto start = std::chrono::steady_clock::now();
    target->second(input.data(), input.size());
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
    slowest = std::max(slowest, took.count());
  }
  std::printf("replay: %zu inputs, the slowest took %.1f ms\n", paths.size(), slowest);
  return 0;
}
