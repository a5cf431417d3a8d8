// Messages on their way out: framed, and taken in pieces as nghttp2 asks for them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>

#include "absl/strings/string_view.h"

namespace nisi::http2 {

class MessageQueue {
 public:
  void Push(absl::string_view message);
  // Up to `size` bytes to `room`; how many. What is taken whole goes to `taken`, unless that is
  // null.
  size_t Take(uint8_t* room, size_t size, std::deque<std::string>* taken);
  // Those that were taken come again, before the others.
  void PutBack(std::deque<std::string> taken);
  bool empty() const { return messages_.empty(); }

 private:
  std::deque<std::string> messages_;
  size_t first_taken_ = 0;  // bytes of the first
};

}  // namespace nisi::http2
