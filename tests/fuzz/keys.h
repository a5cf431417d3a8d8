// Keys that are the same in every run, for targets that verify signatures: an input that found
// something must find it again.
#pragma once

#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace nisi::fuzz {

// PKCS #8 as PEM of a key whose secret bytes are all `fill`.
inline std::string FixedPem(absl::string_view prefix, char fill) {
  const std::string der = absl::StrCat(prefix, std::string(32, fill));
  const char kName[] = "PRIVATE KEY";
  return absl::StrCat("-----BEGIN ", kName, "-----\n", absl::Base64Escape(der), "\n-----END ",
                      kName, "-----\n");
}

inline std::string Ed25519Pem(char fill) {
  return FixedPem(absl::HexStringToBytes("302e020100300506032b657004220420"), fill);
}

inline std::string P256Pem(char fill) {
  return FixedPem(absl::HexStringToBytes("3041020100301306072a8648ce3d020106082a8648ce3d030107"
                                         "042730250201010420"),
                  fill);
}

}  // namespace nisi::fuzz
