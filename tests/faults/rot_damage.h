// What can become of the files of a store: flipped bits, zeroed bytes, logs cut and lost, an older
// copy put back. Drawn from a seed, and done to a copy.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <random>
#include <string>
#include <vector>

namespace nisi::faults {

// What is done to a copy, and what it is counted under.
struct Damage {
  std::string kind;
  std::string text;
  std::function<void(const std::string& folder)> apply;
  std::string file;            // that was damaged; empty: not one
  bool loses_commits = false;  // then it must not be opened
};

// The files of the store, by kind, relative to its folder; none of them empty.
using Files = std::map<std::string, std::vector<std::string>>;

// The bytes of a file.
std::string ReadAll(const std::string& path);

// Of the store in a folder made by BuildRotStore.
class Damages {
 public:
  Damages(std::string folder, uint64_t seed);

  // About so many bits flipped and bytes zeroed, most of them in table files and logs.
  std::vector<Damage> Flips(int64_t count);
  // So many logs cut and deleted, manifests cut, older copies put back.
  std::vector<Damage> Losses(int64_t count);

 private:
  uint64_t Draw(uint64_t below) { return random_() % below; }
  Damage Flip(const std::string& kind);
  Damage CutAt(const std::string& kind, const std::string& file, uint64_t size, uint64_t whole);

  const std::string folder_;
  const Files files_;
  std::mt19937_64 random_;
};

}  // namespace nisi::faults
