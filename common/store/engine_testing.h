// Batches for tests: operations that hold their bytes themselves.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/store/engine.h"

namespace nisi::store {

struct OwnedOp {
  Space space;
  std::string key;
  std::optional<std::string> value;  // nullopt deletes
};

// Views of `ops`, which must stay.
inline std::vector<Batch::Op> ViewsOf(const std::vector<OwnedOp>& ops) {
  std::vector<Batch::Op> views;
  views.reserve(ops.size());
  for (const OwnedOp& op : ops) views.push_back({op.space, op.key, op.value});
  return views;
}

}  // namespace nisi::store
