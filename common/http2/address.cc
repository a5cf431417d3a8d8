#include "common/http2/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cstring>

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

sockaddr_storage Unmapped(const sockaddr_storage& name) {
  const auto& long_one = reinterpret_cast<const sockaddr_in6&>(name);
  if (name.ss_family != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(&long_one.sin6_addr)) return name;
  sockaddr_storage unmapped{};
  auto& short_one = reinterpret_cast<sockaddr_in&>(unmapped);
  short_one.sin_family = AF_INET;
  memcpy(&short_one.sin_addr, long_one.sin6_addr.s6_addr + 12, sizeof short_one.sin_addr);
  return unmapped;
}

std::optional<std::string> ParseMachine(const std::string& text) {
  sockaddr_storage name{};
  if (inet_pton(AF_INET, text.c_str(), &reinterpret_cast<sockaddr_in&>(name).sin_addr) == 1) {
    name.ss_family = AF_INET;
  } else if (inet_pton(AF_INET6, text.c_str(), &reinterpret_cast<sockaddr_in6&>(name).sin6_addr) ==
             1) {
    name.ss_family = AF_INET6;
  } else {
    return std::nullopt;
  }
  return TextOf(Unmapped(name));
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

std::string SourceOf(const std::string& machine) {
  sockaddr_storage name{};
  in6_addr* const address = &reinterpret_cast<sockaddr_in6&>(name).sin6_addr;
  if (!absl::StrContains(machine, ':') || inet_pton(AF_INET6, machine.c_str(), address) != 1) {
    return machine;
  }
  name.ss_family = AF_INET6;
  return SourceOf(name);
}

}  // namespace nisi::http2
