// Which pages of other origins a browser may let call us. Only those that were named; no page gets
// more by it than it has itself, as nothing here knows a caller by a cookie.
#pragma once

#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "common/http2/fields.h"
#include "common/http2/request.h"

namespace nisi::gateway {

class Cors {
 public:
  // Each as a browser writes it: "https://portal.example". SETUP_INVALID for anything else.
  static absl::Status Check(const std::vector<std::string>& origins);
  explicit Cors(const std::vector<std::string>& origins)
      : origins_(origins.begin(), origins.end()) {}

  // Whether a browser asks by it what it may ask.
  static bool IsPreflight(const http2::RequestHead& head);
  // The answer to that: 204, with nothing allowed where the origin is not one of ours.
  http2::Fields Preflight(const http2::Fields& asked) const;
  // What the answer to a request says of it.
  http2::Fields For(const http2::Fields& asked) const;

 private:
  // "" where it is none of ours.
  std::string OriginOf(const http2::Fields& asked) const;

  const absl::flat_hash_set<std::string> origins_;
};

}  // namespace nisi::gateway
