#include "common/rpc/call_context.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/rpc/identity_errors.h"
#include "common/rpc/subjects.h"
#include "nisi/rpc/v1/call_context.pb.h"

namespace nisi::rpc {
namespace {

constexpr absl::StatusCode kContextExpiredCode = absl::StatusCode::kDeadlineExceeded;
constexpr int64_t kContextMaxSeconds = 253'402'300'799;  // The end of the year 9999.

absl::Status BadContext(absl::string_view what) {
  return absl::InvalidArgumentError(what);
}

// Each piece with its length before it, so that no two lists of pieces look alike.
void Append(std::string& key, absl::string_view piece) {
  const auto size = static_cast<uint32_t>(piece.size());
  key.append(reinterpret_cast<const char*>(&size), sizeof(size));
  key.append(piece.data(), piece.size());
}

std::string CacheKey(absl::string_view key_id, const Caller& caller, absl::string_view audience) {
  std::string key;
  key.reserve(256);
  Append(key, key_id);
  Append(key, audience);
  Append(key, caller.subject);
  Append(key, caller.bin);
  Append(key, caller.purpose);
  key.append(reinterpret_cast<const char*>(&caller.roles), sizeof(caller.roles));
  const auto regions = static_cast<uint32_t>(caller.regions.size());
  key.append(reinterpret_cast<const char*>(&regions), sizeof(regions));
  for (const std::string& region : caller.regions) {
    Append(key, region);
  }
  for (const std::string& actor : caller.actors) {
    Append(key, actor);
  }
  Append(key, caller.received);
  return key;
}

Caller FromProto(const v1::CallContext& context) {
  Caller caller;
  caller.subject = context.subject();
  caller.bin = context.bin();
  caller.purpose = context.purpose();
  for (const int role : context.roles()) {
    caller.Grant(static_cast<Role>(role));  // A role of a newer version grants nothing here.
  }
  caller.regions.assign(context.regions().begin(), context.regions().end());
  caller.actors.assign(context.actors().begin(), context.actors().end());
  return caller;
}

bool HasLife(const v1::CallContext& context) {
  return context.issued_at() > 0 && context.issued_at() <= kContextMaxSeconds &&
         context.expires_at() > context.issued_at() &&
         context.expires_at() - context.issued_at() <= absl::ToInt64Seconds(kContextLife);
}

absl::StatusOr<absl::Time> CheckTimes(const v1::CallContext& context, absl::Time now) {
  if (!HasLife(context)) return BadContext("lifetime");
  if (now < absl::FromUnixSeconds(context.issued_at()) - kContextSkew) {
    return BadContext("not valid yet");
  }
  const absl::Time expires = absl::FromUnixSeconds(context.expires_at());
  if (now >= expires) {
    return absl::Status(kContextExpiredCode, "expired");
  }
  return expires;
}

// A context and whose key signed it.
struct Signed {
  v1::CallContext context;
  absl::string_view signer;  // lives as long as the keys
};

absl::StatusOr<Signed> Open(absl::string_view bytes, const KeySet* keys) {
  v1::SignedCallContext signed_context;
  if (bytes.empty() || bytes.size() > kMaxContextBytes ||
      !signed_context.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return BadContext("not a SignedCallContext of at most 16 KiB");
  }
  const KeySet::Entry* entry =
      keys == nullptr ? nullptr : keys->FindByKeyId(signed_context.key_id());
  if (entry == nullptr) {
    return BadContext("key_id");
  }
  if (!entry->key.Verify(signed_context.context(), signed_context.signature())) {
    return BadContext("signature");
  }
  Signed opened;
  if (!opened.context.ParseFromString(signed_context.context())) {
    return BadContext("not a CallContext");
  }
  // A signer speaks for itself only: a service's key cannot make a context that seems to come from
  // the gateway.
  opened.signer = SignerOf(entry->kid);
  const auto& actors = opened.context.actors();
  if (actors.empty() || actors.size() > kMaxActors || *actors.rbegin() != opened.signer) {
    return BadContext("actors");
  }
  return opened;
}

// Whether `onward` says of its caller what the signer was told by `received`, and no more.
bool CarriesOn(const v1::CallContext& onward, absl::string_view signer,
               const v1::CallContext& received) {
  const auto same = [](const auto& a, const auto& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end());
  };
  const Caller now = FromProto(onward), then = FromProto(received);
  return received.audience() == signer && now.subject == then.subject && now.bin == then.bin &&
         now.purpose == then.purpose && same(onward.regions(), received.regions()) &&
         (now.roles & ~then.roles) == 0 &&
         std::equal(received.actors().begin(), received.actors().end(), onward.actors().begin(),
                    onward.actors().end() - 1);
}

// Whether the onward context was made while the service had the other one.
bool MadeInTime(const v1::CallContext& onward, const v1::CallContext& received) {
  return HasLife(received) &&
         onward.issued_at() >= received.issued_at() - absl::ToInt64Seconds(kContextSkew) &&
         onward.issued_at() < received.issued_at() + absl::ToInt64Seconds(kContextCarried);
}

}  // namespace

