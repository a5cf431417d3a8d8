// For tests: norms that read otherwise than those of the files.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_replace.h"
#include "common/norms/norms.h"

namespace nisi::norms {

// Those of deploy/norms after the changes, one after another, each of which is found there.
inline Norms Edited(const std::vector<std::pair<std::string, std::string>>& changes) {
  std::vector<NormFile> files = Norms::DefaultFiles();
  for (const auto& change : changes) {
    int found = 0;
    for (NormFile& file : files) found += absl::StrReplaceAll({change}, &file.text);
    EXPECT_GT(found, 0) << change.first;
  }
  return *Norms::LoadText(files);
}

}  // namespace nisi::norms
