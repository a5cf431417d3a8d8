// What all calls of the gateway share, and what each of its threads has.
#pragma once

#include <array>
#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "common/http2/guard.h"
#include "common/http2/replicas.h"
#include "common/http2/sightings.h"
#include "common/rpc/health.h"
#include "common/rpc/metrics.h"
#include "services/gateway/admission.h"
#include "services/gateway/busy.h"
#include "services/gateway/capacity.h"
#include "services/gateway/cors.h"
#include "services/gateway/limits.h"
#include "services/gateway/memory.h"
#include "services/gateway/rank.h"
#include "services/gateway/routes.h"
#include "services/gateway/service.h"

namespace nisi::gateway {

// Of all threads; outlives the calls, and may outlive the gateway in its metrics.
struct Hub {
  explicit Hub(Limits given) : limits(std::move(given)), memory(limits.max_memory_bytes) {}

  const Routes* routes = nullptr;
  std::shared_ptr<Admission> admission;
  Limits limits;
  Memory memory;
  std::shared_ptr<http2::Guard> guard;
  std::shared_ptr<http2::Sightings> sightings = std::make_shared<http2::Sightings>();
  std::vector<rpc::MethodMetrics> metrics;  // by Route::index; after the last, unknown methods
  std::vector<std::string> listed;          // of reflection
  std::unique_ptr<rpc::Health> health;
  std::unique_ptr<Cors> cors;
  std::map<std::string, std::unique_ptr<Capacity>, std::less<>> capacities;  // of unary, by owner
  // Of the threads, how many do not get through to a service, by owner.
  std::map<std::string, std::atomic<int>, std::less<>> away;
  std::atomic<uint64_t> live{0};                                   // those that a client has begun
  std::array<std::atomic<uint64_t>, kRankNames.size()> refused{};  // for want of room, by rank
  Busy busy;                                                       // what they are told
  std::unique_ptr<StreamShares> streams;                           // the other calls
  std::atomic<bool> draining{false};
  std::atomic<int64_t> abort_at_ns{INT64_MAX};
};

// Of one thread: its ways to the services.
class Ways {
 public:
  Ways(Hub* hub, http2::EventLoop* loop, const std::map<std::string, Destination>& owners);

  http2::EventLoop* loop() const { return loop_; }
  RecentCallers* recent_callers() { return &recent_callers_; }
  // Sends a call to the process of that owner. From the loop.
  std::shared_ptr<http2::Taker> Take(absl::string_view owner, http2::CallHead head,
                                     http2::ClientCall::Answers answers,
                                     http2::ClientCall::Again again,
                                     std::shared_ptr<http2::Replier> replier);
  // Some times a second.
  void OnTick(absl::Time now);

 private:
  struct Way {
    http2::TakeCall here;                        // of a service in this process, or
    std::unique_ptr<http2::Replicas> processes;  // of others
    bool reachable = true;
  };

  Hub* const hub_;
  http2::EventLoop* const loop_;
  RecentCallers recent_callers_;
  absl::flat_hash_map<std::string, Way> ways_;  // by owner
};

}  // namespace nisi::gateway
