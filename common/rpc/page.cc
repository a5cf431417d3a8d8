#include "common/rpc/page.h"

#include <algorithm>
#include <memory>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/base/hash.h"
#include "common/base/planted.h"
#include "common/base/status.h"
#include "common/rpc/openssl_util.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"

namespace nisi::rpc {
namespace {

constexpr int kDefaultPage = 50;
constexpr int kLargestPage = 200;
constexpr size_t kMaxPageTokenBytes = 4'096;
constexpr size_t kSignatureBytes = 16;
constexpr char kVersion = 3;
constexpr char kCipherKey[] = "page token";    // no Signature is of this
constexpr size_t kFixedBytes = 1 + 8 + 8 + 8;  // version, issue in seconds, position, recorded_us

void AppendInt64(int64_t value, std::string* out) {
  for (int shift = 56; shift >= 0; shift -= 8) {
    out->push_back(static_cast<char>(static_cast<uint64_t>(value) >> shift & 0xff));
  }
}

int64_t ReadInt64(absl::string_view bytes) {
  uint64_t value = 0;
  for (const char c : bytes.substr(0, 8)) value = value << 8 | static_cast<uint8_t>(c);
  return static_cast<int64_t>(value);
}

// A length before the bytes, so that two parts never read as two others.
std::string Length(absl::string_view bytes) {
  std::string out;
  AppendInt64(static_cast<int64_t>(bytes.size()), &out);
  return out;
}

absl::Status Invalid() {
  return base::Refusal(absl::StatusCode::kInvalidArgument, "PAGE_TOKEN_INVALID",
                       "The page token does not belong to this request: start from the first page.")
      .Field("page_token", "must be the next_page_token of the page before, of the same request");
}

absl::Status Expired() {
  return base::Refusal(absl::StatusCode::kInvalidArgument, "PAGE_TOKEN_INVALID",
                       "The page token has expired: start from the first page.")
      .Field("page_token", "is older than 24 hours");
}

// Encrypts, and decrypts. As SIV (RFC 5297) the signature is what the encryption begins with: one
// state has one token, and two states have nothing in common that shows.
std::string Ciphered(const std::string& key, absl::string_view bytes, absl::string_view signature) {
  static_assert(kSignatureBytes == 16, "what AES in counter mode begins with");
  const base::Hash cipher_key = base::HmacSha256(key, {absl::string_view(kCipherKey)});
  std::string out(bytes.size(), '\0');
  const CipherCtxPtr context(EVP_CIPHER_CTX_new());
  int size = 0;
  // In memory, with a key and a beginning of their lengths, nothing of it fails; were it to, no
  // token would be taken.
  if (EVP_EncryptInit_ex(context.get(), EVP_aes_256_ctr(), nullptr,
                         Bytes(base::AsBytes(cipher_key)), Bytes(signature)) != 1 ||
      EVP_EncryptUpdate(context.get(), MutableBytes(out), &size, Bytes(bytes),
                        static_cast<int>(bytes.size())) != 1) {
    out.assign(bytes.size(), '\0');
  }
  return out;
}

void Clear(absl::string_view name, google::protobuf::Message* message) {
  if (const auto* field = message->GetDescriptor()->FindFieldByName(std::string(name))) {
    message->GetReflection()->ClearField(message, field);
  }
}

}  // namespace

int PageSize(int32_t requested) {
  return requested <= 0 ? kDefaultPage : std::min(requested, kLargestPage);
}

std::string QueryHash(const google::protobuf::Message& request, absl::string_view caller) {
  const std::unique_ptr<google::protobuf::Message> query(request.New());
  query->CopyFrom(request);
  Clear("page_token", query.get());
  Clear("page_size", query.get());
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream output(&stream);
    output.SetSerializationDeterministic(true);
    query->SerializeToCodedStream(&output);
  }
  const std::string& type = request.GetDescriptor()->full_name();
  const base::Hash hash =
      base::Sha256({Length(caller), caller, Length(type), absl::string_view(type), bytes});
  return std::string(base::AsBytes(hash));
}

std::string PageTokens::Signature(absl::string_view state, absl::string_view query_hash) const {
  if (base::Planted("page-token-unbound")) query_hash = "";
  const base::Hash hash = base::HmacSha256(key_, {Length(query_hash), query_hash, state});
  return std::string(base::AsBytes(hash).substr(0, kSignatureBytes));
}

std::string PageTokens::Encode(const PageState& state, absl::string_view query_hash) const {
  std::string bytes(1, kVersion);
  AppendInt64(absl::ToUnixSeconds(now_), &bytes);
  AppendInt64(state.position, &bytes);
  AppendInt64(state.recorded_us, &bytes);
  bytes += state.last_key;
  const std::string signature = Signature(bytes, query_hash);
  return absl::WebSafeBase64Escape(absl::StrCat(signature, Ciphered(key_, bytes, signature)));
}

absl::StatusOr<PageState> PageTokens::Decode(absl::string_view token,
                                             absl::string_view query_hash) const {
  std::string bytes;
  // Written again, so that of the many spellings of one base64 text only ours is taken.
  if (token.size() > kMaxPageTokenBytes || !absl::WebSafeBase64Unescape(token, &bytes) ||
      absl::WebSafeBase64Escape(bytes) != token || bytes.size() < kFixedBytes + kSignatureBytes) {
    return Invalid();
  }
  const absl::string_view signature = absl::string_view(bytes).substr(0, kSignatureBytes);
  const std::string plain =
      Ciphered(key_, absl::string_view(bytes).substr(kSignatureBytes), signature);
  const absl::string_view state = plain;
  if (!base::ConstantTimeEquals(Signature(state, query_hash), signature) ||
      state.front() != kVersion) {
    return Invalid();
  }
  // One of a time to come is of a clock that was set back since.
  if (now_ - absl::FromUnixSeconds(ReadInt64(state.substr(1))) > kPageTokenLife) return Expired();
  PageState result;
  result.position = ReadInt64(state.substr(9));
  result.recorded_us = ReadInt64(state.substr(17));
  result.last_key = std::string(state.substr(kFixedBytes));
  return result;
}

}  // namespace nisi::rpc
