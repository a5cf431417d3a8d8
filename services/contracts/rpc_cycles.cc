// The planning year, step by step.
#include "absl/strings/str_cat.h"
#include "common/cases/refusals.h"
#include "services/contracts/errors.h"
#include "services/contracts/rpcs.h"

namespace nisi::contracts {
namespace {

// A step of which only the cycle must be named, and why where that is asked for.
template <class Request, class Change>
absl::StatusOr<v1::Cycle> StepOf(Env& env, const Call& call, store::Tx& tx, CycleVerb verb,
                                 const Request& request, const Change& change) {
  ASSIGN_OR_RETURN(CycleStep step, BeginCycle(tx, call, verb, request.name(), request.etag()));
  if constexpr (requires { request.reason(); }) {
    step.row.mutable_cycle()->set_reason(request.reason());
  }
  RETURN_IF_ERROR(change(&step));
  RETURN_IF_ERROR(FinishCycle(env, tx, verb, &step));
  return step.row.cycle();
}

absl::Status Nothing(CycleStep* /*step*/) {
  return absl::OkStatus();
}

// Goods in one state come to another.
absl::Status MoveItems(store::Tx& tx, int32_t year, ListItem::State from, ListItem::State to) {
  ASSIGN_OR_RETURN(std::vector<ItemRow> items, ItemsOf(tx, year));
  for (ItemRow& row : items) {
    if (row.item().state() != from) continue;
    row.mutable_item()->set_state(to);
    RETURN_IF_ERROR(tx.Put(kItems, &row));
  }
  return absl::OkStatus();
}

// Goods of a List that was taken back may come back, agreed on anew: who had agreed to them may not
// do so twice, so that falls.
absl::Status AgainUnagreed(const Env& env, store::Tx& tx, int32_t year) {
  ASSIGN_OR_RETURN(std::vector<ItemRow> items, ItemsOf(tx, year));
  for (ItemRow& row : items) {
    ListItem& item = *row.mutable_item();
    if (item.state() != ListItem::WITHDRAWN) continue;
    item.set_state(ListItem::FORMED);
    RETURN_IF_ERROR(TakeAgreed({}, "item", &item));
    RETURN_IF_ERROR(LapseProposals(env, tx, item.name()));
    RETURN_IF_ERROR(tx.Put(kItems, &row));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<v1::Cycle> OpenCycle(Env& env, const Call& /*call*/, store::Tx& tx,
                                    const v1::OpenCycleRequest& request) {
  CycleRow row;
  Cycle& cycle = *row.mutable_cycle();
  cycle.set_year(request.year());
  cycle.set_name(CycleName(request.year()));
  if (request.year() < tx.today().year()) return errors::YearPast("year");
  ASSIGN_OR_RETURN(const auto known, tx.FindRaw(kCycles, store::Key::Of(request.year())));
  if (known.has_value()) return cases::RecordExists(kCycles.name, cycle.name());
  cycle.set_state(Cycle::NEEDS);
  cycle.set_revision(1);
  for (const StatutoryDay& day : StatutoryDays()) {
    ASSIGN_OR_RETURN(const base::Date due, StatutoryDayOf(day, cycle.year(), *env.norms));
    RETURN_IF_ERROR(
        OpenDay(tx, {cycle.name(), day.kind, due, day.role, day.basis(), "", day.norm}));
  }
  tx.Cite(errors::Needs());
  RETURN_IF_ERROR(tx.Put(kCycles, &row));
  return cycle;
}

absl::StatusOr<v1::Cycle> CloseNeeds(Env& env, const Call& call, store::Tx& tx,
                                     const v1::CloseNeedsRequest& request) {
  return StepOf(env, call, tx, CycleVerb::kCloseNeeds, request, [&tx](CycleStep* step) {
    int32_t count = 0;
    RETURN_IF_ERROR(tx.Scan(kNeeds, {store::Key::Of(step->row.cycle().year()), ""}, {},
                            [&count](const store::RowView&, absl::string_view) {
                              ++count;
                              return absl::StatusOr<bool>(true);
                            }));
    step->row.mutable_cycle()->set_need_count(count);
    step->row.set_formed(false);
    return absl::OkStatus();
  });
}

absl::StatusOr<v1::Cycle> ReopenNeeds(Env& env, const Call& call, store::Tx& tx,
                                      const v1::ReopenNeedsRequest& request) {
  return StepOf(env, call, tx, CycleVerb::kReopenNeeds, request, Nothing);
}

absl::StatusOr<v1::Cycle> SendList(Env& env, const Call& call, store::Tx& tx,
                                   const v1::SendListRequest& request) {
  return StepOf(env, call, tx, CycleVerb::kSend, request, [](CycleStep* step) {
    return step->row.formed() ? absl::OkStatus() : errors::ListNotFormed();
  });
}

absl::StatusOr<v1::Cycle> ReturnToListing(Env& env, const Call& call, store::Tx& tx,
                                          const v1::ReturnToListingRequest& request) {
  return StepOf(env, call, tx, CycleVerb::kTakeBack, request, Nothing);
}

absl::StatusOr<v1::Cycle> SubmitForApproval(Env& env, const Call& call, store::Tx& tx,
                                            const v1::SubmitForApprovalRequest& request) {
  return StepOf(env, call, tx, CycleVerb::kSubmit, request, [&](CycleStep* step) {
    Cycle& cycle = *step->row.mutable_cycle();
    ASSIGN_OR_RETURN(std::vector<ItemRow> items, ItemsOf(tx, cycle.year()));
    int32_t agreed = 0;
    for (ItemRow& row : items) {
      const ListItem::State state = row.item().state();
      if (state == ListItem::AGREED || state == ListItem::APPROVED) ++agreed;
      if (state != ListItem::FORMED) continue;
      row.mutable_item()->set_state(ListItem::LEFT_OUT);
      RETURN_IF_ERROR(tx.Put(kItems, &row));
    }
    cycle.set_agreed_count(agreed);
    return absl::OkStatus();
  });
}

absl::StatusOr<v1::Cycle> ReturnForAgreement(Env& env, const Call& call, store::Tx& tx,
                                             const v1::ReturnForAgreementRequest& request) {
  return StepOf(env, call, tx, CycleVerb::kReturn, request, [&tx](CycleStep* step) {
    return MoveItems(tx, step->row.cycle().year(), ListItem::LEFT_OUT, ListItem::FORMED);
  });
}

absl::StatusOr<v1::Cycle> ApproveCycle(Env& env, const Call& call, store::Tx& tx,
                                       const v1::ApproveCycleRequest& request) {
  ASSIGN_OR_RETURN(CycleStep step,
                   BeginCycle(tx, call, CycleVerb::kApprove, request.name(), request.etag()));
  Cycle& cycle = *step.row.mutable_cycle();
  ASSIGN_OR_RETURN(const base::Date ordered, base::Date::FromProto(request.order_date()));
  if (ordered > tx.today()) return cases::OrderDateInvalid(errors::Approving());
  cycle.set_order_number(request.order_number());
  *cycle.mutable_order_date() = request.order_date();
  ASSIGN_OR_RETURN(std::vector<ItemRow> items, ItemsOf(tx, cycle.year()));
  std::vector<ItemRow> approved;
  Approving approving{0, 0, 0, ordered, tx.today(), {}, {cycle.name(), cycle.etag()}};
  ASSIGN_OR_RETURN(approving.due, StatutoryDayOf(StatutoryDays().back(), cycle.year(), *env.norms));
  for (ItemRow& row : items) {
    const ListItem::State state = row.item().state();
    if (state == ListItem::LEFT_OUT) {
      ++approving.left_out;
    } else {
      ++approving.goods;
    }
    if (state == ListItem::AGREED || state == ListItem::APPROVED) ++approving.agreed;
    if (row.item().state() == ListItem::AGREED) {
      row.mutable_item()->set_state(ListItem::APPROVED);
      RETURN_IF_ERROR(tx.Put(kItems, &row));
    }
    if (row.item().state() == ListItem::APPROVED) approved.push_back(std::move(row));
  }
  ASSIGN_OR_RETURN(*cycle.mutable_approval(), JudgeApproval(approving, *env.norms));
  cases::SetDecideTime(tx, cycle.mutable_approval());
  if (cycle.approval().outcome() != "APPROVED") return base::StoreCorrupt("List for approval");
  ASSIGN_OR_RETURN(
      const bool leaving,
      Unpublish(tx, cycle.year(), absl::StrCat("replaced by revision ", cycle.revision())));
  RETURN_IF_ERROR(Publish(tx, cycle, approved));
  RETURN_IF_ERROR(step.Lead(approved.empty() && !leaving ? Cycle::PUBLISHED : Cycle::APPROVED));
  RETURN_IF_ERROR(FinishCycle(env, tx, CycleVerb::kApprove, &step));
  return cycle;
}

absl::StatusOr<v1::Cycle> ReviseList(Env& env, const Call& call, store::Tx& tx,
                                     const v1::ReviseListRequest& request) {
  return StepOf(env, call, tx, CycleVerb::kRevise, request, [&](CycleStep* step) {
    Cycle& cycle = *step->row.mutable_cycle();
    cycle.set_revision(cycle.revision() + 1);
    RETURN_IF_ERROR(AgainUnagreed(env, tx, cycle.year()));
    return MoveItems(tx, cycle.year(), ListItem::LEFT_OUT, ListItem::FORMED);
  });
}

absl::StatusOr<v1::Cycle> WithdrawList(Env& env, const Call& call, store::Tx& tx,
                                       const v1::WithdrawListRequest& request) {
  return StepOf(env, call, tx, CycleVerb::kWithdraw, request, [&](CycleStep* step) {
    const int32_t year = step->row.cycle().year();
    RETURN_IF_ERROR(Unpublish(tx, year, request.reason()).status());
    return MoveItems(tx, year, ListItem::APPROVED, ListItem::WITHDRAWN);
  });
}

}  // namespace nisi::contracts
