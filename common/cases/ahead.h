// Whether a step may begin, for a call that asks others before its transaction: what would be
// refused anyway asks nobody.
#pragma once

#include "common/cases/step.h"

namespace nisi::cases {

// OK, or what Begin would refuse of the row as it is now; the step is begun in the transaction for
// all that, where the row may be another.
template <class State, class Verb>
absl::Status MayBegin(const rpc::Call& call, const base::Machine<State, Verb>& machine, Verb verb,
                      const google::protobuf::Message& row, const Standing& standing) {
  return BeginStep(call, machine, static_cast<int>(verb), row, standing).status();
}

}  // namespace nisi::cases
