// How near this process is to the memory that it may take, and who is let in then. Thread-safe.
#pragma once

#include <atomic>
#include <cstddef>

#include "services/gateway/rank.h"

namespace nisi::gateway {

class Memory {
 public:
  // 0: no bound.
  explicit Memory(size_t most_bytes) : most_(most_bytes) { Look(); }

  // Some times a second: how much it is now.
  void Look();
  void Set(size_t bytes) { taken_ = bytes; }
  size_t taken() const { return taken_; }
  // Whether a call may come in: of nobody up to four fifths, of who reads up to nine tenths, of who
  // changes up to 95 % of it.
  bool HasRoomFor(Rank rank) const;

 private:
  const size_t most_;
  std::atomic<size_t> taken_{0};
};

}  // namespace nisi::gateway
