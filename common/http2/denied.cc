#include "common/http2/denied.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <memory>
#include <sstream>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/base/status.h"
#include "common/http2/tls.h"

namespace nisi::http2 {
namespace {

constexpr size_t kFingerprintDigits = 64;
constexpr size_t kMostSerialDigits = 40;

bool IsHex(absl::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return absl::ascii_isxdigit(static_cast<unsigned char>(c)); });
}

std::string SerialLine(absl::string_view digits) {
  while (absl::ConsumePrefix(&digits, "0")) {
  }
  return absl::StrCat("serial ", digits);
}

// In the form that is kept; empty for a line that says nothing of these.
std::string KeptForm(absl::string_view line) {
  if (absl::StartsWith(line, "spiffe://")) return std::string(line);
  const std::vector<std::string> parts = absl::StrSplit(line, absl::MaxSplits('=', 1));
  const std::string digits = absl::AsciiStrToLower(absl::StrReplaceAll(parts.back(), {{":", ""}}));
  const std::string kind = parts.size() == 1 ? "" : absl::AsciiStrToLower(parts.front());
  if (digits.empty() || !IsHex(digits)) return "";
  if (kind == "serial") return digits.size() > kMostSerialDigits ? "" : SerialLine(digits);
  const bool fingerprint = kind.empty() || kind == "sha256 fingerprint";
  return fingerprint && digits.size() == kFingerprintDigits ? absl::StrCat("sha256 ", digits) : "";
}

std::string FingerprintLine(const X509& certificate) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  if (X509_digest(&certificate, EVP_sha256(), digest.data(), &size) != 1) return "";
  return absl::StrCat("sha256 ",
                      absl::BytesToHexString({reinterpret_cast<const char*>(digest.data()), size}));
}

std::string SerialLine(const X509& certificate) {
  const std::unique_ptr<BIGNUM, decltype(&BN_free)> number(
      ASN1_INTEGER_to_BN(X509_get0_serialNumber(&certificate), nullptr), BN_free);
  if (number == nullptr) return "";
  char* const digits = BN_bn2hex(number.get());
  if (digits == nullptr) return "";
  const std::string line = SerialLine(absl::AsciiStrToLower(digits));
  OPENSSL_free(digits);
  return line;
}

int Index() {
  static const int kIndex = SSL_CTX_get_ex_new_index(
      0, nullptr, nullptr, nullptr, [](void*, void* kept, CRYPTO_EX_DATA*, int, long, void*) {
        delete static_cast<Denied*>(kept);
      });
  return kIndex;
}

}  // namespace

absl::StatusOr<Denied> Denied::Parse(absl::string_view text) {
  Denied denied;
  int number = 0;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    ++number;
    line = absl::StripAsciiWhitespace(line.substr(0, line.find('#')));
    if (line.empty()) continue;
    std::string kept = KeptForm(line);
    if (kept.empty()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "line ", number, ": no SHA-256 fingerprint, serial= or SPIFFE id of a certificate"));
    }
    denied.lines_.insert(std::move(kept));
  }
  return denied;
}

absl::StatusOr<Denied> Denied::Read(const std::string& path) {
  const std::ifstream file(path, std::ios::binary);
  if (!file) return absl::NotFoundError(absl::StrCat(path, ": cannot be read"));
  std::ostringstream text;
  text << file.rdbuf();
  absl::StatusOr<Denied> denied = Parse(text.str());
  if (denied.ok()) return denied;
  return absl::InvalidArgumentError(absl::StrCat(path, ": ", denied.status().message()));
}

bool Denied::Has(const X509& certificate) const {
  if (lines_.empty()) return false;
  if (lines_.contains(FingerprintLine(certificate)) || lines_.contains(SerialLine(certificate))) {
    return true;
  }
  const std::vector<std::string> uris = UrisOf(certificate);
  return std::any_of(uris.begin(), uris.end(),
                     [this](const std::string& uri) { return lines_.contains(uri); });
}

void Deny(Denied denied, SSL_CTX* context) {
  auto kept = std::make_unique<Denied>(std::move(denied));
  if (SSL_CTX_set_ex_data(context, Index(), kept.get()) == 1) (void)kept.release();
}

bool IsDenied(const X509& certificate, const SSL_CTX& context) {
  const auto* const denied = static_cast<const Denied*>(SSL_CTX_get_ex_data(&context, Index()));
  return denied != nullptr && denied->Has(certificate);
}

bool IsDenied(const SSL& ssl, const SSL_CTX& context) {
  const STACK_OF(X509)* const chain = SSL_get0_verified_chain(&ssl);
  for (int i = 0; chain != nullptr && i < sk_X509_num(chain); ++i) {
    if (IsDenied(*sk_X509_value(chain, i), context)) return true;
  }
  return false;
}

}  // namespace nisi::http2
