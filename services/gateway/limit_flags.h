// The flags that bound clients: of nisi-gateway and of `nisi serve`.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/rpc/flags.h"
#include "services/gateway/limits.h"

namespace nisi::gateway {

class LimitFlags {
 public:
  // `memory_mib`: the bound where none is given.
  void AddTo(rpc::Flags* flags, int64_t memory_mib);
  // FAILED_PRECONDITION, SETUP_INVALID: a bound that nobody could live with.
  absl::Status Fill(Limits* limits) const;

 private:
  int64_t calls_per_second_ = 0, burst_ = 0, max_calls_ = 0, max_streams_ = 0;
  int64_t calls_of_caller_ = 0, streams_of_caller_ = 0;
  int64_t connections_ = 0, connections_of_source_ = 0, calls_of_connection_ = 0;
  int64_t held_mib_ = 0, memory_mib_ = 0;
  std::string arrivals_, resets_, chatter_, settings_, bad_tokens_;
  int64_t calls_at_once_ = 0;
  absl::Duration wait_, line_, delay_, turn_, handshake_, progress_, answer_, idle_, age_, grace_;
};

}  // namespace nisi::gateway