absl::string_view SignerOf(absl::string_view kid) {
  return kid.substr(0, kid.find('.'));
}

ContextSigner::ContextSigner(Source source, std::string name)
    : source_(std::move(source)), name_(std::move(name)), cache_(ContextVerifier::kCapacity) {}

ContextSigner::ContextSigner(PrivateKey key, std::string name)
    : ContextSigner([shared = std::make_shared<const Key>(Key{key, key.public_key().KeyId()})](
                        absl::Time) { return shared; },
                    std::move(name)) {}

absl::StatusOr<std::shared_ptr<const ContextSigner>> ContextSigner::Open(
    const std::string& key_path, std::string name, absl::Time now) {
  const auto parse = [](absl::string_view pem) -> absl::StatusOr<Key> {
    ASSIGN_OR_RETURN(PrivateKey key, PrivateKey::FromPem(pem));
    std::string id = key.public_key().KeyId();
    if (id.empty()) return absl::InvalidArgumentError("not an Ed25519 key");
    return Key{std::move(key), std::move(id)};
  };
  ASSIGN_OR_RETURN(std::shared_ptr<ReloadingFile<Key>> file,
                   ReloadingFile<Key>::Open(key_path, parse, now, Secrecy::kSecret));
  return std::shared_ptr<const ContextSigner>(
      new ContextSigner([file](absl::Time at) { return file->Current(at); }, std::move(name)));
}

std::string ContextSigner::Sign(const Caller& caller, absl::string_view audience,
                                absl::Time now) const {
  const std::shared_ptr<const Key> key = source_(now);
  const std::string cache_key = CacheKey(key->id, caller, audience);
  if (const auto known = cache_.Find(cache_key, now)) {
    return *known;
  }
  v1::CallContext context;
  context.set_subject(caller.subject);
  context.set_bin(caller.bin);
  for (const Role role : AllRoles()) {
    if (role != v1::PUBLIC && caller.Has(role)) {
      context.add_roles(role);
    }
  }
  context.mutable_regions()->Assign(caller.regions.begin(), caller.regions.end());
  context.set_purpose(caller.purpose);
  context.set_audience(std::string(audience));
  context.set_issued_at(absl::ToUnixSeconds(now));
  context.set_expires_at(context.issued_at() + absl::ToInt64Seconds(kContextLife));
  context.mutable_actors()->Assign(caller.actors.begin(), caller.actors.end());
  context.add_actors(name_);
  if (!caller.actors.empty()) context.set_received(caller.received);

  v1::SignedCallContext signed_context;
  signed_context.set_context(context.SerializeAsString());
  signed_context.set_signature(key->key.Sign(signed_context.context()));
  signed_context.set_key_id(key->id);
  auto bytes = std::make_shared<const std::string>(signed_context.SerializeAsString());
  cache_.Insert(cache_key, bytes, now, now + kContextReuse);
  return *bytes;
}

