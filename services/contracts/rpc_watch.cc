// What changes, as it changes, to whom may see it.
#include <deque>
#include <utility>

#include "common/base/roles.h"
#include "common/rpc/changes_watch.h"
#include "services/contracts/rpcs.h"

namespace nisi::contracts {
namespace {

// The record after a change; before it where it ended. False where it does not parse.
template <class Resource>
absl::Status TakeChange(const journal::v1::Change& change, Resource* resource) {
  const bool ended = change.kind() == journal::v1::Change::END;
  if (!resource->ParseFromString(ended ? change.before().value() : change.after().value())) {
    return base::StoreCorrupt("journal value");
  }
  if (ended) {
    const std::string name = resource->name();
    resource->Clear();
    resource->set_name(name);
  }
  return absl::OkStatus();
}

// Those whom GetPledge admits: the institutes have no part in what is pledged.
constexpr uint32_t kOfPledges = base::RoleBit(rpc::v1::CUSTOMER) | base::RoleBit(rpc::v1::ENTITY) |
                                base::RoleBit(rpc::v1::AUTHORITY_INDUSTRY) |
                                base::RoleBit(rpc::v1::AUDITOR);

// Everybody who plans sees all of it.
class PlanningWatch final : public rpc::ChangesWatch<v1::WatchPlanningResponse> {
 public:
  PlanningWatch(Env& env, int64_t start) : ChangesWatch(*env.store, start) {}

 private:
  absl::Status ShowEntry(const journal::v1::Entry& entry,
                         v1::WatchPlanningResponse* response) override {
    for (const journal::v1::Change& change : entry.changes()) {
      v1::WatchPlanningResponse::Change shown;
      if (change.table() == kCycles.name) {
        RETURN_IF_ERROR(TakeChange(change, shown.mutable_cycle()));
      } else if (change.table() == kItems.name) {
        RETURN_IF_ERROR(TakeChange(change, shown.mutable_item()));
      } else if (change.table() == kProposals.name) {
        RETURN_IF_ERROR(TakeChange(change, shown.mutable_proposal()));
      } else if (change.table() == kPublications.name) {
        RETURN_IF_ERROR(TakeChange(change, shown.mutable_publication()));
      } else {
        continue;
      }
      *shown.mutable_record_time() = entry.record_time();
      *response->add_changes() = std::move(shown);
    }
    return absl::OkStatus();
  }
};

// Contracts and what is under them, each to whom it is tied to as it is after the change; a
// contract and its amendments to whom it is still tied to.
class ContractWatch final : public rpc::ChangesWatch<v1::WatchContractsResponse> {
 public:
  ContractWatch(Env& env, const Call& call, int64_t start)
      : ChangesWatch(*env.store, start), store_(*env.store), call_(call) {}

 private:
  absl::Status ShowEntry(const journal::v1::Entry& entry,
                         v1::WatchContractsResponse* response) override {
    for (const journal::v1::Change& change : entry.changes()) {
      v1::WatchContractsResponse::Change shown;
      bool seen = false;
      if (change.table() == kContracts.name) {
        ASSIGN_OR_RETURN(seen, Seen(change, shown.mutable_contract()));
        if (seen) {
          ASSIGN_OR_RETURN(seen, IsStillSeen(shown.contract().name()));
        }
      } else if (change.table() == kAmendments.name) {
        ASSIGN_OR_RETURN(seen, Seen(change, shown.mutable_amendment()));
        if (seen) {
          ASSIGN_OR_RETURN(seen, IsStillSeen(ParentOf(shown.amendment().name())));
        }
      } else if (change.table() == kPledges.name) {
        ASSIGN_OR_RETURN(seen, Seen(change, shown.mutable_pledge(), kOfPledges));
      } else if (change.table() == kEntries.name) {
        ASSIGN_OR_RETURN(seen, Seen(change, shown.mutable_entry()));
      } else if (change.table() == kPenalties.name) {
        ASSIGN_OR_RETURN(seen, Seen(change, shown.mutable_penalty()));
      } else if (change.table() == kAssessments.name) {
        ASSIGN_OR_RETURN(seen, Seen(change, shown.mutable_assessment()));
      } else if (change.table() == kReports.name) {
        ASSIGN_OR_RETURN(seen, Seen(change, shown.mutable_report()));
      }
      if (!seen) continue;
      *shown.mutable_record_time() = entry.record_time();
      *response->add_changes() = std::move(shown);
    }
    return absl::OkStatus();
  }

  // The method is unscoped: here the tie alone counts.
  template <class Resource>
  absl::StatusOr<bool> Seen(const journal::v1::Change& change, Resource* resource,
                            uint32_t admitted = ~0U) const {
    RETURN_IF_ERROR(TakeChange(change, resource));
    return (RolesUnder(call_, *resource) & admitted) != 0;
  }

  absl::StatusOr<bool> IsStillSeen(const std::string& contract) const {
    const absl::Status seen = CheckContract(store_.Read(), call_, contract, contract);
    if (absl::IsPermissionDenied(seen)) return false;
    RETURN_IF_ERROR(seen);
    return true;
  }

  const store::Store& store_;
  const Call call_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<rpc::MessageSource>> WatchPlanning(
    Env& env, Call& /*call*/, const v1::WatchPlanningRequest& request) {
  return std::make_unique<PlanningWatch>(env, request.start_position());
}

absl::StatusOr<std::unique_ptr<rpc::MessageSource>> WatchContracts(
    Env& env, Call& call, const v1::WatchContractsRequest& request) {
  return std::make_unique<ContractWatch>(env, call, request.start_position());
}

}  // namespace nisi::contracts
