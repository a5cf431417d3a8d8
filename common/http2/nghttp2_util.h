// What both sides of a connection do with nghttp2.
#pragma once

#include <nghttp2/nghttp2.h>

#include "absl/strings/string_view.h"
#include "common/http2/socket.h"

namespace nisi::http2 {

inline absl::string_view TextOf(const uint8_t* bytes, size_t size) {
  return {reinterpret_cast<const char*>(bytes), size};
}
// Name and value must live until nghttp2 has taken them, which it does at once.
nghttp2_nv ViewOf(absl::string_view name, absl::string_view value);

// Of every session: windows are ours to give back, and the other side may ask for so much at once.
const nghttp2_option* SessionOptions();

// Writes what the session has to say, as long as the other side takes it; closes the socket where
// the session is over.
void FlushSession(nghttp2_session* session, Socket* socket, size_t max_unsent_bytes);

}  // namespace nisi::http2
