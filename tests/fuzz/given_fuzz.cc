// Files that an installation gives a process: keys and certificates in PEM, whom a certificate
// stands for, norms. What is taken is written and read again, the same; what is not is said.
#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/norms/norms.h"
#include "common/rpc/jwk.h"
#include "common/rpc/pem.h"
#include "common/rpc/principals.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/keys.h"

namespace nisi::fuzz::given_target {
namespace {

void CheckKey(absl::string_view pem) {
  const auto key = rpc::PrivateKey::FromPem(pem);
  if (!key.ok()) {
    return Expect(absl::IsInvalidArgument(key.status()), "what is no key is said to be none");
  }
  const auto again = rpc::PrivateKey::FromPem(key->Pem());
  Expect(again.ok() && again->algorithm() == key->algorithm() && again->Pem() == key->Pem(),
         "a key that is written is read");
}

// A key whose DER is of a right form but for some bytes.
void CheckEditedKey(Input& in) {
  const std::string pem = in.Byte() % 2 == 0 ? Ed25519Pem('k') : P256Pem('k');
  const size_t begins = pem.find('\n') + 1;
  std::string der;
  Expect(absl::Base64Unescape(pem.substr(begins, pem.find('\n', begins) - begins), &der),
         "a fixed key is base64");
  const char kName[] = "PRIVATE KEY";
  CheckKey(absl::StrCat("-----BEGIN ", kName, "-----\n", absl::Base64Escape(Edited(der, in)),
                        "\n-----END ", kName, "-----\n"));
}

void CheckCertificates(absl::string_view pem) {
  const auto found = rpc::CertificatesIn(pem);
  if (!found.ok()) {
    return Expect(absl::IsInvalidArgument(found.status()), "what is no certificate is said");
  }
  Expect(!found->empty(), "there is one at least");
}

void CheckPrincipals(absl::string_view text) {
  const auto principals = rpc::Principals::Parse(text);
  if (!principals.ok()) {
    return Expect(absl::IsInvalidArgument(principals.status()), "what stands for nobody is said");
  }
  Expect(principals->Find("nobody") == nullptr, "what is no id stands for nobody");
}

void CheckNorms(absl::string_view text) {
  const auto loaded = norms::Norms::LoadText({{"given.csv", std::string(text)}});
  Expect(loaded.ok() || absl::IsInvalidArgument(loaded.status()), "what is no norm is said");
}

}  // namespace

NISI_FUZZ_TARGET(given) {
  Input in(data, size);
  switch (in.Byte() % 5) {
    case 0:
      CheckKey(in.Rest());
      break;
    case 1:
      CheckEditedKey(in);
      break;
    case 2:
      CheckCertificates(in.Rest());
      break;
    case 3:
      CheckPrincipals(in.Rest());
      break;
    default:
      CheckNorms(in.Rest());
  }
  return 0;
}

}  // namespace nisi::fuzz::given_target
