// Base64 as gRPC-Web sends it: pieces one after the other, each padded or not, cut anywhere.
#pragma once

#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace nisi::gateway {

// The bytes of a text as a whole, padded or not. nullopt for what is no base64, and for what Abseil
// takes and another reader would not, or reads as other bytes: spaces in it, points for padding,
// bits left over at its end.
std::optional<std::string> DecodeBase64(absl::string_view text);

class Base64Reader {
 public:
  // Appends the bytes that are whole. False for what is no base64.
  bool Push(absl::string_view text, std::string* bytes);
  // Whether nothing is left over.
  bool at_border() const { return rest_.empty(); }

 private:
  std::string rest_;  // fewer than four letters
};

}  // namespace nisi::gateway
