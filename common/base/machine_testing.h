// What the test of every machine asks of it.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/base/machine.h"

namespace nisi::base {

// services/<name>/README.md holds the diagram between ```mermaid and ```, as `nisi machines` prints
// it. `readme`: relative to the root of the tree.
inline void ExpectReadmeShows(const MachineDef& machine, const std::string& readme) {
  std::ifstream in(absl::StrCat(NISI_SOURCE_DIR, "/", readme));
  std::ostringstream text;
  text << in.rdbuf();
  EXPECT_THAT(text.str(),
              ::testing::HasSubstr(absl::StrCat("```mermaid\n", machine.Mermaid(), "```\n")))
      << readme << ": nisi machines prints what belongs there";
}

}  // namespace nisi::base
