// What the load client asks: the path of a method and the bytes of its n-th request.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tools/benchmarks/load.h"

namespace nisi::bench {

struct Workload {
  std::string path;
  std::function<std::string(int64_t n)> request;
};

// INVALID_ARGUMENT for a name that is none of AllWorkloads(), or without what it needs.
absl::StatusOr<Workload> MakeWorkload(const LoadSettings& settings);
std::vector<std::string> AllWorkloads();

}  // namespace nisi::bench
