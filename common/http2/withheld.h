// How far the other side of a call may be ahead of whoever takes its messages: bytes that it may
// not replace yet, since what they brought waits. They are given back one message at a time, or it
// would send a whole window for each message that is taken, however small that is.
#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>

#include "common/http2/message_reader.h"

namespace nisi::http2 {

class Withheld {
 public:
  // So many have come, and something waits.
  void Keep(size_t bytes) { bytes_ += bytes; }
  // How many go back where a message of so many bytes is taken that waited.
  size_t GiveFor(size_t message_bytes) {
    const size_t given = std::min(bytes_, kPrefixBytes + message_bytes);
    bytes_ -= given;
    return given;
  }
  // And where nothing waits any more: the next message may be larger than what one may be ahead.
  size_t GiveAll() { return std::exchange(bytes_, 0); }

 private:
  size_t bytes_ = 0;
};

}  // namespace nisi::http2
