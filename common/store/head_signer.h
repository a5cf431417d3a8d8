// Signs tree heads with the service's Ed25519 key, and checks such signatures.
#pragma once

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "nisi/journal/v1/journal.pb.h"

namespace nisi::store {

// One key; its successor is another signer. Thread-safe.
class HeadSigner {
 public:
  virtual ~HeadSigner() = default;

  // Sets key_id and signature of a head that is otherwise complete. INTERNAL when the library
  // fails.
  virtual absl::Status Sign(journal::v1::TreeHead* head) const = 0;
  // First 8 bytes of SHA-256 of public_key().
  virtual const std::string& key_id() const = 0;
  // Raw, 32 bytes.
  virtual const std::string& public_key() const = 0;
};

// Reads the key from a PEM file (PKCS #8, as "openssl genpkey -algorithm ed25519" makes it), or
// makes a new one there, readable by its owner alone, when the file is absent. FAILED_PRECONDITION
// SIGNING_KEY: not an Ed25519 key, or everybody can read it; UNAVAILABLE FILE_FAILED: the disk
// refuses.
absl::StatusOr<std::unique_ptr<HeadSigner>> OpenHeadSigner(const std::string& pem_path);

// The same from the text of such a file.
absl::StatusOr<std::unique_ptr<HeadSigner>> HeadSignerFromPem(absl::string_view pem,
                                                              const std::string& path);

std::string KeyId(absl::string_view raw_public_key);

// Checks key_id and signature. FAILED_PRECONDITION PROOF_INVALID says what is wrong.
absl::Status VerifyHead(const journal::v1::TreeHead& head, absl::string_view raw_public_key);

}  // namespace nisi::store
