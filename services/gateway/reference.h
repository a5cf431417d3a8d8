// What the gateway has for a browser: the reference of all methods as a page, and openapi.json that
// it is drawn from. Both are made by the build and lie in the program; see reference/README.md.
#pragma once

#include <optional>

#include "absl/strings/string_view.h"
#include "common/http2/fields.h"

namespace nisi::gateway {

struct Page {
  int status = 200;  // 304: the client has it; 302: it is elsewhere
  http2::Fields headers;
  absl::string_view body;  // lives as long as the program
};

// The answer to a GET of `path` without its query: "/", "/reference/...", "/openapi.json". Nothing
// where no page is. The other two are the request's headers of these names, "" where they are
// absent. Thread-safe.
std::optional<Page> FindPage(absl::string_view path, absl::string_view accept_encoding,
                             absl::string_view if_none_match);

}  // namespace nisi::gateway
