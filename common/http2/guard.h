// What stands between a server and clients that nobody vouches for. Thread-safe.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "common/http2/limits.h"
#include "common/http2/places.h"
#include "common/http2/refusals.h"
#include "common/http2/room.h"

namespace nisi::http2 {

// Clients that are not read until others were answered, see Reading.
struct Rests {
  std::atomic<uint64_t> begun{0};
  std::atomic<int64_t> now{0};
};

struct Guard {
  explicit Guard(const Limits& limits)
      : places(std::make_shared<Places>(limits, &refusals)),
        room(std::make_shared<Room>(limits.max_held_bytes)) {}

  Refusals refusals;
  Rests rests;
  const std::shared_ptr<Places> places;
  const std::shared_ptr<Room> room;
};

}  // namespace nisi::http2
