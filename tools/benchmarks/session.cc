#include "tools/benchmarks/session.h"

#include <sys/epoll.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "common/base/status.h"

namespace nisi::bench {
namespace {

// So large that no answer waits for a WINDOW_UPDATE and few are sent.
constexpr int32_t kConnectionWindow = 1 << 30;
constexpr size_t kReceiveBytes = 256 << 10;

uint8_t* BytesOf(std::string& text) {
  return reinterpret_cast<uint8_t*>(text.data());
}

absl::Status Broken(ssize_t code) {
  return absl::UnavailableError(nghttp2_strerror(static_cast<int>(code)));
}

}  // namespace

Head::Head(std::vector<std::pair<std::string, std::string>> texts) : texts_(std::move(texts)) {
  for (auto& [name, value] : texts_) {
    fields_.push_back({BytesOf(name), BytesOf(value), name.size(), value.size(),
                       NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE});
  }
}

Session::Session(std::unique_ptr<Pipe> pipe, nghttp2_session_callbacks* callbacks, void* user,
                 int32_t stream_window)
    : pipe_(std::move(pipe)) {
  nghttp2_session_client_new(&session_, callbacks, user);
  nghttp2_session_callbacks_del(callbacks);
  const std::array<nghttp2_settings_entry, 2> settings = {
      {{NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
       {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, static_cast<uint32_t>(stream_window)}}};
  nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings.data(), settings.size());
  nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0, kConnectionWindow);
}

Session::~Session() {
  nghttp2_session_del(session_);
}

absl::Status Session::Watch(int epoll, void* data) const {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLET;
  event.data.ptr = data;
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, pipe_->fd(), &event) == 0) return absl::OkStatus();
  return absl::UnavailableError(strerror(errno));
}

absl::Status Session::Send() {
  const uint8_t* bytes = nullptr;
  ssize_t size = 0;
  while ((size = nghttp2_session_mem_send(session_, &bytes)) > 0) {
    out_.append(reinterpret_cast<const char*>(bytes), static_cast<size_t>(size));
  }
  if (size < 0) return Broken(size);
  if (out_.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const size_t taken, pipe_->Send(out_.data() + written_, out_.size() - written_));
  written_ += taken;
  if (written_ == out_.size()) {
    out_.clear();
    written_ = 0;
  }
  return absl::OkStatus();
}

absl::Status Session::Receive() {
  thread_local std::vector<char> room(kReceiveBytes);
  size_t got = 0;
  do {
    ASSIGN_OR_RETURN(got, pipe_->Receive(room.data(), room.size()));
    const ssize_t taken =
        nghttp2_session_mem_recv(session_, reinterpret_cast<const uint8_t*>(room.data()), got);
    if (taken < 0) return Broken(taken);
  } while (pipe_->MoreAfter(got, room.size()));
  return absl::OkStatus();
}

}  // namespace nisi::bench
