#include "common/http2/loop.h"
#include "common/base/steady.h"

#include <pthread.h>
#include <signal.h>

#include <cstdlib>
#include <future>

namespace nisi::http2 {
namespace {

constexpr uint64_t kTickMs = 250;
thread_local EventLoop* current = nullptr;

}  // namespace

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
  uv_timer_init(&loop_, &timer_);
  uv_timer_start(
      &timer_, [](uv_timer_t* at) { static_cast<EventLoop*>(at->loop->data)->RunTicks(); }, kTickMs,
      kTickMs);
  std::promise<void> begun;  // thread_ is set before anything runs on it
  thread_ = std::thread([this, started = begun.get_future().share()] {
    // A client that has gone is an error of its write, and none of the process.
    sigset_t pipe;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
    started.wait();
    current = this;
    uv_run(&loop_, UV_RUN_DEFAULT);
  });
  pthread_setname_np(thread_.native_handle(), thread_name);
  begun.set_value();
}

EventLoop::~EventLoop() {
  Post([this] {
    for (const auto& work : last_) work();
    for (uv_handle_t* handle :
         {reinterpret_cast<uv_handle_t*>(&after_poll_),
          reinterpret_cast<uv_handle_t*>(&before_poll_), reinterpret_cast<uv_handle_t*>(&wake_),
          reinterpret_cast<uv_handle_t*>(&timer_)}) {
      uv_close(handle, nullptr);
    }
  });
  thread_.join();
  uv_loop_close(&loop_);
}

EventLoop* EventLoop::Current() {
  return current;
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

std::shared_ptr<void> EventLoop::EveryTick(std::function<void(absl::Time)> tick) {
  auto held = std::make_shared<std::function<void(absl::Time)>>(std::move(tick));
  ticks_.push_back(held);
  return held;
}

void EventLoop::RunTicks() {
  const absl::Time now = base::SteadyNow();
  std::erase_if(ticks_, [](const auto& tick) { return tick.expired(); });
  const auto ticks = ticks_;  // one may add another
  for (const auto& weak : ticks) {
    if (const auto tick = weak.lock(); tick != nullptr) (*tick)(now);
  }
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
