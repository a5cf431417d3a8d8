#include <deque>
#include <utility>

#include "common/rpc/changes_watch.h"
#include "services/export_refunds/rpcs.h"

namespace nisi::export_refunds {
namespace {

// Every change of claims over which the caller has a role. The journal's leaves hold no
// administrative data.
class ClaimWatch final : public rpc::ChangesWatch<v1::WatchClaimsResponse> {
 public:
  ClaimWatch(Env& env, const Call& call, std::string name, int64_t start)
      : ChangesWatch(*env.store, start), call_(call), name_(std::move(name)) {}

 private:
  absl::Status ShowEntry(const journal::v1::Entry& entry,
                         v1::WatchClaimsResponse* response) override {
    for (const journal::v1::Change& change : entry.changes()) {
      if (change.table() != kClaims.name) continue;
      const bool ended = change.kind() == journal::v1::Change::END;
      Claim claim;
      if (!claim.ParseFromString(ended ? change.before().value() : change.after().value())) {
        return base::StoreCorrupt("journal value");
      }
      uint32_t roles = 0;
      if (!name_.empty() && claim.name() != name_) continue;
      if (!rpc::MaySee(call_, rpc::TiesOf<Claim>(), claim, nullptr, &roles)) continue;
      auto* shown = response->add_changes();
      *shown->mutable_record_time() = entry.record_time();
      shown->set_name(claim.name());
      if (!ended) *shown->mutable_claim() = std::move(claim);
    }
    return absl::OkStatus();
  }

  const Call call_;
  const std::string name_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<rpc::MessageSource>> WatchClaims(
    Env& env, Call& call, const v1::WatchClaimsRequest& request) {
  if (!request.name().empty()) {
    const store::View view = env.store->Read();
    RETURN_IF_ERROR(
        rpc::FindFor(view, call, kClaims, store::Key::Of(request.name()), request.name()).status());
  }
  return std::make_unique<ClaimWatch>(env, call, request.name(), request.start_position());
}

}  // namespace nisi::export_refunds
