// What Prometheus' own libraries say of every process, by their names: prometheus-cpp has none of
// it.
#pragma once

#include <vector>

#include "absl/time/time.h"
#include "common/store/engine.h"

namespace nisi::rpc {

std::vector<store::Figure> ProcessFigures(absl::Time started);

}  // namespace nisi::rpc
