#include "services/gateway/base64_reader.h"

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"

namespace nisi::gateway {
namespace {

absl::string_view WithoutPadding(absl::string_view text) {
  while (absl::EndsWith(text, "=")) text.remove_suffix(1);
  return text;
}

}  // namespace

std::optional<std::string> DecodeBase64(absl::string_view text) {
  std::string bytes;
  if (!absl::Base64Unescape(text, &bytes)) return std::nullopt;
  if (WithoutPadding(absl::Base64Escape(bytes)) != WithoutPadding(text)) return std::nullopt;
  return bytes;
}

// A piece that is padded ends with its padding, at a multiple of four.
bool Base64Reader::Push(absl::string_view text, std::string* bytes) {
  constexpr size_t kGroup = 4;
  rest_.append(text.data(), text.size());
  absl::string_view left = rest_;
  while (left.size() >= kGroup) {
    size_t size = left.size() / kGroup * kGroup;
    if (const size_t padding = left.find('='); padding < size) {
      size = (padding / kGroup + 1) * kGroup;
    }
    const auto piece = DecodeBase64(left.substr(0, size));
    if (!piece.has_value()) return false;
    bytes->append(*piece);
    left.remove_prefix(size);
  }
  rest_ = std::string(left);
  return true;
}

}  // namespace nisi::gateway
