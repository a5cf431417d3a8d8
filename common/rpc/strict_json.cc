#include "common/rpc/strict_json.h"

#include <algorithm>
#include <set>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/base/status.h"

namespace nisi::rpc {
namespace {

using nlohmann::json;

constexpr size_t kMaxItems = 64;

bool IsDigits(absl::string_view text, size_t min, size_t max) {
  return text.size() >= min && text.size() <= max &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool HasControls(absl::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return absl::ascii_iscntrl(static_cast<unsigned char>(c)); });
}

absl::Status BadJson(absl::string_view what) {
  return absl::InvalidArgumentError(what);
}

// The items of an optional array of strings.
absl::StatusOr<std::vector<std::string>> Strings(const json& object, const char* key) {
  std::vector<std::string> items;
  const auto found = object.find(key);
  if (found == object.end()) {
    return items;
  }
  if (!found->is_array() || found->size() > kMaxItems) {
    return BadJson(absl::StrCat(key, ": not a short array"));
  }
  for (const json& item : *found) {
    if (!item.is_string()) {
      return BadJson(absl::StrCat(key, ": an item is not a string"));
    }
    items.push_back(item.get<std::string>());
  }
  return items;
}

}  // namespace

absl::StatusOr<json> ParseStrictJson(absl::string_view text, int max_depth) {
  const char* problem = nullptr;
  std::vector<std::set<std::string>> keys;  // One set an open object.
  int depth = 0;
  const auto watch = [&](int, json::parse_event_t event, json& parsed) {
    switch (event) {
      case json::parse_event_t::object_start:
        keys.emplace_back();
        [[fallthrough]];
      case json::parse_event_t::array_start:
        if (++depth > max_depth) {
          problem = "nested too deep";
        }
        break;
      case json::parse_event_t::key:
        if (!keys.back().insert(parsed.get<std::string>()).second) {
          problem = "a key appears twice";
        }
        break;
      case json::parse_event_t::object_end:
        keys.pop_back();
        [[fallthrough]];
      case json::parse_event_t::array_end:
        --depth;
        break;
      case json::parse_event_t::value:
        break;
    }
    return true;
  };
  // The parser would skip a byte order mark.
  if (text.empty() || static_cast<unsigned char>(text.front()) == 0xEF) {
    return BadJson("not JSON");
  }
  json value =
      json::parse(text.data(), text.data() + text.size(), watch, /*allow_exceptions=*/false);
  if (value.is_discarded()) {
    return BadJson("not JSON");
  }
  if (problem != nullptr) {
    return BadJson(problem);
  }
  if (!value.is_object()) {
    return BadJson("not a JSON object");
  }
  return value;
}

std::optional<std::string> Base64UrlDecode(absl::string_view text) {
  std::string bytes;
  if (text.find('=') != absl::string_view::npos || text.find('.') != absl::string_view::npos ||
      !absl::WebSafeBase64Unescape(text, &bytes) || Base64UrlEncode(bytes) != text) {
    return std::nullopt;  // Only the canonical spelling: the decoder alone is lenient.
  }
  return bytes;
}

std::string Base64UrlEncode(absl::string_view bytes) {
  return absl::WebSafeBase64Escape(bytes);
}

std::optional<std::string> StringAt(const json& object, const char* key, size_t max_bytes) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_string()) {
    return std::nullopt;
  }
  const std::string& text = found->get_ref<const std::string&>();
  if (text.empty() || text.size() > max_bytes || HasControls(text)) {
    return std::nullopt;
  }
  return text;
}

absl::Status ReadRights(const json& object, Caller& caller) {
  ASSIGN_OR_RETURN(const std::vector<std::string> roles, Strings(object, "roles"));
  for (const std::string& name : roles) {
    const std::optional<Role> role = RoleFromName(name);
    if (!role) {
      return BadJson("roles: an unknown role");
    }
    caller.Grant(*role);
  }
  ASSIGN_OR_RETURN(caller.regions, Strings(object, "regions"));
  for (const std::string& region : caller.regions) {
    if (!IsDigits(region, 2, 9)) {
      return BadJson("regions: not a KATO prefix");
    }
  }
  if (object.contains("bin")) {
    const std::optional<std::string> bin = StringAt(object, "bin");
    if (!bin || !IsDigits(*bin, 12, 12)) {
      return BadJson("bin: not 12 digits");
    }
    caller.bin = *bin;
  }
  if (object.contains("purpose")) {
    const std::optional<std::string> purpose = StringAt(object, "purpose", 300);
    if (!purpose) {
      return BadJson("purpose: not one line of text");
    }
    caller.purpose = *purpose;
  }
  return absl::OkStatus();
}

}  // namespace nisi::rpc
