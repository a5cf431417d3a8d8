// Bytes that are held for clients: bodies that are not whole yet, answers that nobody takes. Each
// source may hold no more than what is still free: one takes a half, two a third each, so that
// there is always some for one more; and a little in any case, however many there are. Thread-safe.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <utility>

#include "common/http2/places.h"

namespace nisi::http2 {

class Room {
 public:
  explicit Room(size_t bytes) : bytes_(bytes) {}

  size_t held() const { return held_; }

  // What is held for one call, or connection; given back at its end.
  class Held {
   public:
    Held(std::shared_ptr<Room> room, std::shared_ptr<Source> source)
        : room_(std::move(room)), source_(std::move(source)) {}
    ~Held() { Set(0); }
    Held(const Held&) = delete;
    Held& operator=(const Held&) = delete;

    // False: there is no room for that, and what was held stays.
    bool Set(size_t bytes) {
      if (bytes > bytes_ && !room_->MayGrow(*source_, bytes - bytes_)) return false;
      room_->held_ += bytes - bytes_;  // modulo 2^64 where it shrinks
      source_->held += bytes - bytes_;
      bytes_ = bytes;
      return true;
    }

   private:
    const std::shared_ptr<Room> room_;
    const std::shared_ptr<Source> source_;
    size_t bytes_ = 0;
  };

 private:
  // Two that ask at the same time may both get the last of it: the bound is no sharp one.
  bool MayGrow(const Source& source, size_t by) const {
    const size_t held = held_, its = source.held + by;
    return bytes_ == 0 || its <= kLittle || (held + by <= bytes_ && its <= bytes_ - held);
  }

  // For some small calls.
  static constexpr size_t kLittle = 128 << 10;

  const size_t bytes_;
  std::atomic<size_t> held_{0};
};

}  // namespace nisi::http2
