// The fields before a request, as they come, to what a call or a request begins with.
#pragma once

#include <cstddef>

#include "absl/strings/string_view.h"
#include "common/http2/request.h"

namespace nisi::http2 {

class HeadReader {
 public:
  explicit HeadReader(size_t max_bytes) : max_bytes_(max_bytes) {}

  void Begin();
  // `name` in lower case; of HTTP/2 also ":method" and ":path". What is over the bound is not kept.
  // False: it is far over the bound.
  bool Add(absl::string_view name, absl::string_view value);
  RequestHead Take();

 private:
  const size_t max_bytes_;
  size_t bytes_ = 0;
  RequestHead head_;
};

// Whether a content type is gRPC's own, and not that of another protocol with a like name.
bool IsGrpc(absl::string_view content_type);

}  // namespace nisi::http2
