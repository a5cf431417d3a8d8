#include "common/store/engine.h"

namespace nisi::store {
namespace {

constexpr char kNotInMemory[] = "not in memory";

}  // namespace

absl::Status NotInMemory() {
  return absl::InternalError(kNotInMemory);
}
bool IsNotInMemory(const absl::Status& status) {
  return status.code() == absl::StatusCode::kInternal && status.message() == kNotInMemory;
}

}  // namespace nisi::store
