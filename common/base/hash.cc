#include "common/base/hash.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <memory>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace nisi::base {
namespace {

constexpr size_t kBlockSize = 64;

void MustHold(bool ok, const char* what) {
  if (ok) return;
  std::fprintf(stderr, "OpenSSL failed in %s\n", what);
  std::abort();
}

void FillRandom(char* to, size_t n) {
  // RAND_bytes takes an int; nobody asks for more than a key at once.
  MustHold(n <= 1 << 20, "RandomBytes");
  MustHold(RAND_bytes(reinterpret_cast<unsigned char*>(to), static_cast<int>(n)) == 1,
           "RAND_bytes");
}

// Fetching the algorithm and making a context cost more than hashing a short record, so both are
// kept.
EVP_MD_CTX* ThreadContext() {
  struct Free {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  };
  static EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  thread_local const std::unique_ptr<EVP_MD_CTX, Free> context = [] {
    std::unique_ptr<EVP_MD_CTX, Free> made(EVP_MD_CTX_new());
    MustHold(made && algorithm && EVP_DigestInit_ex2(made.get(), algorithm, nullptr) == 1,
             "SHA-256");
    return made;
  }();
  return context.get();
}

}  // namespace

Hash Sha256(std::initializer_list<absl::string_view> parts) {
  EVP_MD_CTX* const context = ThreadContext();
  MustHold(EVP_DigestInit_ex2(context, nullptr, nullptr) == 1, "SHA-256");
  for (const absl::string_view part : parts) {
    MustHold(EVP_DigestUpdate(context, part.data(), part.size()) == 1, "SHA-256");
  }
  Hash hash;
  MustHold(EVP_DigestFinal_ex(context, hash.data(), nullptr) == 1, "SHA-256");
  return hash;
}

Hash Sha256(absl::string_view data) {
  return Sha256({data});
}

std::string Sha256Bytes(absl::string_view data) {
  return std::string(AsBytes(Sha256(data)));
}

Hash HmacSha256(absl::string_view key, std::initializer_list<absl::string_view> parts) {
  std::array<char, kBlockSize> inner{};
  const Hash short_key = key.size() > kBlockSize ? Sha256(key) : Hash{};
  if (key.size() > kBlockSize) key = AsBytes(short_key);
  std::copy(key.begin(), key.end(), inner.begin());
  std::array<char, kBlockSize> outer = inner;
  for (size_t i = 0; i < kBlockSize; ++i) {
    inner[i] = static_cast<char>(inner[i] ^ 0x36);
    outer[i] = static_cast<char>(outer[i] ^ 0x5c);
  }

  EVP_MD_CTX* const context = ThreadContext();
  MustHold(EVP_DigestInit_ex2(context, nullptr, nullptr) == 1, "HMAC");
  MustHold(EVP_DigestUpdate(context, inner.data(), inner.size()) == 1, "HMAC");
  for (const absl::string_view part : parts) {
    MustHold(EVP_DigestUpdate(context, part.data(), part.size()) == 1, "HMAC");
  }
  Hash hash;
  MustHold(EVP_DigestFinal_ex(context, hash.data(), nullptr) == 1, "HMAC");
  const Hash mac = Sha256({absl::string_view(outer.data(), outer.size()), AsBytes(hash)});
  OPENSSL_cleanse(inner.data(), inner.size());
  OPENSSL_cleanse(outer.data(), outer.size());
  return mac;
}

std::string HexEncode(absl::string_view bytes) {
  return absl::BytesToHexString(bytes);
}

bool ConstantTimeEquals(absl::string_view a, absl::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string RandomBytes(size_t n) {
  std::string bytes(n, '\0');
  // Names and marks of calls are short, and several are made for each call: a block at a time costs
  // a tenth of one at a time. What is forked and goes on without exec repeats them: only tests do.
  thread_local std::array<char, 512> block;
  thread_local size_t left = 0;
  if (n <= 16) {
    if (left < n) {
      FillRandom(block.data(), block.size());
      left = block.size();
    }
    left -= n;
    std::copy_n(block.data() + left, n, bytes.data());
    std::fill_n(block.data() + left, n, '\0');
    return bytes;
  }
  FillRandom(bytes.data(), n);
  return bytes;
}

std::string RandomUuid() {
  std::string bytes = RandomBytes(16);
  bytes[6] = static_cast<char>((bytes[6] & 0x0f) | 0x40);  // version 4
  bytes[8] = static_cast<char>((bytes[8] & 0x3f) | 0x80);  // variant of the RFC
  const std::string hex = HexEncode(bytes);
  const absl::string_view view = hex;
  return absl::StrCat(view.substr(0, 8), "-", view.substr(8, 4), "-", view.substr(12, 4), "-",
                      view.substr(16, 4), "-", view.substr(20));
}

}  // namespace nisi::base
