// The signed call context: how a service knows on whose behalf its peer calls
// (proto/nisi/rpc/v1/call_context.proto). Good for one audience and 30 seconds. It replaces the
// user's token inside the house, and is accepted only from a peer that mutual TLS named.
//
// | signer      | may say that the caller is                                                     |
// | the gateway | whoever it let in                                                              |
// | a service   | itself, "service:<name>"; or whom it was called for, with the context of that  |
//
// So the key of a service makes nobody a caller: with it, and what comes to that service, one can
// go on for those who call it anyway, as long as the service itself could.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/rpc/caller.h"
#include "common/rpc/expiring_cache.h"
#include "common/rpc/jwk.h"
#include "common/rpc/key_files.h"

namespace nisi::rpc::v1 {
class CallContext;
}  // namespace nisi::rpc::v1

namespace nisi::rpc {

inline constexpr char kCallContextKey[] = "nisi-call-context-bin";
inline constexpr absl::Duration kContextLife = absl::Seconds(30);
inline constexpr absl::Duration kContextReuse = absl::Seconds(15);
// How far ahead the clock of a signer may be.
inline constexpr absl::Duration kContextSkew = absl::Seconds(5);
inline constexpr size_t kMaxContextBytes = 16 << 10;  // with those that are carried on in it
inline constexpr int kMaxActors = 8;                  // A longer chain is a loop.
inline constexpr char kGatewaySigner[] = "gateway";
// So long after a service was given a context it may still carry it on: an import has two minutes
// to come before its service asks another.
inline constexpr absl::Duration kContextCarried = absl::Minutes(3);

// Whose key it is, by its kid in what verifiers trust: "gateway", and "gateway.2026-12" too. So the
// next key of a signer is trusted before it signs, and the last one until nobody signs with it.
absl::string_view SignerOf(absl::string_view kid);

// Signs as one process: the gateway for those who call it, a service for the callers whose calls it
// carries on. The process appends itself to the actors, and verifiers hold it to its own name.
// Thread-safe.
class ContextSigner {
 public:
  // `key` is Ed25519; `name` is whose its public half is in what verifiers trust, as "gateway".
  ContextSigner(PrivateKey key, std::string name);
  // With the key in a file, reread when it changes. INVALID_ARGUMENT: no Ed25519 key; otherwise as
  // PrivateKey::Load.
  static absl::StatusOr<std::shared_ptr<const ContextSigner>> Open(const std::string& key_path,
                                                                   std::string name,
                                                                   absl::Time now);

  // The serialized SignedCallContext. The same bytes again for the same caller and audience for
  // kContextReuse.
  std::string Sign(const Caller& caller, absl::string_view audience, absl::Time now) const;

  const std::string& name() const { return name_; }

 private:
  struct Key {
    PrivateKey key;
    std::string id;
  };
  using Source = std::function<std::shared_ptr<const Key>(absl::Time)>;
  ContextSigner(Source source, std::string name);

  Source source_;
  std::string name_;
  mutable ExpiringCache<std::string> cache_;
};

// What a service sends on with a call it makes for `original`: the same caller with itself as the
// last actor, and with the context that the service got of it. Rights can only shrink: roles
// outside `roles` are dropped.
std::string OnwardContext(const ContextSigner& self, const Caller& original,
                          absl::string_view audience, absl::Time now, uint32_t roles = ~0U);

// What a service says of whom it carries on a call for.
enum class Carried {
  kProved,  // by the context that it received
  // On its word alone: of older releases that send nothing else, while these are replaced.
  kOnItsWord,
};

// Thread-safe.
class ContextVerifier {
 public:
  static constexpr size_t kCapacity = 20'000;

  // `signers`: Ed25519 keys, each of whom its kid says. `audience`: the name of this service.
  ContextVerifier(KeySource signers, std::string audience, size_t capacity = kCapacity,
                  Carried carried = Carried::kProved);

  // CONTEXT_EXPIRED for a good one that is too old; CONTEXT_INVALID for everything else. `why` is
  // for the log.
  absl::StatusOr<std::shared_ptr<const Caller>> Verify(absl::string_view bytes, absl::Time now,
                                                       std::string* why = nullptr) const;

 private:
  struct Verified {
    Caller caller;
    std::shared_ptr<const KeySet> keys;  // Verified with these: other keys, verify again.
  };

  absl::StatusOr<absl::Time> Check(absl::string_view bytes, absl::Time now,
                                   Verified& verified) const;
  absl::Status CheckOrigin(const v1::CallContext& context, absl::string_view signer,
                           const KeySet& keys) const;

  KeySource signers_;
  std::string audience_;
  const Carried carried_;
  mutable ExpiringCache<Verified> cache_;
};

}  // namespace nisi::rpc
