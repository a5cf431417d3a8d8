// What the gateway answers itself, health and reflection: methods like any other, which take the
// same way as those of the services and stand under the same bounds. Anybody may call them, and
// their calls count as those of nobody at their caller's address: a probe needs no identity, and
// whose token does not hold may still ask whether anybody is there.
#pragma once

#include <vector>

#include "common/http2/call.h"
#include "common/rpc/policy.h"

namespace nisi::gateway {

struct Hub;

// The owner of these methods, which no service has.
inline constexpr char kOwn[] = "gateway";

// Of each of them; no proto of ours declares it.
std::vector<rpc::MethodPolicy> OwnPolicies();
// Where their calls end. `hub` outlives them.
http2::TakeCall TakeOwn(const Hub* hub);

}  // namespace nisi::gateway
