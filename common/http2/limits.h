// How much a client may take of a server before the call layer sees anything of it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "absl/time/time.h"

namespace nisi::http2 {

// Whoever takes an answer more slowly has no time for it (Limits::answer).
inline constexpr double kAnswerBytesPerSecond = 8 << 10;

// So many at once, and so many a second; none of both: no bound.
struct Rate {
  double burst = 0;
  double per_second = 0;

  bool bounded() const { return burst > 0 || per_second > 0; }
};

struct Limits {
  // Of a message, in both directions of the check: what is larger is refused with a status.
  size_t max_message_bytes = 5 << 20;
  // Metadata of a call, names and values. Past it the call is refused, not its connection, which
  // ends past four times as much.
  size_t max_head_bytes = 64 << 10;
  uint32_t max_calls_of_connection = 1000;
  // How far a client may be ahead of us: on one call, and on all of its connection.
  int32_t call_window_bytes = 256 << 10;
  int32_t connection_window_bytes = 16 << 20;
  // How much waits for a client that does not read before we read no more of the store for it.
  size_t max_unsent_bytes = 1 << 20;
  // To the end of the greeting, settings included; a head that has begun has as long to its end.
  absl::Duration handshake = absl::Seconds(20);
  // A client that is silent for so long is asked whether it is there, and has so long to answer.
  absl::Duration ping_after = absl::Minutes(1);
  absl::Duration ping_answer = absl::Seconds(20);

  // For how long one connection is read before it is the others' turn; and all of a thread, four
  // times as long, before the answers to what they asked for are looked at.
  absl::Duration turn = absl::InfiniteDuration();

  // What follows is for clients that nobody vouches for, and off unless it is given: the clients
  // of a service have proved who they are, and bring what others did to them.
  size_t max_connections = 0;  // all, and of one address; 0: no bound
  size_t max_connections_of_source = 0;
  Rate arrivals_of_source;  // new connections of one address
  Rate resets;              // calls taken back, or broken off by what breaks the rules
  Rate chatter;   // frames that bring no call forward; each frame of an answer pays for some
  Rate settings;  // changes of settings
  // Bytes of messages that wait to be whole, or to be taken: of all clients. A source may have no
  // more than what is still free. 0: no bound.
  size_t max_held_bytes = 0;
  // For whoever asks for an answer: so long to take it, and as much as that rate needs. A stream
  // that goes on ends where nothing of what waits for its client was taken for so long.
  absl::Duration answer = absl::InfiniteDuration();
  absl::Duration progress = absl::InfiniteDuration();
  // A connection without calls for so long, and one that is so old, is told to go away.
  absl::Duration idle = absl::InfiniteDuration();
  absl::Duration age = absl::InfiniteDuration();
  // Who was told so, and stays nevertheless, has so long for calls that begin.
  absl::Duration grace = absl::Seconds(15);
};

}  // namespace nisi::http2
