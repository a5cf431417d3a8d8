// How the offline checks say no.
#pragma once

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "common/base/status.h"

namespace nisi::store {

// FAILED_PRECONDITION PROOF_INVALID; `step` is UPPER_SNAKE and stable, in the metadata.
inline absl::Status ProofInvalid(absl::string_view step, absl::string_view message) {
  return base::Refusal(absl::StatusCode::kFailedPrecondition, "PROOF_INVALID", message)
      .With("step", step);
}

}  // namespace nisi::store
