#include "common/http2/sightings.h"

#include "common/http2/backend.h"
#include "common/http2/loop.h"

namespace nisi::http2 {

void Sightings::Join(EventLoop* loop, const std::string& address,
                     const std::shared_ptr<Backend*>& backend) {
  const std::lock_guard<std::mutex> lock(mutex_);
  members_.push_back({loop, address, backend});
}

void Sightings::Leave(const std::shared_ptr<Backend*>& backend) {
  const std::lock_guard<std::mutex> lock(mutex_);
  std::erase_if(members_, [&](const Member& one) { return one.backend == backend; });
}

void Sightings::Tell(const std::string& address, const std::shared_ptr<Backend*>& by) {
  // Held to the end: who is a member has a loop.
  const std::lock_guard<std::mutex> lock(mutex_);
  for (const Member& one : members_) {
    if (one.backend == by || one.address != address) continue;
    one.loop->Post([backend = one.backend] {
      if (*backend != nullptr) (*backend)->OnSeen();
    });
  }
}

}  // namespace nisi::http2
