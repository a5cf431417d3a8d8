#include "tests/faults/lived_time.h"

#include "absl/time/clock.h"

namespace nisi::faults {

LivedTime::LivedTime()
    : thread_([this] {
        while (!over_) {
          absl::SleepFor(absl::Milliseconds(kTickMs));
          ++ticks_;
        }
      }) {}

LivedTime::~LivedTime() {
  over_ = true;
  thread_.join();
}

}  // namespace nisi::faults
