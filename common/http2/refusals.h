// What a server refuses beneath the calls, and how often it did.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace nisi::http2 {

enum class Refused {
  kConnections,  // there was no place for one more, or it made place for others
  kArrivals,     // too many of one address came within a while
  kSilence,      // no greeting in time, no head in time, no answer when asked
  kSettings,     // changed too often, or never acknowledged
  kResets,       // too many calls taken back or broken off
  kChatter,      // too many frames that bring nothing forward
  kHeads,        // far too much metadata
  kFrames,       // what is no HTTP/2
  kRoom,         // no room for what was sent or asked for
  kAnswers,      // not taken in time
};
inline constexpr size_t kRefusedKinds = 10;

// Of a metric, and of the log.
constexpr const char* NameOf(Refused what) {
  constexpr std::array<const char*, kRefusedKinds> kNames{
      "connections", "arrivals", "silence", "settings", "resets",
      "chatter",     "heads",    "frames",  "room",     "answers"};
  return kNames[static_cast<size_t>(what)];
}

// Thread-safe.
class Refusals {
 public:
  void Count(Refused what) { ++counts_[static_cast<size_t>(what)]; }
  uint64_t Of(Refused what) const { return counts_[static_cast<size_t>(what)]; }

 private:
  std::array<std::atomic<uint64_t>, kRefusedKinds> counts_{};
};

}  // namespace nisi::http2
