// Where handlers run that may block: a bounded pool of threads with a bounded queue, made as
// needed.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace nisi::rpc {

// Thread-safe.
class Executor {
 public:
  struct Limits {
    // Handlers here wait for the disk or another service: many threads, mostly asleep.
    size_t threads = 64;
    size_t queue = 512;
    const char* name = "executor";  // of its threads, at most 15 characters
  };
  explicit Executor(Limits limits) : limits_(limits) {}
  // Runs what is queued, then stops.
  ~Executor();

  // False when the queue is full: `work` is dropped.
  bool Submit(std::function<void()> work);
  size_t queue_depth() const;

 private:
  void Loop();

  const Limits limits_;
  mutable std::mutex mutex_;
  std::condition_variable ready_;
  std::deque<std::function<void()>> queue_;
  std::vector<std::thread> threads_;
  size_t idle_ = 0;
  bool stopping_ = false;
};

}  // namespace nisi::rpc
