#include "services/clusters/tables.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

#include "absl/strings/str_cat.h"

namespace nisi::clusters {
namespace {

TEST(SchemaTest, IsSound) {
  EXPECT_EQ(ClustersSchema().Problem(), "");
}

// UPDATE_GOLDEN=1 rewrites the file; a change of what is on disk is then seen in review.
TEST(SchemaTest, IsWhatTheGoldenFileSays) {
  const std::string path =
      absl::StrCat(NISI_SOURCE_DIR, "/services/clusters/testdata/schema.golden");
  if (std::getenv("UPDATE_GOLDEN") != nullptr) std::ofstream(path) << ClustersSchema().Describe();
  std::ifstream file(path);
  ASSERT_TRUE(file.good()) << path;
  std::stringstream golden;
  golden << file.rdbuf();
  EXPECT_EQ(ClustersSchema().Describe(), golden.str())
      << "run with UPDATE_GOLDEN=1 when the change is meant";
}

}  // namespace
}  // namespace nisi::clusters
