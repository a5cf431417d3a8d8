// How one client behaves beneath its calls, held against its budgets. On its connection's loop
// only.
#pragma once

#include <nghttp2/nghttp2.h>

#include <optional>

#include "absl/time/time.h"
#include "common/http2/bucket.h"
#include "common/http2/limits.h"
#include "common/http2/refusals.h"

namespace nisi::http2 {

class Conduct {
 public:
  Conduct(const Limits& limits, absl::Time now);

  // A frame has begun to come, is none that may come, has come, has left. Of one that has begun one
  // of the next two follows.
  void OnBegun(const nghttp2_frame_hd& head, absl::Time now);
  void OnInvalid(const nghttp2_frame& frame);
  void OnFrame(const nghttp2_frame& frame, absl::Time now);
  void OnSent(const nghttp2_frame& frame, absl::Time now);
  // Something came beside the frames that brings none forward.
  void OnNothing(absl::Time now) { Spend(chatter_, Refused::kChatter, now); }
  void Break(Refused what);
  // Some times a second.
  void OnTick(absl::Time now);
  // What it is cut off for.
  std::optional<Refused> broken() const { return broken_; }

 private:
  void Spend(Bucket& bucket, Refused what, absl::Time now);

  const Limits& limits_;
  const absl::Time began_;
  Bucket resets_;
  Bucket chatter_;
  Bucket settings_;
  absl::Time head_began_ = absl::InfiniteFuture();
  bool greeted_ = false;
  bool acknowledged_ = false;
  std::optional<Refused> broken_;
};

}  // namespace nisi::http2
