// How many calls at once a client is told that it may have, without nghttp2 holding it to that: it
// would reset what was on its way when fewer are allowed, with no word of why or when to come
// again. So it sends a setting without a meaning, which becomes the one that is meant as it leaves.
#pragma once

#include <nghttp2/nghttp2.h>

#include <cstddef>
#include <cstdint>

namespace nisi::http2 {

inline constexpr int32_t kToldCalls = 0xf003;

// `frame`: one that leaves. Of any other nothing is changed.
inline void SayToldCalls(char* frame, size_t size) {
  constexpr size_t kType = 3, kId = 9, kSize = 15;  // of a frame with one setting
  if (size == kSize && frame[kType] == NGHTTP2_SETTINGS &&
      frame[kId] == static_cast<char>(kToldCalls >> 8) &&
      frame[kId + 1] == static_cast<char>(kToldCalls & 0xff)) {
    frame[kId] = 0;
    frame[kId + 1] = NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS;
  }
}

}  // namespace nisi::http2
