// What the loops of a process tell each other of the servers they call: one that was away is back.
// Each loop has connections of its own and waits by itself before it tries again; where one has
// got through, the others try at once. That a server is away they do not tell: a connection that
// broke says nothing of the others, and a server that has died breaks them all. Thread-safe.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace nisi::http2 {

class Backend;
class EventLoop;

class Sightings {
 public:
  // What lives on that loop and calls that address, from here to Leave; both on the loop. It is
  // null by the time it is gone.
  void Join(EventLoop* loop, const std::string& address, const std::shared_ptr<Backend*>& backend);
  void Leave(const std::shared_ptr<Backend*>& backend);
  // From the loop of that one, which has got through: the others of that address try now.
  void Tell(const std::string& address, const std::shared_ptr<Backend*>& by);

 private:
  struct Member {
    EventLoop* loop;
    std::string address;
    std::shared_ptr<Backend*> backend;
  };
  std::mutex mutex_;
  std::vector<Member> members_;
};

}  // namespace nisi::http2
