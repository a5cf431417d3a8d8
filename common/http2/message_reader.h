// gRPC's framing: a message comes behind a byte that says whether it is compressed and four that
// say how long it is.
#pragma once

#include <array>
#include <string>

#include "absl/strings/string_view.h"
#include "common/http2/call.h"
#include "common/http2/messages.h"

namespace nisi::http2 {

inline constexpr size_t kPrefixBytes = 5;
std::array<char, kPrefixBytes> PrefixFor(size_t message_bytes);

// Cuts the bytes of one direction of a call into messages, as they come.
class MessageReader {
 public:
  explicit MessageReader(size_t max_bytes) : max_bytes_(max_bytes) {}

  // Appends the messages that are whole with these bytes. After kCompressed or kMessageTooLarge
  // nothing more is to be read. A message grows as its bytes come: a length alone takes no memory.
  Fault Push(absl::string_view bytes, Messages* messages);
  // That a message takes which is not whole yet: it grows by doubling.
  size_t bytes() const { return message_.capacity(); }
  // Whether the bytes so far end with a whole message.
  bool at_border() const { return prefix_size_ == 0; }

 private:
  size_t max_bytes_;
  std::array<char, kPrefixBytes> prefix_{};
  size_t prefix_size_ = 0;
  size_t length_ = 0;
  std::string message_;
};

}  // namespace nisi::http2
