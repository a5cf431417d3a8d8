// Messages that are whole and wait to be taken, with what they take of memory: empty ones, too.
#pragma once

#include <cstddef>
#include <list>
#include <string>
#include <utility>

namespace nisi::http2 {

class Messages {
 public:
  void Push(std::string message) {
    bytes_ += kOfOne + message.capacity();
    waiting_.push_back(std::move(message));
  }
  // The first; there is one.
  std::string Pop() {
    std::string first = std::move(waiting_.front());
    waiting_.pop_front();
    bytes_ -= kOfOne + first.capacity();
    return first;
  }
  void Clear() {
    waiting_.clear();
    bytes_ = 0;
  }
  bool empty() const { return waiting_.empty(); }
  size_t size() const { return waiting_.size(); }
  size_t bytes() const { return bytes_; }

 private:
  // Beside its bytes, and what they may grow to: a place in the list.
  static constexpr size_t kOfOne = 64;

  std::list<std::string> waiting_;  // see MessageQueue
  size_t bytes_ = 0;
};

}  // namespace nisi::http2
