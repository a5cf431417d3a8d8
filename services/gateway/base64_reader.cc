#include "services/gateway/base64_reader.h"

#include "absl/strings/escaping.h"

namespace nisi::gateway {

// A piece that is padded ends with its padding, at a multiple of four.
bool Base64Reader::Push(absl::string_view text, std::string* bytes) {
  constexpr size_t kGroup = 4;
  std::string decoded;
  rest_.append(text.data(), text.size());
  absl::string_view left = rest_;
  while (left.size() >= kGroup) {
    size_t size = left.size() / kGroup * kGroup;
    if (const size_t padding = left.find('='); padding < size) {
      size = (padding / kGroup + 1) * kGroup;
    }
    if (left.substr(0, size).find_first_of(" \t\r\n") != absl::string_view::npos ||
        !absl::Base64Unescape(left.substr(0, size), &decoded)) {
      return false;
    }
    bytes->append(decoded);
    left.remove_prefix(size);
  }
  rest_ = std::string(left);
  return true;
}

}  // namespace nisi::gateway
