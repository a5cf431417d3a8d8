#include "services/gateway/admission.h"

#include <algorithm>
#include <cstdint>
#include <memory>

#include "absl/random/random.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/base/status.h"
#include "common/http2/address.h"
#include "common/rpc/call_errors.h"
#include "services/gateway/errors.h"
#include "services/gateway/own.h"

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

absl::Status CheckSize(const http2::Fields& fields) {
  size_t bytes = 0;
  for (const http2::Field& field : fields) {
    bytes += field.name.size() + field.value.size() + kEntryOverhead;
  }
  return bytes <= kMaxMetadataBytes ? absl::OkStatus() : rpc::MetadataTooLarge(kMaxMetadataBytes);
}

// The process that is meant, "" where none is named. The rest of the metadata stays outside, but
// for the identity and the trace.
absl::StatusOr<absl::string_view> ReadMetadata(const http2::Fields& fields) {
  absl::string_view service;
  int services = 0;
  int identities = 0;
  for (const http2::Field& field : fields) {
    if (absl::StartsWith(field.name, kReservedPrefix)) {
      if (field.name != kServiceKey || ++services > 1) {
        return ReservedMetadata();
      }
      service = field.value;
    } else if (field.name == kAuthorization) {
      if (++identities > 1) {
        return ReservedMetadata();
      }
    }
  }
  return service;
}

// No subject begins with "peer ": the two kinds of key never meet.
std::string ShareOfNobody(const http2::Peer& peer) {
  return absl::StrCat("peer ", http2::SourceOf(peer.address));
}

std::string NewTraceparent() {
  thread_local absl::BitGen random;
  const auto high = absl::Uniform<uint64_t>(random);
  const auto low = absl::Uniform<uint64_t>(absl::IntervalClosed, random, 1, UINT64_MAX);
  const auto span = absl::Uniform<uint64_t>(absl::IntervalClosed, random, 1, UINT64_MAX);
  return absl::StrCat("00-", absl::Hex(high, absl::kZeroPad16), absl::Hex(low, absl::kZeroPad16),
                      "-", absl::Hex(span, absl::kZeroPad16), "-01");
}

// "" where there is none.
absl::string_view Find(const http2::Fields& fields, absl::string_view name) {
  const std::string* const found = fields.Find(name);
  return found == nullptr ? absl::string_view() : *found;
}

}  // namespace

Admission::Admission(const Routes* routes, const base::Clock* clock,
                     const rpc::Authenticator* authenticator, const rpc::ContextSigner* signer,
                     const Limits& limits)
    : routes_(routes),
      clock_(clock),
      authenticator_(authenticator),
      signer_(signer),
      calls_per_second_(limits.calls_per_second),
      limiter_(limits.calls_per_second > 0 ? http2::Rate{limits.burst, limits.calls_per_second}
                                           : http2::Rate()),
      bad_tokens_(limits.bad_tokens) {}

absl::StatusOr<Admitted> Admission::Admit(const Route& route, const http2::CallHead& call,
                                          absl::Time now, RecentCallers* recent) {
  RETURN_IF_ERROR(CheckSize(call.fields));
  ASSIGN_OR_RETURN(const absl::string_view service, ReadMetadata(call.fields));
  if (route.owner == kOwn) {
    Admitted admitted{route.owner, rpc::Authenticator::Anonymous(), ShareOfNobody(*call.peer),
                      Rank::kPublic};
    RETURN_IF_ERROR(CheckRate(limiter_.Of(admitted.caller, now).get(), now));
    return admitted;
  }
  const absl::Time suite_now = clock_->Now();
  const std::string* const authorization = call.fields.Find(kAuthorization);
  RecentCallers::Recent* known = recent->Find(*call.peer, authorization, suite_now);
  if (known == nullptr) {
    ASSIGN_OR_RETURN(auto found, Identify(call, suite_now, now));
    std::string share = found->anonymous() ? ShareOfNobody(*call.peer) : found->subject;
    auto bucket = limiter_.Of(share, now);
    RecentCallers::Recent one{call.peer,
                              std::nullopt,
                              std::move(found),
                              std::move(share),
                              std::move(bucket),
                              suite_now,
                              "",
                              ""};
    if (authorization != nullptr) one.authorization = *authorization;
    known = recent->Keep(std::move(one));
  }
  const std::shared_ptr<const rpc::Caller>& caller = known->caller;
  Admitted admitted;
  admitted.caller = known->share;
  admitted.rank = route.policy.mutation ? Rank::kChanging
                  : caller->anonymous() ? Rank::kPublic
                                        : Rank::kReading;
  RETURN_IF_ERROR(CheckRate(known->bucket.get(), now));
  RETURN_IF_ERROR(rpc::CheckRoles(route.policy, *caller));
  ASSIGN_OR_RETURN(admitted.owner, routes_->OwnerFor(route, service));
  admitted.identity = caller;
  return admitted;
}

