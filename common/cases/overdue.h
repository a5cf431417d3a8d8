// The method of a service that lists what is overdue in all its records.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "common/base/status.h"
#include "common/cases/deadlines.h"
#include "common/rpc/call.h"
#include "common/rpc/resource.h"
#include "common/store/store.h"

namespace nisi::cases {

// The keys of `overdue` below: 1, last day.
inline void EmitOverdue(const DeadlineRow& row, const store::EmitKey& emit) {
  const Deadline& deadline = row.deadline();
  if (deadline.state() != Deadline::OPEN || !deadline.overdue()) return;
  const auto due = base::Date::FromProto(deadline.due_date());
  if (due.ok()) emit(store::Key::Of(int64_t{1}, *due));
}

// To officials of the country all of it, oldest first, by `overdue`, whose keys are those of
// EmitOverdue; to an organization what it owes itself.
template <class Response, class Request>
absl::StatusOr<rpc::Encoded<Response>> ListOverdue(const store::Store& store, const rpc::Call& call,
                                                   const store::Index<DeadlineRow>& overdue,
                                                   const Request& request) {
  const rpc::Caller& caller = *call.caller;
  ASSIGN_OR_RETURN(rpc::ListPlan plan, rpc::PlanList(kDeadlines, request, call));
  if ((caller.roles & call.method->roles & rpc::kCountryRoles) != 0) {
    plan.over = &overdue;
    plan.under = {store::Key::Of(int64_t{1})};
  } else {
    plan.over = &kDeadlinesByWho;
    plan.under = {store::Key::Of(int64_t{1}, int64_t{rpc::v1::ENTITY}, caller.bin)};
    plan.show = [&caller](google::protobuf::Message* resource) {
      const auto& deadline = static_cast<const Deadline&>(*resource);
      const bool own = !caller.bin.empty() && deadline.bin() == caller.bin;
      return own ? rpc::Shown::kAsStored : rpc::Shown::kNo;
    };
  }
  return rpc::ListAs<Response>(store, plan);
}

}  // namespace nisi::cases
