// Signed call contexts: only what a known signer signed for us gives a caller, and the signer
// speaks for itself alone.
#include "common/rpc/call_context.h"

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "nisi/rpc/v1/call_context.pb.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/keys.h"

namespace nisi::fuzz::call_context_target {
namespace {

using rpc::Caller;
using rpc::PrivateKey;

constexpr int64_t kNow = 1'781'500'000;
constexpr char kAudience[] = "priority-goods";

const PrivateKey& Key() {
  static const auto* const kKey = new PrivateKey(*PrivateKey::FromPem(Ed25519Pem('g')));
  return *kKey;
}

absl::StatusOr<std::shared_ptr<const Caller>> Verify(absl::string_view bytes) {
  static const auto* const kSigners = new rpc::KeySource(rpc::FixedKeys(*rpc::KeySet::Parse(
      rpc::JwksText({{"gateway", Key().public_key()},
                     {"other", PrivateKey::FromPem(Ed25519Pem('o'))->public_key()}}))));
  // A new one each time, so that no run is answered out of what another remembered.
  const rpc::ContextVerifier verifier(*kSigners, kAudience, 4);
  auto caller = verifier.Verify(bytes, absl::FromUnixSeconds(kNow));
  const std::string reason = base::ReasonOf(caller.status());
  Expect(caller.ok() || reason == "CONTEXT_INVALID" || reason == "CONTEXT_EXPIRED",
         "a refused context has one of two reasons");
  return caller;
}

// A context of any kind, under a good signature.
void CheckSigned(absl::string_view bytes) {
  rpc::v1::SignedCallContext signed_context;
  signed_context.set_context(std::string(bytes));
  signed_context.set_signature(Key().Sign(bytes));
  signed_context.set_key_id(Key().public_key().KeyId());
  const auto caller = Verify(signed_context.SerializeAsString());
  if (!caller.ok()) return;
  rpc::v1::CallContext context;
  Expect(context.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())), "it is a context");
  Expect(context.audience() == kAudience, "the audience is ours");
  Expect(context.issued_at() <= kNow + 5 && context.expires_at() > kNow &&
             context.expires_at() - context.issued_at() <= 30,
         "the context is of this time");
  Expect((*caller)->subject == context.subject() && (*caller)->bin == context.bin(),
         "the caller is the context's");
  Expect(!(*caller)->anonymous() || ((*caller)->roles == 0 && (*caller)->bin.empty()),
         "nobody has no rights");
  Expect(!(*caller)->actors.empty() && (*caller)->actors.size() <= rpc::kMaxActors &&
             (*caller)->actors.back() == "gateway",
         "the signer speaks for itself");
}

// A good context, edited.
void CheckEdited(Input& in) {
  Caller caller;
  caller.subject = absl::StrCat("s", Letters(in.Part().substr(0, 100)));
  caller.purpose = Letters(in.Part().substr(0, 100));
  for (const rpc::Role role : rpc::AllRoles()) {
    if ((in.Byte() & 1) != 0) caller.Grant(role);
  }
  caller.roles &= ~(1U << static_cast<uint32_t>(rpc::v1::PUBLIC));
  const rpc::ContextSigner signer(Key(), "gateway");
  const std::string bytes = signer.Sign(caller, kAudience, absl::FromUnixSeconds(kNow));
  caller.actors = {"gateway"};
  const auto verified = Verify(bytes);
  Expect(verified.ok() && **verified == caller, "a context gives back who it is for");
  Expect(!Verify(signer.Sign(caller, "another", absl::FromUnixSeconds(kNow))).ok(),
         "a context is for one audience");
  // Around what is signed there may stand fields that nobody knows: the identity is the same.
  const auto edited = Verify(Edited(bytes, in));
  Expect(!edited.ok() || **edited == caller, "an edited context gives no other identity");
}

// What a service carries on for the caller of a good context, which is edited.
void CheckCarried(Input& in) {
  static const auto* const kOther =
      new rpc::ContextSigner(*PrivateKey::FromPem(Ed25519Pem('o')), "other");
  Caller caller;
  caller.subject = "somebody";
  caller.Grant(rpc::v1::ENTITY);
  const absl::Time now = absl::FromUnixSeconds(kNow);
  const std::string received = rpc::ContextSigner(Key(), "gateway").Sign(caller, "other", now);
  caller.actors = {"gateway"};
  const auto carried = [&](const std::string& with) {
    caller.received = with;
    return Verify(OnwardContext(*kOther, caller, kAudience, now));
  };
  Expect(carried(received).ok(), "a service goes on for who called it");
  const auto edited = carried(Edited(received, in));
  Expect(!edited.ok() || ((*edited)->subject == caller.subject &&
                          (*edited)->roles == caller.roles && (*edited)->actors.back() == "other"),
         "an edited context lets it go on for nobody else");
  Expect(!carried(std::string(in.Rest())).ok(), "what the gateway did not sign makes no caller");
}

}  // namespace

NISI_FUZZ_TARGET(call_context) {
  Input in(data, size);
  switch (in.Byte() % 4) {
    case 0: {
      const auto caller = Verify(in.Rest());
      Expect(!caller.ok() || !(*caller)->actors.empty(), "a context has a signer");
      break;
    }
    case 1:
      CheckSigned(in.Rest());
      break;
    case 2:
      CheckEdited(in);
      break;
    default:
      CheckCarried(in);
  }
  return 0;
}

}  // namespace nisi::fuzz::call_context_target
