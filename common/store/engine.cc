#include "common/store/engine.h"

#include "common/base/status.h"

namespace nisi::store {
namespace {

constexpr char kNotInMemory[] = "not in memory";

}  // namespace

absl::Status Engine::Commit(const Batch& batch) {
  RETURN_IF_ERROR(Append(batch).status());
  return Sync();
}

absl::Status NotInMemory() {
  return absl::InternalError(kNotInMemory);
}
bool IsNotInMemory(const absl::Status& status) {
  return status.code() == absl::StatusCode::kInternal && status.message() == kNotInMemory;
}

}  // namespace nisi::store
