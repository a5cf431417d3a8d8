// For the tests of the engine over RocksDB: rows that can be told right from wrong, and files to
// damage.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/store/engine.h"
#include "common/store/rocks_engine.h"

namespace nisi::store {

namespace fs = std::filesystem;

inline RocksOptions In(const std::string& dir) {
  RocksOptions options;
  options.dir = dir;
  options.write_buffer_bytes = size_t{4} << 20;  // a hundred stores are opened in a test
  return options;
}

inline std::string KeyAt(int64_t i) {
  return absl::StrCat("key", 100'000 + i);
}
inline std::string ValueAt(int64_t i) {
  return absl::StrCat("value ", i, " ", std::string(20, static_cast<char>('a' + i % 26)));
}

inline absl::Status CommitRow(Engine& engine, int64_t i) {
  return engine.Commit(
      {{{Space::kData, KeyAt(i), ValueAt(i)}, {Space::kLog, KeyAt(i), ValueAt(i)}}, i - 1, i});
}

inline void Fill(Engine& engine, int64_t rows) {
  for (int64_t i = 1; i <= rows; ++i) {
    const absl::Status status = CommitRow(engine, i);
    ASSERT_TRUE(status.ok()) << status;
  }
}

// How many of the first `rows` rows read back right; the first bad status goes to *status. A value
// that reads back wrong fails the test.
inline int64_t CountRows(const Engine& engine, int64_t rows, absl::Status* status) {
  const auto snapshot = engine.NewSnapshot();
  int64_t count = 0;
  for (int64_t i = 1; i <= rows; ++i) {
    for (const Space space : {Space::kData, Space::kLog}) {
      std::string value;
      const auto found = snapshot->Get(space, KeyAt(i), &value);
      if (!found.ok() && status->ok()) *status = found.status();
      if (!found.ok() || !*found) continue;
      EXPECT_EQ(value, ValueAt(i));
      ++count;
    }
  }
  return count / 2;
}

inline std::vector<fs::path> FilesEndingIn(const std::string& dir, const std::string& ending) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(dir)) {
    if (entry.path().extension() == ending && entry.file_size() > 0) files.push_back(entry.path());
  }
  return files;
}

inline std::string ReadAll(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}
inline void WriteAll(const fs::path& path, const std::string& bytes) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

inline absl::Status OpenStatus(const std::string& dir) {
  return OpenRocks(In(dir)).status();
}

}  // namespace nisi::store
