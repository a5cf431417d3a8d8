// How much a client may take of a server before the call layer sees anything of it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "absl/time/time.h"

namespace nisi::http2 {

struct Limits {
  // Of a message, in both directions of the check: what is larger is refused with a status.
  size_t max_message_bytes = 5 << 20;
  // Metadata of a call, names and values. Past it the call is refused, not its connection.
  size_t max_head_bytes = 64 << 10;
  uint32_t max_calls_of_connection = 1000;
  // How far a client may be ahead of us: on one call, and on all of its connection.
  int32_t call_window_bytes = 256 << 10;
  int32_t connection_window_bytes = 16 << 20;
  // How much waits for a client that does not read before we read no more of the store for it.
  size_t max_unsent_bytes = 1 << 20;
  absl::Duration handshake = absl::Seconds(20);
  // A client that is silent for so long is asked whether it is there, and has so long to answer.
  absl::Duration ping_after = absl::Minutes(1);
  absl::Duration ping_answer = absl::Seconds(20);
};

}  // namespace nisi::http2
