#include "services/contracts/tables.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

namespace nisi::contracts {
namespace {

TEST(TablesTest, WhatIsOnDiskChangesWithNotice) {
  EXPECT_EQ(ContractsSchema().Problem(), "");
  const std::string path = NISI_SOURCE_DIR "/services/contracts/testdata/schema.golden";
  if (std::getenv("UPDATE_GOLDEN") != nullptr) {
    std::ofstream(path) << ContractsSchema().Describe();
  }
  std::ifstream in(path);
  std::ostringstream golden;
  golden << in.rdbuf();
  EXPECT_EQ(ContractsSchema().Describe(), golden.str())
      << "run with UPDATE_GOLDEN=1 when the change is meant";
}

}  // namespace
}  // namespace nisi::contracts