absl::Status Admission::AdmitPage(const http2::Peer& peer, absl::Time now) {
  return CheckRate(limiter_.Of(ShareOfNobody(peer), now).get(), now);
}

std::string Admission::ContextOf(const Admitted& admitted, const http2::Peer& peer,
                                 RecentCallers* recent) const {
  if (admitted.owner == kOwn) return "";
  const absl::Time now = clock_->Now();
  RecentCallers::Recent* const known = recent->Of(peer, *admitted.identity, now);
  if (known == nullptr) return signer_->Sign(*admitted.identity, admitted.owner, now);
  if (known->owner != admitted.owner) {
    known->context = signer_->Sign(*admitted.identity, admitted.owner, now);
    known->owner = admitted.owner;
  }
  return known->context;
}

// A signature takes a quarter of a millisecond to check: whoever sent many that do not hold waits.
absl::StatusOr<std::shared_ptr<const rpc::Caller>> Admission::Identify(const http2::CallHead& call,
                                                                       absl::Time suite_now,
                                                                       absl::Time now) {
  const rpc::Evidence evidence = rpc::EvidenceOf(call);
  if (auto known = authenticator_->Known(evidence, suite_now)) return known;
  const std::string source = http2::SourceOf(call.peer->address);
  if (evidence.authorizations != 0) {
    if (const auto wait = bad_tokens_.Look(source, now); wait.has_value()) {
      ++refused_tokens_;
      return TooManyBadTokens(*wait);
    }
  }
  auto caller = authenticator_->Identify(evidence, suite_now);
  if (!caller.ok()) {
    if (const auto bucket = bad_tokens_.Of(source, now)) bucket->Take(now);
  }
  return caller;
}

absl::Status Admission::CheckStill(const http2::CallHead& call, const rpc::Caller& was) const {
  if (was.anonymous()) return absl::OkStatus();  // who has no rights has none to lose
  ASSIGN_OR_RETURN(const auto caller,
                   authenticator_->Identify(rpc::EvidenceOf(call), clock_->Now()));
  return *caller == was ? absl::OkStatus() : IdentityChanged();
}

http2::Fields IdentityIn(const http2::Fields& fields) {
  http2::Fields identity;
  const std::string* const authorization = fields.Find(kAuthorization);
  if (authorization != nullptr) identity.Add(kAuthorization, *authorization);
  return identity;
}

Trace TraceOf(const http2::CallHead& call) {
  const absl::string_view traceparent = Find(call.fields, kTraceparent);
  if (!IsTraceparent(traceparent)) {
    return Trace{NewTraceparent(), ""};
  }
  const absl::string_view tracestate = Find(call.fields, kTracestate);
  return Trace{std::string(traceparent),
               IsTracestate(tracestate) ? std::string(tracestate) : std::string()};
}

absl::string_view Trace::id() const {
  return traceparent.empty() ? absl::string_view()
                             : absl::string_view(traceparent).substr(kTraceIdStart, kTraceIdSize);
}

absl::Status Admission::CheckRate(http2::Bucket* bucket, absl::Time now) const {
  if (bucket == nullptr) return absl::OkStatus();
  const auto wait = bucket->Take(now);
  return wait.has_value() ? RateLimited(calls_per_second_, *wait) : absl::OkStatus();
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
