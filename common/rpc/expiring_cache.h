// A bounded map of things that stop being true at a known time: verified tokens, signed contexts.
#pragma once

#include <algorithm>
#include <array>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/hash/hash.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace nisi::rpc {

// Holds at most `capacity` entries (at least 16), the oldest leave first. Usable from many threads.
template <class Value>
class ExpiringCache {
 public:
  explicit ExpiringCache(size_t capacity)
      : shard_capacity_(std::max<size_t>(1, capacity / kShards)) {}

  // nullptr when there is none that holds at `now`. A clock set back behind the insertion finds
  // nothing either: otherwise it would lengthen the entry's life.
  std::shared_ptr<const Value> Find(absl::string_view key, absl::Time now) const {
    const Shard& shard = ShardOf(key);
    const std::lock_guard lock(shard.mutex);
    const auto found = shard.entries.find(key);
    if (found == shard.entries.end() || now >= found->second.expires ||
        now < found->second.inserted) {
      return nullptr;
    }
    return found->second.value;
  }

  void Insert(absl::string_view key, std::shared_ptr<const Value> value, absl::Time now,
              absl::Time expires) {
    if (expires <= now) {
      return;
    }
    Shard& shard = ShardOf(key);
    const std::lock_guard lock(shard.mutex);
    const auto [position, added] = shard.entries.try_emplace(std::string(key));
    position->second = Entry{std::move(value), now, expires};
    if (!added) {
      return;
    }
    shard.order.emplace_back(key);
    while (shard.order.size() > shard_capacity_) {
      shard.entries.erase(shard.order.front());
      shard.order.pop_front();
    }
  }

  size_t size() const {
    size_t total = 0;
    for (const Shard& shard : shards_) {
      const std::lock_guard lock(shard.mutex);
      total += shard.entries.size();
    }
    return total;
  }

 private:
  static constexpr size_t kShards = 16;  // So that threads rarely meet at one mutex.

  struct Entry {
    std::shared_ptr<const Value> value;
    absl::Time inserted;
    absl::Time expires;
  };
  struct Shard {
    mutable std::mutex mutex;
    absl::flat_hash_map<std::string, Entry> entries;
    std::deque<std::string> order;  // Every key of entries once, by insertion.
  };

  static size_t IndexOf(absl::string_view key) { return (absl::HashOf(key) >> 20) % kShards; }
  const Shard& ShardOf(absl::string_view key) const { return shards_[IndexOf(key)]; }
  Shard& ShardOf(absl::string_view key) { return shards_[IndexOf(key)]; }

  const size_t shard_capacity_;
  std::array<Shard, kShards> shards_;
};

}  // namespace nisi::rpc
