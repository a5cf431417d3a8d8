#include "common/http2/message_queue.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "common/http2/message_reader.h"

namespace nisi::http2 {

void MessageQueue::Push(absl::string_view message) {
  const auto prefix = PrefixFor(message.size());
  std::string& framed = messages_.emplace_back();
  framed.reserve(prefix.size() + message.size());
  framed.append(prefix.data(), prefix.size()).append(message.data(), message.size());
  bytes_ += framed.size();
}

size_t MessageQueue::Take(uint8_t* room, size_t size, std::list<std::string>* taken) {
  size_t given = 0;
  while (given < size && !messages_.empty()) {
    std::string& first = messages_.front();
    const size_t part = std::min(size - given, first.size() - first_taken_);
    std::copy_n(first.data() + first_taken_, part, room + given);
    given += part;
    first_taken_ += part;
    if (first_taken_ < first.size()) break;
    bytes_ -= first.size();
    if (taken != nullptr) taken->push_back(std::move(first));
    messages_.pop_front();
    first_taken_ = 0;
  }
  return given;
}

void MessageQueue::Clear() {
  messages_.clear();
  first_taken_ = 0;
  bytes_ = 0;
}

void MessageQueue::PutBack(std::list<std::string> taken) {
  for (const std::string& message : taken) bytes_ += message.size();
  messages_.insert(messages_.begin(), std::make_move_iterator(taken.begin()),
                   std::make_move_iterator(taken.end()));
  first_taken_ = 0;
}

}  // namespace nisi::http2
