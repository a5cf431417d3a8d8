// Messages on their way out: framed, and taken in pieces as nghttp2 asks for them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"

namespace nisi::http2 {

// Lists: nearly every call has one message each way, and an empty std::deque of libstdc++ already
// takes two allocations, of more than half a KiB together; an empty list takes none.
class MessageQueue {
 public:
  void Push(absl::string_view message);
  // As they are, without a frame.
  void PushBytes(std::string bytes) {
    bytes_ += bytes.size();
    messages_.push_back(std::move(bytes));
  }
  // Up to `size` bytes to `room`; how many. What is taken whole goes to `taken`, unless that is
  // null.
  size_t Take(uint8_t* room, size_t size, std::list<std::string>* taken);
  // Those that were taken come again, before the others.
  void PutBack(std::list<std::string> taken);
  void Clear();
  bool empty() const { return messages_.empty(); }
  // Of those that are not taken whole: until then all of one is there.
  size_t bytes() const { return bytes_; }

 private:
  std::list<std::string> messages_;
  size_t first_taken_ = 0;  // bytes of the first
  size_t bytes_ = 0;
};

}  // namespace nisi::http2
