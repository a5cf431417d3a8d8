// Who calls: from the metadata and the connection of a call. Shared by the gateway and the
// services.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/http2/call.h"
#include "common/rpc/call_context.h"
#include "common/rpc/caller.h"
#include "common/rpc/jwt.h"
#include "common/rpc/principals.h"

namespace nisi::rpc {

// Each may be absent: that way of proving identity is then refused.
struct AuthenticatorOptions {
  std::unique_ptr<TokenVerifier> tokens;
  std::unique_ptr<ContextVerifier> contexts;
  // SPIFFE ids of peers that may bring a call context: the gateway and the services that call this
  // one.
  std::set<std::string> context_peers;
  // Set for a server that listens nowhere: every call then comes from this process, and may.
  bool in_process_only = false;
  std::unique_ptr<PrincipalsFile> principals;
};

// What a call brings to prove who calls; views into it.
struct Evidence {
  std::optional<absl::string_view> context;  // of kCallContextKey
  absl::string_view authorization;           // the first of so many
  size_t authorizations = 0;
  absl::string_view peer;  // the SPIFFE id that the connection proved; empty: none
  absl::Time peer_until = absl::InfiniteFuture();  // until when
  absl::string_view address;                       // of the other end
};
Evidence EvidenceOf(const http2::CallHead& head);

// Thread-safe.
class Authenticator {
 public:
  explicit Authenticator(AuthenticatorOptions options) : options_(std::move(options)) {}

  // In this order: a call context from a trusted peer; a bearer token; a known client certificate;
  // nobody. UNAUTHENTICATED: TOKEN_INVALID, TOKEN_EXPIRED, CONTEXT_INVALID, CONTEXT_EXPIRED,
  // CERTIFICATE_EXPIRED. Never null.
  absl::StatusOr<std::shared_ptr<const Caller>> Identify(const Evidence& evidence,
                                                         absl::Time now) const;

  // The same by a token that was verified lately, in no more than a look; null for whatever else it
  // brings.
  std::shared_ptr<const Caller> Known(const Evidence& evidence, absl::Time now) const;

  static std::shared_ptr<const Caller> Anonymous();

 private:
  absl::Status CheckContextPeer(const Evidence& evidence) const;

  AuthenticatorOptions options_;
  mutable TokenCache token_cache_;
};

}  // namespace nisi::rpc
