// For gateway_test.cc: HTTP/2 by hand, as no gRPC client would speak it.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <nghttp2/nghttp2.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cstdint>
#include <map>
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

  // How much of a call is sent: all; a head that does not end; no message and no end; one message
  // and no end.
  enum class Parts { kWhole, kPartOfHead, kHead, kOpen };

  // With the windows of its calls as in `window`, or as usual. Reading ends where nothing has come
  // for so long that nothing will.
  explicit RawHttp2(int port, std::optional<size_t> window = std::nullopt)
      : socket_(socket(AF_INET, SOCK_STREAM, 0)) {
    const timeval patience{kPatienceSeconds, 0};
    setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
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

  // A call with one message; `stream` is odd, and larger each time. False: it is closed.
  bool Call(size_t stream, const std::string& path, const Headers& metadata,
            const std::string& message, Parts parts = Parts::kWhole) {
    std::string all = Framed(kHeaders, parts == Parts::kPartOfHead ? 0 : kEndHeaders, stream,
                             Block(path, metadata));
    if (parts == Parts::kWhole || parts == Parts::kOpen) {
      all += Framed(kData, parts == Parts::kWhole ? kEndStream : 0, stream,
                    '\0' + Number(message.size(), 4) + message);
    }
    return Send(all);
  }

  // The heads of so many calls at once.
  bool Heads(size_t first, size_t count, const std::string& path) {
    const std::string block = Block(path, {});
    std::string all;
    for (size_t i = 0; i < count; ++i) all += Framed(kHeaders, kEndHeaders, first + 2 * i, block);
    return Send(all);
  }

  // That its settings have come.
  bool Acknowledge() { return Send(Framed(kSettings, 1, 0, "")); }

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
  static constexpr time_t kPatienceSeconds = 60;
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
  static std::string Block(const std::string& path, const Headers& metadata) {
    Headers headers{{":method", "POST"},         {":scheme", "http"}, {":path", path},
                    {":authority", "localhost"}, {"te", "trailers"},  {"content-type", kGrpc}};
    headers.insert(headers.end(), metadata.begin(), metadata.end());
    std::string block;
    for (const auto& [name, value] : headers) {
      block += '\0' + Text(name) + Text(value);  // HPACK: a literal that no table remembers
    }
    return block;
  }
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
  using Headers = RawHttp2::Headers;
  // kHeadAlone: no message follows, and no end. kTakesNothing: one message and no end, of a client
  // that lets us send nothing.
  enum class How { kWhole, kHeadAlone, kTakesNothing };

  // One message; returns when the call is over, or the connection, or nothing more will come.
  RawCall(int port, const std::string& path, const Headers& metadata, const std::string& message,
          How how = How::kWhole) {
    using Parts = RawHttp2::Parts;
    nghttp2_hd_inflate_new(&inflater_);
    RawHttp2 connection(port, how == How::kTakesNothing ? std::optional<size_t>(0) : std::nullopt);
    connection.Call(1, path, metadata, message,
                    how == How::kWhole       ? Parts::kWhole
                    : how == How::kHeadAlone ? Parts::kHead
                                             : Parts::kOpen);
    while (const auto frame = connection.Read()) {
      if (frame->kind == RawHttp2::kHeaders) ReadFields(frame->payload);
      reset_ = frame->kind == RawHttp2::kReset;
      has_message_ = has_message_ || (frame->kind == RawHttp2::kData && !frame->payload.empty());
      answered_ = frame->kind == RawHttp2::kHeaders && (frame->flags & RawHttp2::kEndStream) != 0;
      if (answered_ || reset_ || frame->kind == RawHttp2::kGoAway) return;
    }
  }
  ~RawCall() { nghttp2_hd_inflate_del(inflater_); }
  RawCall(const RawCall&) = delete;
  RawCall& operator=(const RawCall&) = delete;

  // Whether an answer came to its end; if not, the call or the connection was broken off.
  bool answered() const { return answered_; }
  bool has_message() const { return has_message_; }
  // Whether the call was broken off.
  bool reset() const { return reset_; }
  // Of the head or the trailers of the answer; "" where there is none.
  std::string Field(const std::string& name) const {
    const auto found = fields_.find(name);
    return found == fields_.end() ? "" : found->second;
  }

 private:
  // nghttp2's servers add no padding and no priority.
  void ReadFields(std::string block) {
    auto* at = reinterpret_cast<uint8_t*>(block.data());
    size_t left = block.size();
    for (int flags = 0; (flags & NGHTTP2_HD_INFLATE_FINAL) == 0;) {
      nghttp2_nv field{};
      const ssize_t read = nghttp2_hd_inflate_hd2(inflater_, &field, &flags, at, left, 1);
      if (read < 0) return;
      at += read;
      left -= static_cast<size_t>(read);
      if ((flags & NGHTTP2_HD_INFLATE_EMIT) != 0) {
        fields_[std::string(reinterpret_cast<char*>(field.name), field.namelen)] =
            std::string(reinterpret_cast<char*>(field.value), field.valuelen);
      }
    }
    nghttp2_hd_inflate_end_headers(inflater_);
  }

  nghttp2_hd_inflater* inflater_ = nullptr;
  std::map<std::string, std::string> fields_;
  bool reset_ = false;
  bool answered_ = false;
  bool has_message_ = false;
};

}  // namespace nisi::gateway
