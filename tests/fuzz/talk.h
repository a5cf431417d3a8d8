// What the targets of HTTP share: a conversation with a server, and frames of HTTP/2.
#pragma once

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>

#include "absl/strings/string_view.h"
#include "common/http2/server.h"
#include "tests/fuzz/fuzz.h"

namespace nisi::fuzz {

// Says it all, and reads until the server has closed.
inline std::string Talk(http2::Server& server, absl::string_view said) {
  std::array<int, 2> ends{};
  Expect(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0, "a pair of sockets");
  server.Adopt(ends[0]);
  // Inputs are small: the kernel holds them, and what they are answered with.
  while (!said.empty()) {
    const ssize_t sent = send(ends[1], said.data(), said.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;  // the engine's alarm
    if (sent <= 0) break;
    said.remove_prefix(static_cast<size_t>(sent));
  }
  shutdown(ends[1], SHUT_WR);
  std::string got;
  std::array<char, 4096> room{};
  while (true) {
    const ssize_t size = read(ends[1], room.data(), room.size());
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) break;
    got.append(room.data(), static_cast<size_t>(size));
  }
  close(ends[1]);
  return got;
}

inline std::string Frame(size_t size, uint8_t type, uint8_t flags, uint32_t stream) {
  std::string head;
  for (const int shift : {16, 8, 0}) head += static_cast<char>(size >> shift);
  head += static_cast<char>(type);
  head += static_cast<char>(flags);
  for (const int shift : {24, 16, 8, 0}) head += static_cast<char>(stream >> shift);
  return head;
}

// The rest of the input as frames of a right form.
inline std::string Frames(Input& in) {
  std::string bytes;
  while (!in.empty()) {
    const uint8_t type = in.Byte() % 11;
    const uint8_t flags = in.Byte();
    const uint8_t stream = in.Byte();
    const absl::string_view payload = in.LongPart();
    bytes += Frame(payload.size(), type, flags, stream);
    bytes.append(payload.data(), payload.size());
  }
  return bytes;
}

}  // namespace nisi::fuzz
