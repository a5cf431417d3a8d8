// Who the last call of each connection came from, for a second: most connections carry the calls of
// one caller, and to compare his token with that of the call before costs next to nothing beside
// its hash, the caches and their locks. A token or key that ends meanwhile is good for up to that
// second longer. Of one thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/http2/bucket.h"
#include "common/http2/call.h"
#include "common/rpc/caller.h"

namespace nisi::gateway {

class RecentCallers {
 public:
  static constexpr absl::Duration kLife = absl::Seconds(1);

  struct Recent {
    std::shared_ptr<const http2::Peer>
        peer;  // held: no other connection gets its address meanwhile
    std::optional<std::string> authorization;  // as it came; none is another than an empty one
    std::shared_ptr<const rpc::Caller> caller;
    std::string share;  // whose share of all his calls take, see Admitted::caller
    std::shared_ptr<http2::Bucket> bucket;  // of that share; null where there is no limit
    absl::Time since;
    absl::string_view owner;  // whom the last call went to; lives as long as the routes
    std::string context;      // signed for it
  };

  // Null where the call has to be looked at. Until the next call of Keep or Forget.
  Recent* Find(const http2::Peer& peer, const std::string* authorization, absl::Time now) {
    Recent* const recent = Of(peer, now);
    if (recent == nullptr) return nullptr;
    const bool same = authorization == nullptr ? !recent->authorization.has_value()
                                               : recent->authorization == *authorization;
    return same ? recent : nullptr;
  }
  // Null where the connection's last call was another's.
  Recent* Of(const http2::Peer& peer, const rpc::Caller& caller, absl::Time now) {
    Recent* const recent = Of(peer, now);
    return recent != nullptr && recent->caller.get() == &caller ? recent : nullptr;
  }
  Recent* Keep(Recent recent) {
    const http2::Peer* const peer = recent.peer.get();
    return &recent_.insert_or_assign(peer, std::move(recent)).first->second;
  }
  // Of those that are over, some times a second.
  void Forget(absl::Time now) {
    absl::erase_if(recent_, [now](const auto& one) { return !Holds(one.second, now); });
  }

 private:
  static bool Holds(const Recent& recent, absl::Time now) {
    return recent.since <= now && now < recent.since + kLife;
  }
  Recent* Of(const http2::Peer& peer, absl::Time now) {
    const auto found = recent_.find(&peer);
    return found != recent_.end() && Holds(found->second, now) ? &found->second : nullptr;
  }

  absl::flat_hash_map<const http2::Peer*, Recent> recent_;
};

}  // namespace nisi::gateway
