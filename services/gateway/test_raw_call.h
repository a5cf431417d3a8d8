// For gateway_test.cc: HTTP/2 by hand, as no gRPC client would speak it.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace nisi::gateway {

class RawHttp2 {
 public:
  using Headers = std::vector<std::pair<std::string, std::string>>;
  enum Kind : uint8_t { kData = 0, kHeaders = 1, kReset = 3, kSettings = 4, kGoAway = 7 };
  static constexpr uint8_t kEndStream = 1;
  static constexpr uint8_t kEndHeaders = 4;
  static constexpr uint16_t kInitialWindow = 4;

  struct Frame {
    uint8_t kind;
    uint8_t flags;
    std::string payload;
  };

  // With the windows of its calls as in `window`, or as usual.
  explicit RawHttp2(int port, std::optional<size_t> window = std::nullopt)
      : socket_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) return;
    const std::string settings =
        window.has_value() ? Number(kInitialWindow, 2) + Number(*window, 4) : "";
    Send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + Framed(kSettings, 0, 0, settings));
  }
  ~RawHttp2() { close(socket_); }
  RawHttp2(const RawHttp2&) = delete;
  RawHttp2& operator=(const RawHttp2&) = delete;

  // A whole call with one message; `stream` is odd, and larger each time. False: it is closed.
  bool Call(size_t stream, const std::string& path, const Headers& metadata,
            const std::string& message) {
    Headers headers{{":method", "POST"},         {":scheme", "http"}, {":path", path},
                    {":authority", "localhost"}, {"te", "trailers"},  {"content-type", kGrpc}};
    headers.insert(headers.end(), metadata.begin(), metadata.end());
    std::string block;
    for (const auto& [name, value] : headers) {
      block += '\0' + Text(name) + Text(value);  // HPACK: a literal that no table remembers
    }
    return Send(Framed(kHeaders, kEndHeaders, stream, block) +
                Framed(kData, kEndStream, stream, '\0' + Number(message.size(), 4) + message));
  }

  // The next frame; none when the connection is closed.
  std::optional<Frame> Read() {
    unsigned char head[9];
    if (!ReadExactly(reinterpret_cast<char*>(head), sizeof(head))) return std::nullopt;
    Frame frame{head[3], head[4], ""};
    frame.payload.resize(static_cast<size_t>(head[0]) << 16 | static_cast<size_t>(head[1]) << 8 |
                         head[2]);
    if (!ReadExactly(frame.payload.data(), frame.payload.size())) return std::nullopt;
    return frame;
  }

 private:
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
  static std::string Framed(Kind kind, uint8_t flags, size_t stream, const std::string& payload) {
    return Number(payload.size(), 3) + Number(kind, 1) + Number(flags, 1) + Number(stream, 4) +
           payload;
  }

  bool Send(const std::string& all) {
    return send(socket_, all.data(), all.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(all.size());
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

  const int socket_;
};

// One call on a connection of its own, with metadata that no gRPC client would send.
class RawCall {
 public:
  // One message; returns when the call is over, or the connection.
  RawCall(int port, const std::string& path, const RawHttp2::Headers& metadata,
          const std::string& message) {
    RawHttp2 connection(port);
    connection.Call(1, path, metadata, message);
    while (const auto frame = connection.Read()) {
      has_message_ = has_message_ || (frame->kind == RawHttp2::kData && !frame->payload.empty());
      answered_ = frame->kind == RawHttp2::kHeaders && (frame->flags & RawHttp2::kEndStream) != 0;
      if (answered_ || frame->kind == RawHttp2::kReset || frame->kind == RawHttp2::kGoAway) {
        return;
      }
    }
  }

  // Whether an answer came to its end; if not, the call or the connection was broken off.
  bool answered() const { return answered_; }
  bool has_message() const { return has_message_; }

 private:
  bool answered_ = false;
  bool has_message_ = false;
};

}  // namespace nisi::gateway
