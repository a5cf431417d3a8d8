// What the tests of tables share: a schema, and the keys of sample rows, against the golden file of
// the service, so that each change of what is on disk is seen in review.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/base/hash.h"
#include "common/store/table.h"

namespace nisi::store {

// A line for the row's key in its table.
template <class Row>
std::string TableKey(const Table<Row>& table, const Row& row) {
  return absl::StrCat("key ", table.name, " ", base::HexEncode(table.key(row).bytes()), "\n");
}

// A line for each of the row's keys in an index.
inline std::string IndexKeys(const IndexDef& index, const google::protobuf::Message& row) {
  std::string lines;
  index.keys(row, [&](const Key& key) {
    absl::StrAppend(&lines, "key ", index.name, " ", base::HexEncode(key.bytes()), "\n");
  });
  return lines.empty() ? absl::StrCat("key ", index.name, " none\n") : lines;
}

// The schema is sound, and testdata/schema.golden of the service says what it says and then
// `keys`. UPDATE_GOLDEN=1 rewrites the file.
inline void ExpectGolden(const Schema& schema, const std::string& service,
                         const std::string& keys = "") {
  EXPECT_EQ(schema.Problem(), "");
  const std::string text = schema.Describe() + keys;
  const std::string path =
      absl::StrCat(NISI_SOURCE_DIR, "/services/", service, "/testdata/schema.golden");
  if (std::getenv("UPDATE_GOLDEN") != nullptr) std::ofstream(path) << text;
  std::ifstream file(path);
  ASSERT_TRUE(file.good()) << path;
  std::stringstream golden;
  golden << file.rdbuf();
  EXPECT_EQ(text, golden.str()) << "run with UPDATE_GOLDEN=1 when the change is meant";
}

}  // namespace nisi::store
