#include "common/http2/nghttp2_util.h"

#include <cstdlib>
#include <string>

namespace nisi::http2 {
namespace {

constexpr size_t kWriteBytes = 64 << 10;
// Settings in one frame, and frames that only want an answer of us.
constexpr size_t kMaxSettings = 32;
constexpr size_t kMaxOutboundAcks = 1000;

}  // namespace

nghttp2_nv ViewOf(absl::string_view name, absl::string_view value) {
  const auto bytes = [](absl::string_view text) {
    return reinterpret_cast<uint8_t*>(const_cast<char*>(text.data()));
  };
  return {bytes(name), bytes(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE};
}

const nghttp2_option* SessionOptions() {
  static const nghttp2_option* const kOptions = [] {
    nghttp2_option* options = nullptr;
    if (nghttp2_option_new(&options) != 0) std::abort();
    nghttp2_option_set_no_auto_window_update(options, 1);
    nghttp2_option_set_no_closed_streams(options, 1);
    nghttp2_option_set_max_settings(options, kMaxSettings);
    nghttp2_option_set_max_outbound_ack(options, kMaxOutboundAcks);
    // Clients send such values, as "Bearer ", and get a better answer from what reads them.
    nghttp2_option_set_no_rfc9113_leading_and_trailing_ws_validation(options, 1);
    return options;
  }();
  return kOptions;
}

void FlushSession(nghttp2_session* session, Socket* socket, size_t max_unsent_bytes) {
  thread_local std::string out;
  while (socket->open() && socket->unsent() < max_unsent_bytes) {
    out.clear();
    while (out.size() < kWriteBytes) {
      const uint8_t* bytes = nullptr;
      const ssize_t size = nghttp2_session_mem_send(session, &bytes);
      if (size < 0) return socket->Close(nghttp2_strerror(static_cast<int>(size)));
      if (size == 0) break;
      out.append(reinterpret_cast<const char*>(bytes), static_cast<size_t>(size));
    }
    if (out.empty()) break;
    socket->Write(out);
  }
  if (nghttp2_session_want_read(session) == 0 && nghttp2_session_want_write(session) == 0) {
    socket->CloseWhenSent();
  }
}

}  // namespace nisi::http2
