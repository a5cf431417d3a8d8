// SHA-256, HMAC, random bytes: OpenSSL behind four plain functions. A failure inside OpenSSL here
// means no memory or a broken installation; the process then says so and ends, since going on
// without hashes is never right.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>

#include "absl/strings/string_view.h"

namespace nisi::base {

using Hash = std::array<uint8_t, 32>;

// The 32 bytes as a view into `hash`.
inline absl::string_view AsBytes(const Hash& hash) {
  return {reinterpret_cast<const char*>(hash.data()), hash.size()};
}

// Of one string, or of several as if they were one.
Hash Sha256(absl::string_view data);
Hash Sha256(std::initializer_list<absl::string_view> parts);
// As a string of 32 bytes.
std::string Sha256Bytes(absl::string_view data);

// RFC 2104 with SHA-256.
Hash HmacSha256(absl::string_view key, std::initializer_list<absl::string_view> parts);

// Lower case.
std::string HexEncode(absl::string_view bytes);

// In time that depends on the lengths only.
bool ConstantTimeEquals(absl::string_view a, absl::string_view b);

// From OpenSSL's generator, fit for keys.
std::string RandomBytes(size_t n);
// A random UUID (RFC 9562 version 4) in lower-case text form.
std::string RandomUuid();

}  // namespace nisi::base