std::string OnwardContext(const ContextSigner& self, const Caller& original,
                          absl::string_view audience, absl::Time now, uint32_t roles) {
  if ((original.roles & ~roles) == 0) {
    return self.Sign(original, audience, now);
  }
  Caller narrowed = original;
  narrowed.roles &= roles;
  return self.Sign(narrowed, audience, now);
}

ContextVerifier::ContextVerifier(KeySource signers, std::string audience, size_t capacity,
                                 Carried carried)
    : signers_(std::move(signers)),
      audience_(std::move(audience)),
      carried_(carried),
      cache_(capacity) {}

// Whether the signer may say who the caller is.
absl::Status ContextVerifier::CheckOrigin(const v1::CallContext& context, absl::string_view signer,
                                          const KeySet& keys) const {
  const absl::string_view service = ServiceOfSubject(context.subject());
  const bool itself = absl::StartsWith(context.subject(), kServiceSubject);
  // A service that calls by itself was called by nobody, the gateway included.
  if (itself && (service.empty() || context.actors(0) != service)) return BadContext("subject");
  if (context.actors_size() == 1) {
    // The gateway knows whom it let in; of others it says what the signer may say: itself.
    return itself || signer == kGatewaySigner ? absl::OkStatus() : BadContext("signer");
  }
  if (signer == kGatewaySigner) return BadContext("signer");  // nobody goes on through it
  if (context.received().empty()) {
    return carried_ == Carried::kOnItsWord ? absl::OkStatus() : BadContext("received: none");
  }
  const absl::StatusOr<Signed> received = Open(context.received(), &keys);
  if (!received.ok()) {
    return BadContext(absl::StrCat("received: ", received.status().message()));
  }
  if (!CarriesOn(context, signer, received->context)) return BadContext("received: another call");
  if (!MadeInTime(context, received->context)) return BadContext("received: too long ago");
  return CheckOrigin(received->context, received->signer, keys);
}

// When the context expires; fills `verified.caller`.
absl::StatusOr<absl::Time> ContextVerifier::Check(absl::string_view bytes, absl::Time now,
                                                  Verified& verified) const {
  ASSIGN_OR_RETURN(const Signed opened, Open(bytes, verified.keys.get()));
  if (opened.context.audience() != audience_) {
    return BadContext("audience");
  }
  ASSIGN_OR_RETURN(const absl::Time expires, CheckTimes(opened.context, now));
  RETURN_IF_ERROR(CheckOrigin(opened.context, opened.signer, *verified.keys));
  verified.caller = FromProto(opened.context);
  verified.caller.received = std::string(bytes);
  if (verified.caller.anonymous() && (verified.caller.roles != 0 || !verified.caller.bin.empty())) {
    return BadContext("rights without a subject");
  }
  return expires;
}

absl::StatusOr<std::shared_ptr<const Caller>> ContextVerifier::Verify(absl::string_view bytes,
                                                                      absl::Time now,
                                                                      std::string* why) const {
  const std::shared_ptr<const KeySet> keys = signers_ ? signers_(now) : nullptr;
  if (const auto known = cache_.Find(bytes, now); known && known->keys == keys) {
    return std::shared_ptr<const Caller>(known, &known->caller);
  }
  auto verified = std::make_shared<Verified>();
  verified->keys = keys;
  const absl::StatusOr<absl::Time> expires = Check(bytes, now, *verified);
  if (!expires.ok()) {
    if (why != nullptr) {
      *why = std::string(expires.status().message());
    }
    return expires.status().code() == kContextExpiredCode ? ContextExpired() : ContextInvalid();
  }
  cache_.Insert(bytes, verified, now, *expires);
  return std::shared_ptr<const Caller>(verified, &verified->caller);
}

}  // namespace nisi::rpc
