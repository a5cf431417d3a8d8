// How many files this process may have open: connections, and the store's own.
#pragma once

#include <cstddef>

namespace nisi::base {

// Raises its bound to 65,536, or as far as it may; how many it is.
size_t RaiseOpenFiles();

}  // namespace nisi::base
