#include <deque>

#include "common/rpc/changes_watch.h"
#include "services/grants/rpcs.h"

namespace nisi::grants {
namespace {

using Watched = v1::WatchApplicationsResponse;

// Applications and agreements, each to whom it is tied to as it is after the change.
class ApplicationWatch final : public rpc::ChangesWatch<Watched> {
 public:
  ApplicationWatch(Env& env, const Call& call, int64_t start)
      : ChangesWatch(*env.store, start), call_(call) {}

 private:
  absl::Status ShowEntry(const journal::v1::Entry& entry, Watched* response) override {
    for (const journal::v1::Change& change : entry.changes()) {
      Watched::Change shown;
      if (change.table() == kApplications.name) {
        RETURN_IF_ERROR(Take(change, shown.mutable_application()));
      } else if (change.table() == kAgreements.name) {
        RETURN_IF_ERROR(Take(change, shown.mutable_agreement()));
      }
      const auto& held = shown.has_application()
                             ? static_cast<const google::protobuf::Message&>(shown.application())
                             : shown.agreement();
      if (held.ByteSizeLong() == 0) continue;
      shown.set_position(entry.position());
      *shown.mutable_record_time() = entry.record_time();
      *shown.mutable_effective_from() = change.effective_from();
      *response->add_changes() = std::move(shown);
    }
    return absl::OkStatus();
  }

  // The record after the change; left empty where the caller may not see it.
  template <class Resource>
  absl::Status Take(const journal::v1::Change& change, Resource* resource) const {
    if (!resource->ParseFromString(change.after().value())) {
      return base::StoreCorrupt("journal value");
    }
    // The method is unscoped: here the tie alone counts.
    const uint32_t roles =
        rpc::TiesOf<Resource>().RolesOver(*call_.caller, *resource) & call_.method->roles;
    if (roles == 0) {
      resource->Clear();
    } else {
      Conceal(call_, roles, resource);
    }
    return absl::OkStatus();
  }

  const Call call_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<rpc::MessageSource>> WatchApplications(
    Env& env, Call& call, const v1::WatchApplicationsRequest& request) {
  return std::make_unique<ApplicationWatch>(env, call, request.start_position());
}

}  // namespace nisi::grants
