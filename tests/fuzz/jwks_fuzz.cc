// Strict JSON and key sets: what is read, written again, reads the same.
#include <nlohmann/json.hpp>

#include "common/rpc/jwk.h"
#include "common/rpc/strict_json.h"
#include "tests/fuzz/fuzz.h"

namespace nisi::fuzz::jwks_target {
namespace {

void CheckJson(int max_depth, absl::string_view text) {
  const auto value = rpc::ParseStrictJson(text, max_depth);
  if (!value.ok()) return;
  Expect(value->is_object(), "strict JSON is an object");
  const auto again = rpc::ParseStrictJson(value->dump(), max_depth);
  Expect(again.ok() && *again == *value, "printed JSON is the same");
  rpc::Caller caller;
  if (rpc::ReadRights(*value, caller).ok()) {
    Expect(caller.bin.empty() || caller.bin.size() == 12, "a BIN has 12 digits");
  }
}

void CheckKeys(absl::string_view text) {
  const auto keys = rpc::KeySet::Parse(text);
  if (!keys.ok()) return;
  Expect(!keys->entries().empty(), "a key set has keys");
  const auto again = rpc::KeySet::Parse(rpc::JwksText(keys->entries()));
  Expect(again.ok() && again->entries().size() == keys->entries().size(),
         "a printed key set is read again");
  for (const auto& entry : keys->entries()) {
    const rpc::PublicKey* key = again->Find(entry.kid);
    Expect(key != nullptr && key->ToJwk(entry.kid) == entry.key.ToJwk(entry.kid),
           "a printed key is the same");
    Expect(!entry.key.Verify("message", std::string(64, 's')), "nothing verifies by chance");
  }
}

void CheckBase64(absl::string_view text) {
  if (const auto bytes = rpc::Base64UrlDecode(text)) {
    Expect(rpc::Base64UrlEncode(*bytes) == text, "base64url has one spelling");
  }
  const auto back = rpc::Base64UrlDecode(rpc::Base64UrlEncode(text));
  Expect(back.has_value() && *back == text, "base64url gives back the bytes");
}

}  // namespace

NISI_FUZZ_TARGET(jwks) {
  Input in(data, size);
  const uint8_t kind = in.Byte();
  switch (kind % 3) {
    case 0:
      CheckJson(1 + kind / 3 % 8, in.Rest());
      break;
    case 1:
      CheckKeys(in.Rest());
      break;
    default:
      CheckBase64(in.Rest());
  }
  return 0;
}

}  // namespace nisi::fuzz::jwks_target
