#include "common/http2/proxy_head.h"

#include <netinet/in.h>

#include <cstdint>
#include <cstring>

#include "absl/strings/match.h"

namespace nisi::http2 {
namespace {

constexpr absl::string_view kSignature("\r\n\r\n\0\r\nQUIT\n", 12);
// Version and command, family and transport.
constexpr char kLocal = 0x20, kProxy = 0x21;
constexpr char kTcp4 = 0x11, kTcp6 = 0x21;
// Behind the addresses there may be fields of any kind, of which none is looked at.
constexpr size_t kMost = 512;

}  // namespace

ProxyHead::State ProxyHead::Take(absl::string_view bytes) {
  bytes_.append(bytes.data(), bytes.size());
  if (wanted() > 0) return State::kMore;
  if (size_ == kFixed) {
    if (!ReadFixed()) return State::kBad;
    if (wanted() > 0) return State::kMore;
  }
  return ReadAddresses() ? State::kWhole : State::kBad;
}

bool ProxyHead::ReadFixed() {
  const size_t rest =
      static_cast<size_t>(static_cast<uint8_t>(bytes_[14])) << 8 | static_cast<uint8_t>(bytes_[15]);
  size_ += rest;
  return absl::StartsWith(bytes_, kSignature) && size_ <= kMost;
}

// Whoever brings a client and does not say which would have all of them counted as one: refused.
bool ProxyHead::ReadAddresses() {
  if (bytes_[12] == kLocal) return true;
  if (bytes_[12] != kProxy) return false;
  const absl::string_view rest = absl::string_view(bytes_).substr(kFixed);
  if (bytes_[13] == kTcp4 && rest.size() >= 12) {  // two addresses, two ports
    auto& name = reinterpret_cast<sockaddr_in&>(client_);
    name.sin_family = AF_INET;
    memcpy(&name.sin_addr, rest.data(), sizeof name.sin_addr);
    return true;
  }
  if (bytes_[13] == kTcp6 && rest.size() >= 36) {
    auto& name = reinterpret_cast<sockaddr_in6&>(client_);
    name.sin6_family = AF_INET6;
    memcpy(&name.sin6_addr, rest.data(), sizeof name.sin6_addr);
    return true;
  }
  return false;
}

}  // namespace nisi::http2
