#include "services/gateway/memory.h"

#include <unistd.h>

#include <fstream>

namespace nisi::gateway {

// In pages, see proc(5).
void Memory::Look() {
  static const size_t kPage = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  size_t all = 0, resident = 0;
  if (std::ifstream("/proc/self/statm") >> all >> resident) Set(resident * kPage);
}

bool Memory::HasRoomFor(Rank rank) const {
  if (most_ == 0) return true;
  const double share = rank == Rank::kPublic ? 0.8 : rank == Rank::kReading ? 0.9 : 0.95;
  return static_cast<double>(taken_) < share * static_cast<double>(most_);
}

}  // namespace nisi::gateway
