// Preloaded, it moves the clock of the machine for one process by MOVED_CLOCK_SECONDS. Debian's
// libfaketime does not start beside jemalloc.
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdlib>
#include <ctime>

extern "C" int clock_gettime(clockid_t clock, timespec* time) noexcept {
  const long done = syscall(SYS_clock_gettime, clock, time);
  if (done == 0 && clock == CLOCK_REALTIME) {
    if (const char* moved = getenv("MOVED_CLOCK_SECONDS")) time->tv_sec += atol(moved);
  }
  return static_cast<int>(done);
}
