#include "common/http2/address.h"

#include "absl/strings/match.h"

namespace nisi::http2 {

std::optional<Address> ParseAddress(absl::string_view text) {
  const size_t colon = text.rfind(':');
  if (colon == absl::string_view::npos || colon + 1 == text.size()) return std::nullopt;
  absl::string_view host = text.substr(0, colon);
  if (absl::StartsWith(host, "[") && absl::EndsWith(host, "]")) {
    host = host.substr(1, host.size() - 2);
  }
  return Address{std::string(host), std::string(text.substr(colon + 1))};
}

}  // namespace nisi::http2
