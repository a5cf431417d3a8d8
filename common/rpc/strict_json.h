// JSON and base64url read strictly: what two parsers could read in two ways is refused, because an
// attacker would use the difference.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/rpc/caller.h"

namespace nisi::rpc {

// The JSON object in `text`. INVALID_ARGUMENT, with a message for logs, for anything but one object
// in valid UTF-8, for a key twice in one object, and for containers nested deeper than `max_depth`.
absl::StatusOr<nlohmann::json> ParseStrictJson(absl::string_view text, int max_depth);

// The bytes of unpadded base64url; std::nullopt for padding, other alphabets and non-zero spare
// bits.
std::optional<std::string> Base64UrlDecode(absl::string_view text);
std::string Base64UrlEncode(absl::string_view bytes);

// The string at `key`; std::nullopt when absent, no string, empty, over `max_bytes` or with control
// characters.
std::optional<std::string> StringAt(const nlohmann::json& object, const char* key,
                                    size_t max_bytes = 256);

// Reads `roles`, `bin`, `regions` and `purpose`, each optional, from claims or from the principals
// file. INVALID_ARGUMENT, with a message for logs, for a wrong type or form and for an unknown
// role.
absl::Status ReadRights(const nlohmann::json& object, Caller& caller);

}  // namespace nisi::rpc
