// What is looked at before a step begins.
#pragma once

#include <string>

#include "common/cases/step.h"
#include "common/rpc/store_call.h"

namespace nisi::cases {

// For a call that asks others before its transaction: what would be refused anyway asks nobody. OK,
// or what Begin would refuse of the row as it is now; the step is begun in the transaction for all
// that, where the row may be another.
template <class State, class Verb>
absl::Status MayBegin(const rpc::Call& call, const base::Machine<State, Verb>& machine, Verb verb,
                      const google::protobuf::Message& row, const Standing& standing) {
  return BeginStep(call, machine, static_cast<int>(verb), row, standing).status();
}

// For a step whose etag is of what it changes beside its row, as a member of a cluster: whoever saw
// another version of that gets VERSION_MISMATCH before Begin asks the state of the row. A stranger
// to the row learns nothing of it. `current` is empty where there is none yet.
inline absl::Status CheckSeenBeside(uint32_t roles, const std::string& given,
                                    const std::string& current) {
  return roles != 0 ? rpc::CheckEtag(given, current) : absl::OkStatus();
}

}  // namespace nisi::cases
