// A thread with an event loop, on which sockets live.
#pragma once

#include <uv.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "absl/time/time.h"

namespace nisi::http2 {

class EventLoop {
 public:
  explicit EventLoop(const char* thread_name);
  // What lives on the loop must be closed by now, or be closing.
  ~EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  uv_loop_t* uv() { return &loop_; }
  bool here() const { return std::this_thread::get_id() == thread_.get_id(); }
  // The one whose thread this is, which must not wait; null: it is none's.
  static EventLoop* Current();

  // Runs `work` on the loop: now where it is called there, soon from any other thread.
  template <class Work>
  void Run(Work&& work) {
    if (here()) return work();
    Post(std::forward<Work>(work));
  }
  // From any thread: after what is under way.
  void Post(std::function<void()> work);
  // Runs it on the loop and waits until it has run. Not from the loop.
  void RunAndWait(const std::function<void()>& work);
  // On the loop: calls `tick` some times a second, as long as what this returns is held.
  std::shared_ptr<void> EveryTick(std::function<void(absl::Time)> tick);
  // Room for the bytes of one read, and for what TLS makes of them; over with the call that has it.
  // Not thread_local: that would be taken from the stack of every thread of the process.
  static constexpr size_t kRoomBytes = 64 << 10;
  char* read_room() { return read_room_.get(); }
  char* plain_room() { return plain_room_.get(); }
  // On the loop: when it ends, for what lives on it and does not know its end.
  void AtEnd(std::function<void()> work) { last_.push_back(std::move(work)); }
  // On the loop: once, after all that this turn of it brings.
  void AtEndOfTurn(std::function<void()> work) { at_end_.push_back(std::move(work)); }

 private:
  void RunPosted();
  void RunAtEnd();
  void RunTicks();

  const std::unique_ptr<char[]> read_room_ = std::make_unique<char[]>(kRoomBytes);
  const std::unique_ptr<char[]> plain_room_ = std::make_unique<char[]>(kRoomBytes);
  uv_loop_t loop_{};
  uv_async_t wake_{};
  uv_check_t after_poll_{};
  uv_prepare_t before_poll_{};
  uv_timer_t timer_{};
  std::vector<std::weak_ptr<std::function<void(absl::Time)>>> ticks_;
  std::mutex mutex_;
  std::vector<std::function<void()>> posted_;
  std::vector<std::function<void()>> at_end_;  // of a turn
  std::vector<std::function<void()>> last_;
  std::thread thread_;
};

}  // namespace nisi::http2
