// How many calls somebody still holds, so that a server can wait for the last one.
#pragma once

#include <condition_variable>
#include <mutex>

namespace nisi::http2 {

class CallCount {
 public:
  void Up() {
    const std::lock_guard<std::mutex> lock(mutex_);
    ++count_;
  }
  void Down() {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (--count_ == 0) none_.notify_all();
  }
  void WaitForNone() {
    std::unique_lock<std::mutex> lock(mutex_);
    none_.wait(lock, [this] { return count_ == 0; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable none_;
  int count_ = 0;
};

}  // namespace nisi::http2
