// Base64 as gRPC-Web sends it: pieces one after the other, each padded or not, cut anywhere.
#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace nisi::gateway {

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
