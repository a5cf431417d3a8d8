// What a terminator says first on a connection that it brings: whose it is, by version 2 of
// HAProxy's PROXY protocol.
#pragma once

#include <sys/socket.h>

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"

namespace nisi::http2 {

class ProxyHead {
 public:
  enum class State { kMore, kWhole, kBad };

  // Bytes that may be read next: none of what comes behind the head.
  size_t wanted() const { return size_ - bytes_.size(); }
  // No more of them than wanted.
  State Take(absl::string_view bytes);
  // Of a whole one. No family: the connection is the terminator's own, as a probe of it is.
  const sockaddr_storage& client() const { return client_; }

 private:
  static constexpr size_t kFixed = 16;  // to the length of the rest
  bool ReadFixed();
  bool ReadAddresses();

  std::string bytes_;
  size_t size_ = kFixed;
  sockaddr_storage client_{};
};

}  // namespace nisi::http2
