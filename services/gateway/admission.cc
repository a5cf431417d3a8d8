#include "services/gateway/admission.h"

#include <algorithm>
#include <cstdint>
#include <memory>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/rpc/tls.h"
#include "services/gateway/errors.h"

namespace nisi::gateway {
namespace {

constexpr char kReservedPrefix[] = "nisi-";
constexpr char kAuthorization[] = "authorization";
constexpr char kTraceparent[] = "traceparent";
constexpr char kTracestate[] = "tracestate";
constexpr size_t kTraceIdStart = 3;
constexpr size_t kTraceIdSize = 32;
constexpr size_t kMaxTracestate = 512;
constexpr size_t kEntryOverhead = 32;  // RFC 9113, 6.5.2

absl::string_view View(grpc::string_ref text) {
  return {text.data(), text.size()};
}

absl::Status CheckSize(const Metadata& metadata) {
  size_t bytes = 0;
  for (const auto& [name, content] : metadata) {
    bytes += name.size() + content.size() + kEntryOverhead;
  }
  return bytes <= kMaxMetadataBytes ? absl::OkStatus() : MetadataTooLarge(kMaxMetadataBytes);
}

// The process that is meant, "" where none is named. The rest of the metadata stays outside, but
// for the identity and the trace.
absl::StatusOr<absl::string_view> ReadMetadata(const Metadata& metadata) {
  absl::string_view service;
  int services = 0;
  int identities = 0;
  for (const auto& [name, content] : metadata) {
    const absl::string_view key = View(name);
    if (absl::StartsWith(key, kReservedPrefix)) {
      if (key != kServiceKey || ++services > 1) {
        return ReservedMetadata();
      }
      service = View(content);
    } else if (key == kAuthorization) {
      if (++identities > 1) {
        return ReservedMetadata();
      }
    }
  }
  return service;
}

// "" where there is none.
absl::string_view Find(const Metadata& metadata, const char* key) {
  const auto found = metadata.find(key);
  return found == metadata.end() ? absl::string_view() : View(found->second);
}

// What proves who calls.
rpc::Evidence EvidenceOf(const Metadata& metadata, absl::string_view peer) {
  rpc::Evidence evidence;
  if (const auto found = metadata.find(rpc::kCallContextKey); found != metadata.end()) {
    evidence.context = View(found->second);
  }
  evidence.authorizations = metadata.count(kAuthorization);
  evidence.authorization = Find(metadata, kAuthorization);
  evidence.peer = peer;
  return evidence;
}

// The SPIFFE id of its certificate; "" where there is none.
std::string PeerOf(const grpc::ServerContextBase& call) {
  const auto auth = call.auth_context();
  return auth == nullptr ? std::string() : rpc::PeerIdentity(*auth);
}

// "ipv4:10.0.0.7:51234" without the port.
std::string AddressOf(const std::string& peer) {
  return peer.substr(0, std::min(peer.rfind(':'), peer.size()));
}

}  // namespace

Admission::Admission(const Routes* routes, const base::Clock* clock,
                     const rpc::Authenticator* authenticator, const rpc::ContextSigner* signer,
                     const Limits& limits)
    : routes_(routes),
      clock_(clock),
      authenticator_(authenticator),
      signer_(signer),
      limiter_(limits.calls_per_second, limits.burst),
      calls_per_second_(limits.calls_per_second) {}

absl::StatusOr<Admitted> Admission::Admit(const Route& route, const grpc::ServerContextBase& call,
                                          absl::Time now) {
  const Metadata& metadata = call.client_metadata();
  RETURN_IF_ERROR(CheckSize(metadata));
  ASSIGN_OR_RETURN(const absl::string_view service, ReadMetadata(metadata));
  const absl::Time suite_now = clock_->Now();
  const std::string peer = PeerOf(call);
  ASSIGN_OR_RETURN(const std::shared_ptr<const rpc::Caller> caller,
                   authenticator_->Identify(EvidenceOf(metadata, peer), suite_now));
  RETURN_IF_ERROR(CheckRate(*caller, call, now));
  RETURN_IF_ERROR(rpc::CheckRoles(route.policy, *caller));
  Admitted admitted;
  ASSIGN_OR_RETURN(admitted.owner, routes_->OwnerFor(route, service));
  admitted.context = signer_->Sign(*caller, admitted.owner, suite_now);
  return admitted;
}

Trace Admission::TraceOf(const grpc::ServerContextBase& call) {
  const absl::string_view traceparent = Find(call.client_metadata(), kTraceparent);
  if (!IsTraceparent(traceparent)) {
    return Trace{NewTraceparent(), ""};
  }
  const absl::string_view tracestate = Find(call.client_metadata(), kTracestate);
  return Trace{std::string(traceparent),
               IsTracestate(tracestate) ? std::string(tracestate) : std::string()};
}

absl::string_view Trace::id() const {
  return traceparent.empty() ? absl::string_view()
                             : absl::string_view(traceparent).substr(kTraceIdStart, kTraceIdSize);
}

absl::Status Admission::CheckRate(const rpc::Caller& caller, const grpc::ServerContextBase& call,
                                  absl::Time now) {
  // No subject begins with "peer ": the two kinds of key never meet.
  const auto wait = caller.anonymous()
                        ? limiter_.Take(absl::StrCat("peer ", AddressOf(call.peer())), now)
                        : limiter_.Take(caller.subject, now);
  return wait.has_value() ? RateLimited(calls_per_second_, *wait) : absl::OkStatus();
}

std::string Admission::NewTraceparent() {
  const auto high = absl::Uniform<uint64_t>(random_);
  const auto low = absl::Uniform<uint64_t>(absl::IntervalClosed, random_, 1, UINT64_MAX);
  const auto span = absl::Uniform<uint64_t>(absl::IntervalClosed, random_, 1, UINT64_MAX);
  return absl::StrCat("00-", absl::Hex(high, absl::kZeroPad16), absl::Hex(low, absl::kZeroPad16),
                      "-", absl::Hex(span, absl::kZeroPad16), "-01");
}

bool IsTraceparent(absl::string_view text) {
  constexpr size_t kSize = 55;
  constexpr size_t kSpan = 36;
  constexpr size_t kFlags = 53;
  if (text.size() != kSize || !absl::StartsWith(text, "00-") || text[kSpan - 1] != '-' ||
      text[kFlags - 1] != '-') {
    return false;
  }
  for (size_t i = 0; i < kSize; ++i) {
    const char c = text[i];
    const bool dash = i == kTraceIdStart - 1 || i == kSpan - 1 || i == kFlags - 1;
    if (!dash && !(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'f')) {
      return false;
    }
  }
  return text.substr(kTraceIdStart, kTraceIdSize).find_first_not_of('0') !=
             absl::string_view::npos &&
         text.substr(kSpan, 16).find_first_not_of('0') != absl::string_view::npos;
}

bool IsTracestate(absl::string_view text) {
  return text.size() <= kMaxTracestate &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

}  // namespace nisi::gateway
