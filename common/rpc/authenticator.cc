#include "common/rpc/authenticator.h"

#include "absl/strings/match.h"
#include "common/base/log.h"
#include "common/base/planted.h"
#include "common/rpc/certificates.h"
#include "common/rpc/identity_errors.h"

namespace nisi::rpc {
namespace {

constexpr char kAuthorization[] = "authorization";
constexpr char kBearer[] = "Bearer ";

// `peer`: what the connection proved; empty where it proved nothing.
void LogRefused(absl::string_view why, absl::string_view peer) {
  base::Log(base::Severity::kWarning, "identity_refused", {{"why", why}, {"peer", peer}});
}

}  // namespace

std::shared_ptr<const Caller> Authenticator::Anonymous() {
  static const auto* const kAnonymous =
      new std::shared_ptr<const Caller>(std::make_shared<const Caller>());
  return *kAnonymous;
}

Evidence EvidenceOf(const http2::CallHead& head) {
  Evidence evidence;
  for (const http2::Field& field : head.fields) {
    if (field.name == kCallContextKey) {
      evidence.context = field.value;
    } else if (field.name == kAuthorization && evidence.authorizations++ == 0) {
      evidence.authorization = field.value;
    }
  }
  evidence.peer = head.peer->identity;
  evidence.peer_until = head.peer->until;
  return evidence;
}

std::shared_ptr<const Caller> Authenticator::Known(const Evidence& evidence, absl::Time now) const {
  if (evidence.context.has_value() || evidence.authorizations != 1 ||
      !absl::StartsWithIgnoreCase(evidence.authorization, kBearer)) {
    return nullptr;
  }
  return token_cache_.Find(evidence.authorization.substr(sizeof(kBearer) - 1), now);
}

absl::Status Authenticator::CheckContextPeer(absl::string_view peer) const {
  if (options_.contexts == nullptr) return ContextInvalid();
  if (options_.in_process_only || base::Planted("call-context-from-anyone"))
    return absl::OkStatus();
  if (options_.context_peers.contains(std::string(peer))) return absl::OkStatus();
  LogRefused("call context from a peer that may not bring one", peer);
  return ContextInvalid();
}

absl::StatusOr<std::shared_ptr<const Caller>> Authenticator::Identify(const Evidence& evidence,
                                                                      absl::Time now) const {
  std::string why;
  if (evidence.context.has_value()) {
    RETURN_IF_ERROR(CheckContextPeer(evidence.peer));
    auto caller = options_.contexts->Verify(*evidence.context, now, &why);
    if (!caller.ok()) LogRefused(why, evidence.peer);
    if (!caller.ok() || options_.in_process_only || evidence.peer.empty()) return caller;
    // Who has seen another's context, or has its key, has not its certificate.
    if (evidence.peer == ServiceIdentity((*caller)->actors.back())) return caller;
    LogRefused("call context of another signer than its peer", evidence.peer);
    return ContextInvalid();
  }
  if (evidence.authorizations != 0) {
    if (options_.tokens == nullptr || evidence.authorizations != 1 ||
        !absl::StartsWithIgnoreCase(evidence.authorization, kBearer)) {
      return TokenInvalid();
    }
    auto caller = token_cache_.FindOrVerify(
        *options_.tokens, evidence.authorization.substr(sizeof(kBearer) - 1), now, &why);
    if (!caller.ok()) LogRefused(why, evidence.peer);
    return caller;
  }
  if (options_.principals != nullptr && !evidence.peer.empty()) {
    auto caller = options_.principals->Current(now)->Find(std::string(evidence.peer));
    if (caller == nullptr) {
      LogRefused("a certificate that stands for nobody", evidence.peer);
      return Anonymous();
    }
    // A connection may outlive it, and a stream on it.
    if (now < evidence.peer_until) return caller;
    LogRefused("a certificate that has ended since", evidence.peer);
    return CertificateExpired();
  }
  return Anonymous();
}

}  // namespace nisi::rpc
