// Connections that terminators bring, each until it has said whose it is. On one loop only.
#pragma once

#include <sys/socket.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/time/time.h"
#include "common/http2/loop.h"
#include "common/http2/refusals.h"

namespace nisi::http2 {

class Edges {
 public:
  // A connection and its client, of which nothing is read but its head.
  using Taken = std::function<void(int fd, const sockaddr_storage& client)>;

  // A head has so long to be whole.
  Edges(EventLoop* loop, const std::vector<std::string>& addresses, absl::Duration patience,
        Refusals* refusals, Taken taken);
  ~Edges();  // closes what waits
  Edges(const Edges&) = delete;
  Edges& operator=(const Edges&) = delete;

  // Whether connections from there are a terminator's: by its address, which nobody else on the
  // network between can answer for.
  bool Has(const sockaddr_storage& from) const;
  void Take(int fd, const sockaddr_storage& from);
  void OnTick(absl::Time now);
  size_t waiting() const { return waiting_.size(); }

 private:
  struct Arrival;

  void Read(Arrival* arrival);
  void Refuse(Arrival* arrival, Refused what, const char* why);
  // Takes it out of the loop; its connection stays open.
  void Forget(Arrival* arrival);

  EventLoop* const loop_;
  const absl::flat_hash_set<std::string> addresses_;
  const absl::Duration patience_;
  Refusals* const refusals_;
  const Taken taken_;
  absl::flat_hash_map<Arrival*, std::unique_ptr<Arrival>> waiting_;
};

}  // namespace nisi::http2
