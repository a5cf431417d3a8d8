// Whether this thread is one of a store's own, on which commands and what follows from them run:
// nothing there may wait for another service.
#pragma once

namespace nisi::store {

bool OnStoreThread();

}  // namespace nisi::store
