#include "common/base/open_files.h"

#include <sys/resource.h>

#include <algorithm>

namespace nisi::base {

size_t RaiseOpenFiles() {
  constexpr rlim_t kFiles = 65'536;
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) != 0) return kFiles;
  const rlim_t wanted = std::max(files.rlim_cur, std::min(files.rlim_max, kFiles));
  if (wanted != files.rlim_cur) {
    files.rlim_cur = wanted;
    setrlimit(RLIMIT_NOFILE, &files);
  }
  return wanted;
}

}  // namespace nisi::base
