// Who is connected to a server, and what each address has of it. Thread-safe.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/time/time.h"
#include "common/http2/bucket.h"
#include "common/http2/limits.h"
#include "common/http2/refusals.h"

namespace nisi::http2 {

// An address.
struct Source {
  explicit Source(const Rate& rate) : arrivals(rate) {}

  std::atomic<size_t> held{0};  // bytes, see Room
  size_t places = 0;            // of Places, as what follows
  Bucket arrivals;
};

// One connection's.
class Place {
 public:
  ~Place();
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;

  const std::shared_ptr<Source>& source() const { return source_; }
  // Whether calls are under way on it. From its loop.
  void SetBusy(bool busy, absl::Time now) {
    busy_ = busy;
    used_ns_ = absl::ToUnixNanos(now);
  }

 private:
  friend class Places;
  Place() = default;

  std::shared_ptr<class Places> places_;
  std::string address_;
  std::shared_ptr<Source> source_;
  std::function<void(const Place*)> leave_;
  std::atomic<bool> busy_{false};
  std::atomic<int64_t> used_ns_{0};
  bool left_ = false;  // for another; of Places
};

class Places : public std::enable_shared_from_this<Places> {
 public:
  Places(const Limits& limits, Refusals* refusals) : limits_(limits), refusals_(refusals) {}

  // Null where there is none. `leave` is called, at most once and from any thread, when the place
  // is needed for another: that one has it already.
  std::shared_ptr<Place> Take(const std::string& address, absl::Time now,
                              std::function<void(const Place*)> leave);
  size_t taken() const;

 private:
  friend class Place;
  Place* ToLeave(const Source& newcomer, bool own) const;
  void Leave(Place* place);
  std::shared_ptr<Source> SourceOf(const std::string& address);

  const Limits limits_;
  Refusals* const refusals_;
  mutable std::mutex mutex_;
  size_t taken_ = 0;
  absl::flat_hash_set<Place*> places_;
  absl::flat_hash_map<std::string, std::shared_ptr<Source>> sources_;
};

}  // namespace nisi::http2
