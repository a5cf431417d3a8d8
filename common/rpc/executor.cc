#include "common/rpc/executor.h"

#include <pthread.h>

#include <utility>

namespace nisi::rpc {

Executor::~Executor() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    stopping_ = true;
  }
  ready_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

bool Executor::Submit(std::function<void()> work) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (stopping_ || queue_.size() >= limits_.queue) return false;
    queue_.push_back(std::move(work));
    if (idle_ < queue_.size() && threads_.size() < limits_.threads)
      threads_.emplace_back([this] { Loop(); });
    // Under the lock: once it is free the work may be done, and this executor with it.
    ready_.notify_one();
  }
  return true;
}

size_t Executor::queue_depth() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return queue_.size();
}

void Executor::Loop() {
  pthread_setname_np(pthread_self(), limits_.name);
  std::unique_lock<std::mutex> lock(mutex_);
  while (true) {
    ++idle_;
    ready_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    --idle_;
    if (queue_.empty()) return;
    auto work = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    work();
    work = nullptr;
    lock.lock();
  }
}

}  // namespace nisi::rpc
