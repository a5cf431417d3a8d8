// A store with everything in it that a store can hold, and every question that can be asked of it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/base/clock.h"
#include "common/store/store.h"

namespace nisi::faults {

// Opened as a service opens it: `folder`/store, its witness beside it.
class RotStore {
 public:
  static absl::StatusOr<std::unique_ptr<RotStore>> Open(const std::string& folder);

  store::Store& store() { return *store_; }
  store::Engine& engine() { return *engine_; }
  base::FakeClock& clock() { return clock_; }

 private:
  RotStore();

  base::FakeClock clock_;
  const store::Schema schema_;
  store::Engine* engine_ = nullptr;
  std::unique_ptr<store::Store> store_;
};

// Makes the store, 600 commits long, and leaves a copy of its folder as it was at three moments in
// `folder`/old-0, -1 and -2. It is not closed: the process must end, so that the logs stay as they
// are.
absl::Status BuildRotStore(const std::string& folder);

// One answer in a form to be compared. Damage: the store says DATA_LOSS.
struct RotAnswer {
  std::string question;
  std::string answer;  // or the status
  bool damage = false;
};

// Asks for every record on several days and as it was known at several moments, every index entry,
// journal entry, proof, request and row of the store's own; by single keys, by ranges, and from
// memory alone.
std::vector<RotAnswer> AskAll(const store::Store& store);

}  // namespace nisi::faults
