#include "common/http2/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>

#include "absl/strings/match.h"

namespace nisi::http2 {

std::optional<Address> ParseAddress(absl::string_view text) {
  const size_t colon = text.rfind(':');
  if (colon == absl::string_view::npos || colon + 1 == text.size()) return std::nullopt;
  absl::string_view host = text.substr(0, colon);
  if (absl::StartsWith(host, "[") && absl::EndsWith(host, "]")) {
    host = host.substr(1, host.size() - 2);
  }
  return Address{std::string(host), std::string(text.substr(colon + 1))};
}

std::string TextOf(const sockaddr_storage& name) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const void* bytes = nullptr;
  if (name.ss_family == AF_INET) {
    bytes = &reinterpret_cast<const sockaddr_in*>(&name)->sin_addr;
  } else if (name.ss_family == AF_INET6) {
    bytes = &reinterpret_cast<const sockaddr_in6*>(&name)->sin6_addr;
  } else {
    return "";
  }
  inet_ntop(name.ss_family, bytes, text.data(), text.size());
  return text.data();
}

std::string SourceOf(sockaddr_storage name) {
  if (name.ss_family == AF_INET6) {
    in6_addr& address = reinterpret_cast<sockaddr_in6*>(&name)->sin6_addr;
    if (!IN6_IS_ADDR_V4MAPPED(&address)) {
      std::fill(std::begin(address.s6_addr) + 8, std::end(address.s6_addr), uint8_t{0});
    }
  }
  return TextOf(name);
}

}  // namespace nisi::http2
