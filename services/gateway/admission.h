// Whether a call may pass, and what goes on with it: everything that is decided before a message is
// read.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/base/clock.h"
#include "common/http2/call.h"
#include "common/rpc/authenticator.h"
#include "common/rpc/call_context.h"
#include "services/gateway/capacity.h"
#include "services/gateway/limits.h"
#include "services/gateway/recent_callers.h"
#include "services/gateway/routes.h"

namespace nisi::gateway {

// All metadata of a call, counted as HTTP/2 does: names, values and 32 bytes for each. The carrier
// takes more, see common/http2/limits.h, so that the refusal is ours and says why.
inline constexpr size_t kMaxMetadataBytes = 8 << 10;

struct Admitted {
  absl::string_view owner;  // lives as long as the routes
  std::shared_ptr<const rpc::Caller> identity;
  // Whose share it takes: a subject, or of nobody the address, see http2::SourceOf.
  std::string caller;
  Rank rank = Rank::kPublic;
};

// W3C Trace Context of a call.
struct Trace {
  std::string traceparent;
  std::string tracestate;  // may be empty

  absl::string_view id() const;  // 32 hexadecimal digits; empty where there is no traceparent
};
// What the client sent, as far as it is well formed; otherwise a new one. Of refused calls too.
Trace TraceOf(const http2::CallHead& call);

// Thread-safe.
class Admission {
 public:
  Admission(const Routes* routes, const base::Clock* clock, const rpc::Authenticator* authenticator,
            const rpc::ContextSigner* signer, const Limits& limits);

  // METADATA_TOO_LARGE; RESERVED_METADATA; what Authenticator::Identify and CheckRoles return;
  // RATE_LIMITED, by caller, and by address where too many of its tokens did not hold; what
  // Routes::OwnerFor returns. Who calls the gateway's own methods is nobody, see own.h. `now` is
  // the system's time, for the limits: the suite's own clock may stand still. `recent`: of the
  // thread that asks.
  absl::StatusOr<Admitted> Admit(const Route& route, const http2::CallHead& call, absl::Time now,
                                 RecentCallers* recent);
  // Whether nobody at that address may have a page, which counts as a call: RATE_LIMITED.
  absl::Status AdmitPage(const http2::Peer& peer, absl::Time now);
  // What the owner is told of the caller (kCallContextKey): for a call that goes on. "" for the
  // gateway itself.
  std::string ContextOf(const Admitted& admitted, const http2::Peer& peer,
                        RecentCallers* recent) const;
  // Whether the caller of a stream under way is who it was when it began: a token that has ended,
  // or whose key was taken away, and a certificate that stands for somebody else by now end it.
  // What Authenticator::Identify returns; IDENTITY_CHANGED.
  absl::Status CheckStill(const http2::CallHead& call, const rpc::Caller& was) const;
  // Of callers that are recent no more.
  void Forget(RecentCallers* recent) const { recent->Forget(clock_->Now()); }
  // Tokens that were not looked at.
  uint64_t refused_tokens() const { return refused_tokens_; }

 private:
  absl::StatusOr<std::shared_ptr<const rpc::Caller>> Identify(const http2::CallHead& call,
                                                              absl::Time suite_now, absl::Time now);
  absl::Status CheckRate(http2::Bucket* bucket, absl::Time now) const;

  const Routes* routes_;
  const base::Clock* clock_;
  const rpc::Authenticator* authenticator_;
  const rpc::ContextSigner* signer_;
  const double calls_per_second_;
  std::atomic<uint64_t> refused_tokens_{0};
  RateLimiter limiter_;
  RateLimiter bad_tokens_;  // by address
};

// What of a call's metadata CheckStill looks at.
http2::Fields IdentityIn(const http2::Fields& fields);

// W3C Trace Context: "00-<32 hex>-<16 hex>-<2 hex>", lower case, neither id all zeros.
bool IsTraceparent(absl::string_view text);
// Whether a tracestate can go on: not long, and only bytes that metadata may hold. gRPC takes any
// byte from a client, and ends the process that sends another than these.
bool IsTracestate(absl::string_view text);

}  // namespace nisi::gateway
