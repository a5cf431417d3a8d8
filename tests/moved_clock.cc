// Preloaded, it moves the clock of the machine for a process, and for all that have the same file,
// while they run: MOVED_CLOCK names a file of two numbers of 64 bits, by how many seconds, and at
// which nanosecond the clock stands still; 0: it runs. Debian's libfaketime does not start beside
// jemalloc.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <ctime>

namespace {

struct Moved {
  int64_t seconds;
  int64_t stands_at;
};

const volatile Moved* Read() {
  static const volatile Moved* const moved = [] {
    const int file = open(getenv("MOVED_CLOCK"), O_RDONLY | O_CLOEXEC);
    void* const there = mmap(nullptr, sizeof(Moved), PROT_READ, MAP_SHARED, file, 0);
    if (there == MAP_FAILED) abort();
    close(file);
    return static_cast<const volatile Moved*>(there);
  }();
  return moved;
}

}  // namespace

extern "C" int clock_gettime(clockid_t clock, timespec* time) noexcept {
  const long done = syscall(SYS_clock_gettime, clock, time);
  if (done != 0 || (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE)) {
    return static_cast<int>(done);
  }
  constexpr int64_t kSecond = 1'000'000'000;
  const int64_t stands_at = Read()->stands_at;
  if (stands_at != 0) *time = {stands_at / kSecond, stands_at % kSecond};
  time->tv_sec += Read()->seconds;
  return 0;
}

extern "C" time_t time(time_t* into) noexcept {
  timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (into != nullptr) *into = now.tv_sec;
  return now.tv_sec;
}

extern "C" int gettimeofday(timeval* into, void*) noexcept {
  timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  *into = {now.tv_sec, now.tv_nsec / 1000};
  return 0;
}
