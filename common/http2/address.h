// "host:port", as it is given in flags.
#pragma once

#include <sys/socket.h>

#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace nisi::http2 {

struct Address {
  std::string host;  // of "[::1]:80": without the brackets
  std::string port;
};

// nullopt where there is no port.
std::optional<Address> ParseAddress(absl::string_view text);

// IPv4 as such, where it came by a socket of IPv6.
sockaddr_storage Unmapped(const sockaddr_storage& name);
// "10.0.0.7", "2001:db8::1", the form that TextOf has for it; nullopt for what is none.
std::optional<std::string> ParseMachine(const std::string& text);
// "10.0.0.7"; empty for what is no address of a machine.
std::string TextOf(const sockaddr_storage& name);
// What counts as one client: the address, of IPv6 its network, in which one machine has as many
// addresses as it likes.
std::string SourceOf(sockaddr_storage name);
// Of what TextOf made; what is no address is one of its own.
std::string SourceOf(const std::string& machine);

}  // namespace nisi::http2
