#include "common/http2/message_reader.h"

#include <algorithm>
#include <utility>

namespace nisi::http2 {

std::array<char, kPrefixBytes> PrefixFor(size_t message_bytes) {
  std::array<char, kPrefixBytes> prefix{};
  for (size_t i = 0; i < 4; ++i) prefix[4 - i] = static_cast<char>(message_bytes >> (8 * i));
  return prefix;
}

Fault MessageReader::Push(absl::string_view bytes, Messages* messages) {
  while (true) {
    if (prefix_size_ < kPrefixBytes) {
      const size_t taken = std::min(bytes.size(), kPrefixBytes - prefix_size_);
      std::copy_n(bytes.data(), taken, prefix_.data() + prefix_size_);
      bytes.remove_prefix(taken);
      prefix_size_ += taken;
      if (prefix_size_ < kPrefixBytes) return Fault::kNone;
      if (prefix_[0] != 0) return Fault::kCompressed;
      length_ = 0;
      for (size_t i = 1; i < kPrefixBytes; ++i) {
        length_ = length_ << 8 | static_cast<unsigned char>(prefix_[i]);
      }
      if (length_ > max_bytes_) return Fault::kMessageTooLarge;
    }
    const size_t taken = std::min(bytes.size(), length_ - message_.size());
    message_.append(bytes.data(), taken);
    bytes.remove_prefix(taken);
    if (message_.size() < length_) return Fault::kNone;
    messages->Push(std::exchange(message_, std::string()));
    prefix_size_ = 0;
  }
}

}  // namespace nisi::http2
