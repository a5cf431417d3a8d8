#include "tests/faults/rot_damage.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace nisi::faults {
namespace {

namespace fs = std::filesystem;

constexpr size_t kZeroed = 512;
// Of RocksDB's logs.
constexpr size_t kLogBlock = 32'768;
constexpr size_t kLogHeader = 7;

void Overwrite(const std::string& path, uint64_t at, const std::string& bytes) {
  std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
  file.seekp(static_cast<std::streamoff>(at));
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

// Where records of a log end.
std::vector<uint64_t> RecordEnds(const std::string& log) {
  std::vector<uint64_t> ends;
  size_t at = 0;
  while (at + kLogHeader <= log.size()) {
    const size_t left = kLogBlock - at % kLogBlock;
    if (left < kLogHeader) {
      at += left;
      continue;
    }
    const size_t length = static_cast<uint8_t>(log[at + 4]) | static_cast<uint8_t>(log[at + 5])
                                                                  << 8;
    const char type = log[at + 6];
    if (type == 0) break;
    at += kLogHeader + length;
    if (type == 1 || type == 4) ends.push_back(at);  // whole, or the last piece
  }
  return ends;
}

Files FilesOf(const std::string& folder) {
  Files files;
  for (const auto& entry : fs::directory_iterator(folder + "/store")) {
    const std::string name = entry.path().filename();
    if (!entry.is_regular_file() || entry.file_size() == 0) continue;
    const std::string kind = absl::EndsWith(name, ".sst")          ? "sst"
                             : absl::EndsWith(name, ".log")        ? "wal"
                             : absl::StartsWith(name, "MANIFEST-") ? "manifest"
                             : name == "CURRENT"                   ? "current"
                             : absl::StartsWith(name, "OPTIONS-")  ? "options"
                                                                   : "";
    if (!kind.empty()) files[kind].push_back("store/" + name);
  }
  files["witness"].push_back("witness");
  for (auto& [kind, names] : files) std::sort(names.begin(), names.end());
  return files;
}

}  // namespace

std::string ReadAll(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

Damages::Damages(std::string folder, uint64_t seed)
    : folder_(std::move(folder)), files_(FilesOf(folder_)), random_(seed) {}

// A bit, or as often as not at the end of the file; 512 bytes one time in four.
Damage Damages::Flip(const std::string& kind) {
  const auto& names = files_.at(kind);
  while (true) {
    const std::string& name = names[Draw(names.size())];
    const std::string bytes = ReadAll(folder_ + "/" + name);
    const bool zeroes = Draw(4) == 0;
    const bool at_end = Draw(4) == 0;
    const uint64_t from = at_end && bytes.size() > kZeroed ? bytes.size() - kZeroed : 0;
    const uint64_t at = from + Draw(bytes.size() - from);
    std::string changed = bytes.substr(at, zeroes ? kZeroed : 1);
    const uint64_t bit = Draw(8);
    if (zeroes) {
      std::fill(changed.begin(), changed.end(), '\0');
    } else {
      changed[0] = static_cast<char>(changed[0] ^ (1 << bit));
    }
    if (bytes.compare(at, changed.size(), changed) == 0) continue;  // zeros before
    Damage damage;
    damage.kind = kind;
    damage.text = absl::StrCat(name, zeroes ? " zeroed from " : " flipped at ", at,
                               zeroes ? "" : absl::StrCat(" bit ", bit), " of ", bytes.size());
    damage.file = name;
    damage.apply = [name, at, changed](const std::string& folder) {
      Overwrite(absl::StrCat(folder, "/", name), at, changed);
    };
    return damage;
  }
}

std::vector<Damage> Damages::Flips(int64_t count) {
  // Of twenty.
  const std::pair<const char*, int> shares[] = {{"sst", 7},     {"wal", 6},     {"manifest", 4},
                                                {"current", 1}, {"witness", 1}, {"options", 1}};
  std::vector<Damage> damages;
  for (const auto& [kind, share] : shares) {
    for (int64_t i = 0; i < std::max<int64_t>(1, count * share / 20); ++i) {
      damages.push_back(Flip(kind));
    }
  }
  return damages;
}

Damage Damages::CutAt(const std::string& kind, const std::string& file, uint64_t size,
                      uint64_t whole) {
  Damage damage;
  damage.kind = kind;
  damage.text = absl::StrCat(file, " cut at ", size, " of ", whole);
  damage.loses_commits = size < whole;
  damage.apply = [file, size](const std::string& folder) {
    fs::resize_file(absl::StrCat(folder, "/", file), size);
  };
  return damage;
}

std::vector<Damage> Damages::Losses(int64_t count) {
  std::vector<Damage> damages;
  for (const std::string& name : files_.at("wal")) {
    damages.push_back({"wal_deleted", name + " deleted",
                       [name](const std::string& folder) { fs::remove(folder + "/" + name); }, "",
                       true});
  }
  damages.push_back({"wal_deleted", "all logs deleted",
                     [this](const std::string& folder) {
                       for (const std::string& name : files_.at("wal"))
                         fs::remove(folder + "/" + name);
                     },
                     "", true});
  for (int old = 0; old < 3; ++old) {
    damages.push_back({"old_copy", absl::StrCat("old copy ", old),
                       [old](const std::string& folder) {
                         fs::remove_all(folder + "/store");
                         fs::rename(absl::StrCat(folder, "/old-", old), folder + "/store");
                       },
                       "", true});
  }
  // Half of the rest at the borders of records.
  for (int64_t i = 0; static_cast<int64_t>(damages.size()) < count; ++i) {
    const bool manifest = i % 6 == 5;
    const auto& names = files_.at(manifest ? "manifest" : "wal");
    const std::string& name = names[Draw(names.size())];
    const std::string bytes = ReadAll(folder_ + "/" + name);
    const std::vector<uint64_t> ends = RecordEnds(bytes);
    const uint64_t size = i % 2 == 0 ? ends[Draw(ends.size())] : Draw(bytes.size());
    Damage damage = CutAt(manifest     ? "manifest_cut"
                          : i % 2 == 0 ? "wal_cut_at_record"
                                       : "wal_cut",
                          name, size, ends.back());
    if (manifest) damage.loses_commits = false;  // what it lists may still be in the logs
    damages.push_back(std::move(damage));
  }
  return damages;
}

}  // namespace nisi::faults
