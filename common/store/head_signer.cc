#include "common/store/head_signer.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <sys/stat.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/store/file_io.h"
#include "common/store/merkle.h"
#include "common/store/proof_error.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"

namespace nisi::store {
namespace {

using journal::v1::TreeHead;

template <auto kFree>
struct Free {
  template <class T>
  void operator()(T* object) const {
    kFree(object);
  }
};
using OpenSslKey = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, Free<EVP_MD_CTX_free>>;
using Bio = std::unique_ptr<BIO, Free<BIO_free_all>>;

constexpr size_t kKeySize = 32;
constexpr size_t kSignatureSize = 64;

const unsigned char* Bytes(absl::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

absl::Status BadKey(absl::string_view path, absl::string_view why) {
  return base::Refusal(absl::StatusCode::kFailedPrecondition, "SIGNING_KEY",
                       absl::StrCat("The signing key ", path, " cannot be used: ", why));
}

absl::Status LibraryFailed(absl::string_view what) {
  return base::Refusal(absl::StatusCode::kInternal, "SIGNING_FAILED",
                       absl::StrCat("OpenSSL failed to ", what, "."));
}

// What is signed: the head without its signature, serialized in field order.
std::string SignedBytes(const TreeHead& head) {
  TreeHead copy = head;
  copy.clear_signature();
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    copy.SerializeWithCachedSizes((static_cast<void>(copy.ByteSizeLong()), &coded));
  }
  return bytes;
}

class KeySigner : public HeadSigner {
 public:
  KeySigner(OpenSslKey key, std::string public_key)
      : key_(std::move(key)), public_key_(std::move(public_key)), key_id_(KeyId(public_key_)) {}

  absl::Status Sign(TreeHead* head) const override {
    head->set_key_id(key_id_);
    const std::string bytes = SignedBytes(*head);
    const DigestContext context(EVP_MD_CTX_new());
    std::string signature(kSignatureSize, '\0');
    size_t size = signature.size();
    if (context == nullptr ||
        EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key_.get()) != 1 ||
        EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size,
                       Bytes(bytes), bytes.size()) != 1 ||
        size != kSignatureSize) {
      return LibraryFailed("sign");
    }
    head->set_signature(std::move(signature));
    return absl::OkStatus();
  }
  const std::string& key_id() const override { return key_id_; }
  const std::string& public_key() const override { return public_key_; }

 private:
  const OpenSslKey key_;
  const std::string public_key_;
  const std::string key_id_;
};

absl::StatusOr<std::string> NewPem() {
  const OpenSslKey key(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
  const Bio bio(BIO_new(BIO_s_secmem()));
  if (key == nullptr || bio == nullptr ||
      PEM_write_bio_PKCS8PrivateKey(bio.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) !=
          1) {
    return LibraryFailed("make a key");
  }
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return std::string(data, static_cast<size_t>(size));
}

// Another process may be first to make the file: then its key is the key.
absl::StatusOr<std::string> ReadOrMakePem(const std::string& path) {
  absl::StatusOr<std::string> pem = ReadSmallFile(path);
  if (!absl::IsNotFound(pem.status())) return pem;
  ASSIGN_OR_RETURN(const std::string made, NewPem());
  const absl::Status written = WriteNewFile(path, made, 0600);
  if (!written.ok() && !absl::IsAlreadyExists(written)) return written;
  return ReadSmallFile(path);
}

}  // namespace

std::string KeyId(absl::string_view raw_public_key) {
  return ToBytes(base::Sha256(raw_public_key)).substr(0, 8);
}

absl::StatusOr<std::unique_ptr<HeadSigner>> OpenHeadSigner(const std::string& pem_path) {
  ASSIGN_OR_RETURN(const std::string pem, ReadOrMakePem(pem_path));
  struct stat info {};
  if (stat(pem_path.c_str(), &info) == 0 && (info.st_mode & S_IRWXO) != 0) {
    return BadKey(
        pem_path,
        "everybody on this machine can read it. Set its mode to 0600 (or 0440 with a group).");
  }
  return HeadSignerFromPem(pem, pem_path);
}

absl::StatusOr<std::unique_ptr<HeadSigner>> HeadSignerFromPem(absl::string_view pem,
                                                              const std::string& pem_path) {
  const Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  // The empty password keeps OpenSSL from asking for one on the terminal.
  char no_password[] = "";
  OpenSslKey key(
      bio == nullptr ? nullptr : PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, no_password));
  if (key == nullptr || EVP_PKEY_get_id(key.get()) != EVP_PKEY_ED25519) {
    return BadKey(pem_path, "it is no unencrypted Ed25519 private key in PEM form.");
  }
  std::string public_key(kKeySize, '\0');
  size_t size = public_key.size();
  if (EVP_PKEY_get_raw_public_key(key.get(), reinterpret_cast<unsigned char*>(public_key.data()),
                                  &size) != 1 ||
      size != kKeySize) {
    return BadKey(pem_path, "its public half cannot be read.");
  }
  return std::make_unique<KeySigner>(std::move(key), std::move(public_key));
}

absl::Status VerifyHead(const TreeHead& head, absl::string_view raw_public_key) {
  constexpr char kStep[] = "HEAD_SIGNATURE";
  if (raw_public_key.size() != kKeySize)
    return ProofInvalid(kStep, "The public key has not 32 bytes.");
  if (head.key_id() != KeyId(raw_public_key))
    return ProofInvalid(kStep, "The head is signed by another key.");
  if (head.signature().size() != kSignatureSize)
    return ProofInvalid(kStep, "The signature has not 64 bytes.");
  const OpenSslKey key(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, Bytes(raw_public_key),
                                                   raw_public_key.size()));
  const DigestContext context(EVP_MD_CTX_new());
  if (key == nullptr || context == nullptr ||
      EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key.get()) != 1) {
    return ProofInvalid(kStep, "The public key is not an Ed25519 key.");
  }
  const std::string bytes = SignedBytes(head);
  if (EVP_DigestVerify(context.get(), Bytes(head.signature()), head.signature().size(),
                       Bytes(bytes), bytes.size()) != 1) {
    return ProofInvalid(kStep, "The signature does not fit the head.");
  }
  return absl::OkStatus();
}

}  // namespace nisi::store
