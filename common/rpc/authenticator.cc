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

void LogRefused(absl::string_view why, const Evidence& evidence) {
  base::Log(base::Severity::kWarning, "identity_refused",
            {{"why", why}, {"peer", evidence.peer}, {"address", evidence.address}});
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
  evidence.address = head.peer->address;
  return evidence;
}

std::shared_ptr<const Caller> Authenticator::Known(const Evidence& evidence, absl::Time now) const {
  if (evidence.context.has_value() || evidence.authorizations != 1 ||
      !absl::StartsWithIgnoreCase(evidence.authorization, kBearer)) {
    return nullptr;
  }
  return token_cache_.Find(evidence.authorization.substr(sizeof(kBearer) - 1), now);
}

absl::Status Authenticator::CheckContextPeer(const Evidence& evidence) const {
  if (options_.contexts == nullptr) return ContextInvalid();
  if (options_.in_process_only || base::Planted("call-context-from-anyone"))
    return absl::OkStatus();
  if (options_.context_peers.contains(std::string(evidence.peer))) return absl::OkStatus();
  LogRefused("call context from a peer that may not bring one", evidence);
  return ContextInvalid();
}

absl::StatusOr<std::shared_ptr<const Caller>> Authenticator::Identify(const Evidence& evidence,
                                                                      absl::Time now) const {
  std::string why;
  if (evidence.context.has_value()) {
    RETURN_IF_ERROR(CheckContextPeer(evidence));
    auto caller = options_.contexts->Verify(*evidence.context, now, &why);
    if (!caller.ok()) LogRefused(why, evidence);
    if (!caller.ok() || options_.in_process_only || evidence.peer.empty()) return caller;
    // Who has seen another's context, or has its key, has not its certificate.
    if (evidence.peer == ServiceIdentity((*caller)->actors.back())) return caller;
    LogRefused("call context of another signer than its peer", evidence);
    return ContextInvalid();
  }
  if (evidence.authorizations != 0) {
    if (options_.tokens == nullptr || evidence.authorizations != 1 ||
        !absl::StartsWithIgnoreCase(evidence.authorization, kBearer)) {
      return TokenInvalid();
    }
    auto caller = token_cache_.FindOrVerify(
        *options_.tokens, evidence.authorization.substr(sizeof(kBearer) - 1), now, &why);
    if (!caller.ok()) LogRefused(why, evidence);
    return caller;
  }
  if (options_.principals != nullptr && !evidence.peer.empty()) {
    auto caller = options_.principals->Current(now)->Find(std::string(evidence.peer));
    if (caller == nullptr) {
      LogRefused("a certificate that stands for nobody", evidence);
      return Anonymous();
    }
    // A connection may outlive it, and a stream on it.
    if (now < evidence.peer_until) return caller;
    LogRefused("a certificate that has ended since", evidence);
    return CertificateExpired();
  }
  return Anonymous();
}

}  // namespace nisi::rpc
