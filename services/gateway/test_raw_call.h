// For gateway_test.cc: one call in HTTP/2 by hand, with metadata that no gRPC client would send.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace nisi::gateway {

class RawCall {
 public:
  using Headers = std::vector<std::pair<std::string, std::string>>;

  // One message on a connection of its own; returns when the call is over, or the connection.
  RawCall(int port, const std::string& path, const Headers& metadata, const std::string& message)
      : socket_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    Headers headers{{":method", "POST"},         {":scheme", "http"}, {":path", path},
                    {":authority", "localhost"}, {"te", "trailers"},  {"content-type", kGrpc}};
    headers.insert(headers.end(), metadata.begin(), metadata.end());
    std::string block;
    for (const auto& [name, value] : headers) {
      block += '\0' + Text(name) + Text(value);  // HPACK: a literal that no table remembers
    }
    const std::string framed = '\0' + Number(message.size(), 4) + message;
    const std::string all = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + Frame(kSettings, 0, 0, "") +
                            Frame(kHeaders, kEndHeaders, 1, block) +
                            Frame(kData, kEndStream, 1, framed);
    if (connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0 &&
        send(socket_, all.data(), all.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(all.size())) {
      while (ReadFrame()) {
      }
    }
  }
  ~RawCall() { close(socket_); }
  RawCall(const RawCall&) = delete;
  RawCall& operator=(const RawCall&) = delete;

  // Whether an answer came to its end; if not, the call or the connection was broken off.
  bool answered() const { return answered_; }
  bool has_message() const { return has_message_; }

 private:
  enum Kind : uint8_t { kData = 0, kHeaders = 1, kReset = 3, kSettings = 4, kGoAway = 7 };
  static constexpr uint8_t kEndStream = 1;
  static constexpr uint8_t kEndHeaders = 4;
  static constexpr char kGrpc[] = "application/grpc";

  static std::string Number(size_t value, int bytes) {
    std::string text;
    while (bytes-- > 0) {
      text += static_cast<char>(value >> (8 * bytes) & 0xff);
    }
    return text;
  }
  // Up to 126 bytes: longer ones would need a longer count.
  static std::string Text(const std::string& text) { return Number(text.size(), 1) + text; }
  static std::string Frame(Kind kind, uint8_t flags, size_t stream, const std::string& payload) {
    return Number(payload.size(), 3) + Number(kind, 1) + Number(flags, 1) + Number(stream, 4) +
           payload;
  }

  bool ReadExactly(char* to, size_t count) {
    while (count > 0) {
      const ssize_t got = recv(socket_, to, count, 0);
      if (got <= 0) {
        return false;
      }
      to += got;
      count -= static_cast<size_t>(got);
    }
    return true;
  }

  // False when there is nothing more to wait for.
  bool ReadFrame() {
    unsigned char head[9];
    if (!ReadExactly(reinterpret_cast<char*>(head), sizeof(head))) {
      return false;
    }
    std::string payload(
        static_cast<size_t>(head[0]) << 16 | static_cast<size_t>(head[1]) << 8 | head[2], '\0');
    if (!ReadExactly(payload.data(), payload.size())) {
      return false;
    }
    const uint8_t kind = head[3];
    has_message_ = has_message_ || (kind == kData && !payload.empty());
    answered_ = kind == kHeaders && (head[4] & kEndStream) != 0;
    return !answered_ && kind != kReset && kind != kGoAway;
  }

  const int socket_;
  bool answered_ = false;
  bool has_message_ = false;
};

}  // namespace nisi::gateway
