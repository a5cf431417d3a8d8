// How long a call may last: one rule for the gateway and every service.
#pragma once

#include "absl/time/time.h"
#include "common/rpc/policy.h"

namespace nisi::rpc {

// No call lasts longer than this, unless its method's own deadline is longer.
inline constexpr absl::Duration kMaxDeadline = absl::Seconds(30);

// When a call that came at `now` is given up: when its client said, at most the larger of
// kMaxDeadline and the method's own deadline from then; the method's own where the client said
// nothing or junk, `asked` being InfiniteFuture.
absl::Time DeadlineFor(const MethodPolicy& policy, absl::Time asked, absl::Time now);

}  // namespace nisi::rpc
