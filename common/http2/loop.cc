#include "common/http2/loop.h"

#include <pthread.h>

#include <cstdlib>
#include <future>

namespace nisi::http2 {

EventLoop::EventLoop(const char* thread_name) {
  // Only a process without memory or file descriptors gets here.
  if (uv_loop_init(&loop_) != 0) std::abort();
  loop_.data = this;
  if (uv_async_init(&loop_, &wake_, [](uv_async_t* wake) {
        static_cast<EventLoop*>(wake->loop->data)->RunPosted();
      }) != 0) {
    std::abort();
  }
  uv_check_init(&loop_, &after_poll_);
  uv_check_start(&after_poll_,
                 [](uv_check_t* at) { static_cast<EventLoop*>(at->loop->data)->RunAtEnd(); });
  uv_prepare_init(&loop_, &before_poll_);
  uv_prepare_start(&before_poll_,
                   [](uv_prepare_t* at) { static_cast<EventLoop*>(at->loop->data)->RunAtEnd(); });
  std::promise<void> begun;  // thread_ is set before anything runs on it
  thread_ = std::thread([this, started = begun.get_future().share()] {
    started.wait();
    uv_run(&loop_, UV_RUN_DEFAULT);
  });
  pthread_setname_np(thread_.native_handle(), thread_name);
  begun.set_value();
}

EventLoop::~EventLoop() {
  Post([this] {
    uv_close(reinterpret_cast<uv_handle_t*>(&after_poll_), nullptr);
    uv_close(reinterpret_cast<uv_handle_t*>(&before_poll_), nullptr);
    uv_close(reinterpret_cast<uv_handle_t*>(&wake_), nullptr);
  });
  thread_.join();
  uv_loop_close(&loop_);
}

void EventLoop::Post(std::function<void()> work) {
  bool first = false;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    first = posted_.empty();
    posted_.push_back(std::move(work));
  }
  // Nobody else wakes it: who came first, does.
  if (first) uv_async_send(&wake_);
}

void EventLoop::RunAndWait(const std::function<void()>& work) {
  std::promise<void> done;
  Post([&] {
    work();
    done.set_value();
  });
  done.get_future().wait();
}

void EventLoop::RunPosted() {
  std::vector<std::function<void()>> posted;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    posted.swap(posted_);
  }
  for (const auto& work : posted) work();
}

void EventLoop::RunAtEnd() {
  while (!at_end_.empty()) {
    std::vector<std::function<void()>> now;
    now.swap(at_end_);
    for (const auto& work : now) work();
  }
}

}  // namespace nisi::http2
