// HTTP/2 on the client's side of a pipe, and the heads of its requests: what the lean clients of
// load share. What comes of a call each of them sees by its callbacks.
#pragma once

#include <nghttp2/nghttp2.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "tools/benchmarks/pipe.h"

namespace nisi::bench {

inline constexpr size_t kPrefixBytes = 5;  // of gRPC, before each message

// The head of a request, made once: libnghttp2 takes it as it lies here.
class Head {
 public:
  explicit Head(std::vector<std::pair<std::string, std::string>> texts);
  Head(Head&&) = default;
  Head& operator=(Head&&) = default;
  Head(const Head&) = delete;  // fields_ point into texts_
  Head& operator=(const Head&) = delete;
  const std::vector<nghttp2_nv>& fields() const { return fields_; }

 private:
  std::vector<std::pair<std::string, std::string>> texts_;
  std::vector<nghttp2_nv> fields_;
};

class Session {
 public:
  // `callbacks` get `user` as their last argument; they are taken over.
  Session(std::unique_ptr<Pipe> pipe, nghttp2_session_callbacks* callbacks, void* user,
          int32_t stream_window);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  nghttp2_session* get() const { return session_; }
  // An epoll wakes for it with `data`. By edges: a write that did not fit is taken up without being
  // asked for, one that did costs nothing.
  absl::Status Watch(int epoll, void* data) const;
  // With one write what there is to send; what is not taken waits for the next.
  absl::Status Send();
  // What there is; UNAVAILABLE at the end.
  absl::Status Receive();

 private:
  const std::unique_ptr<Pipe> pipe_;
  nghttp2_session* session_ = nullptr;
  std::string out_;  // not yet taken by the kernel, from written_ on
  size_t written_ = 0;
};

}  // namespace nisi::bench
