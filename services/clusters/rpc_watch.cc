#include <deque>

#include "common/rpc/changes_watch.h"
#include "services/clusters/rpcs.h"

namespace nisi::clusters {
namespace {

using journal::v1::Change;

// Whoever has a role over a cluster follows every change of it and of its members. To the others it
// comes whole with its members when it is selected, and once public stays so.
class ClusterWatch final : public rpc::ChangesWatch<v1::WatchClustersResponse> {
 public:
  ClusterWatch(Env& env, const Call& call, int32_t cluster, int64_t start)
      : ChangesWatch(*env.store, start), env_(env), call_(call), cluster_(cluster) {}

 private:
  absl::Status ShowEntry(const journal::v1::Entry& entry,
                         v1::WatchClustersResponse* response) override {
    std::set<int32_t> shown_whole;
    for (const Change& change : entry.changes()) {
      const bool of_cluster = change.table() == kClusters.name;
      if (!of_cluster && change.table() != kMembers.name) continue;
      store::KeyReader key(change.key());
      const auto number = key.Number();
      if (!number.has_value()) return base::StoreCorrupt("journal key");
      const auto cluster = static_cast<int32_t>(*number);
      if (cluster_ != 0 && cluster != cluster_) continue;
      if (of_cluster) {
        RETURN_IF_ERROR(ShowCluster(entry, change, cluster, &shown_whole, response));
      } else {
        RETURN_IF_ERROR(ShowMember(entry, change, cluster, shown_whole, response));
      }
    }
    return absl::OkStatus();
  }

  bool Sees(const Cluster& cluster) const {
    uint32_t roles = 0;
    return rpc::MaySee(call_, rpc::TiesOf<Cluster>(), cluster, ClusterVisible, &roles);
  }

  absl::Status ShowCluster(const journal::v1::Entry& entry, const Change& change, int32_t number,
                           std::set<int32_t>* shown_whole, v1::WatchClustersResponse* response) {
    Cluster before, after;
    if (!before.ParseFromString(change.before().value()) ||
        !after.ParseFromString(change.after().value())) {
      return base::StoreCorrupt("journal value");
    }
    if (!Sees(after)) return absl::OkStatus();
    *Add(entry, change, after.name(), response)->mutable_cluster() = after;
    if (change.before().value().empty() || Sees(before)) return absl::OkStatus();
    // It comes into sight: with the members it had at that moment.
    shown_whole->insert(number);
    const store::View view = env_.store->Read();
    const int64_t known_at_us =
        entry.record_time().seconds() * 1'000'000 + entry.record_time().nanos() / 1000;
    ASSIGN_OR_RETURN(const base::Date day, base::Date::FromProto(change.effective_from()));
    ASSIGN_OR_RETURN(
        const std::vector<MemberRow> members,
        AllOf(view, kMembers, store::Key::Of(number), {.as_of = day, .known_at_us = known_at_us}));
    for (const MemberRow& member : members) {
      *Add(entry, change, member.member().name(), response)->mutable_member() = member.member();
    }
    return absl::OkStatus();
  }

  absl::Status ShowMember(const journal::v1::Entry& entry, const Change& change, int32_t number,
                          const std::set<int32_t>& shown_whole,
                          v1::WatchClustersResponse* response) {
    if (shown_whole.contains(number)) return absl::OkStatus();
    ASSIGN_OR_RETURN(const bool sees, SawAt(number, entry.position()));
    if (!sees) return absl::OkStatus();
    v1::Member before, after;
    before.ParseFromString(change.before().value());
    after.ParseFromString(change.after().value());
    const bool ended = change.kind() == Change::END;
    auto* shown = Add(entry, change, ended ? before.name() : after.name(), response);
    if (!ended) *shown->mutable_member() = std::move(after);
    return absl::OkStatus();
  }

  // Whether the caller saw the cluster when a position was recorded: by a tie that it has now, or
  // as it was public by then. What is public stays so.
  absl::StatusOr<bool> SawAt(int32_t number, int64_t position) {
    const store::View view = env_.store->Read();
    const store::Key key = store::Key::Of(number);
    ASSIGN_OR_RETURN(const auto now, view.Find(kClusters, key));
    if (!now.has_value()) return false;
    if (!IsPublic(now->row.cluster())) return Sees(now->row.cluster());
    if (rpc::RolesFor(call_, rpc::TiesOf<Cluster>(), now->row.cluster()) != 0) return true;
    if (const auto known = public_since_.find(number); known != public_since_.end()) {
      return known->second <= position;
    }
    ASSIGN_OR_RETURN(const auto versions, view.Versions(kClusters, key.bytes()));
    int64_t since = INT64_MAX;
    for (const store::RawRow& version : versions) {
      ASSIGN_OR_RETURN(const auto stored, store::Reader::Parse<ClusterRow>(version.view()));
      if (IsPublic(stored.row.cluster())) since = std::min(since, version.version.position);
    }
    public_since_[number] = since;
    return since <= position;
  }

  static v1::WatchClustersResponse::Change* Add(const journal::v1::Entry& entry,
                                                const Change& change, const std::string& name,
                                                v1::WatchClustersResponse* response) {
    auto* added = response->add_changes();
    added->set_position(entry.position());
    *added->mutable_record_time() = entry.record_time();
    *added->mutable_effective_from() = change.effective_from();
    added->set_name(name);
    return added;
  }

  Env& env_;
  const Call call_;
  const int32_t cluster_;
  std::map<int32_t, int64_t> public_since_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<rpc::MessageSource>> WatchClusters(
    Env& env, Call& call, const v1::WatchClustersRequest& request) {
  int32_t cluster = 0;
  if (!request.name().empty()) {
    ASSIGN_OR_RETURN(cluster, rpc::NumberIn(request.name(), "clusters/*", 0));
    const store::View view = env.store->Read();
    RETURN_IF_ERROR(
        rpc::FindFor(view, call, kClusters, store::Key::Of(cluster), request.name(), ClusterVisible)
            .status());
  }
  return std::make_unique<ClusterWatch>(env, call, cluster, request.start_position());
}

}  // namespace nisi::clusters
