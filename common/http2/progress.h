// Whether a client takes what waits for it. Looked at some times a second.
#pragma once

#include <utility>

#include "absl/time/time.h"

namespace nisi::http2 {

class Progress {
 public:
  // Some of it was taken.
  void OnTaken() { moves_ = true; }
  // Whether something `waits`, and nothing was taken for longer than `most`.
  bool Stands(bool waits, absl::Time now, absl::Duration most) {
    if (!waits || std::exchange(moves_, false) || since_ == absl::InfiniteFuture()) since_ = now;
    return waits && now > since_ + most;
  }

 private:
  bool moves_ = false;
  absl::Time since_ = absl::InfiniteFuture();
};

}  // namespace nisi::http2
