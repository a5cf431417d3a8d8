// The life of a list that is kept in editions (common/rpc/editions.h), as commands: an edition is
// drafted, submitted, returned or approved by order, in force from its day, replaced by the next
// one. What services with such a list do alike, over its description, which says here besides:
//
//   static const store::Index<EditionRow>& ByState();
//   static const store::Index<EditionRow>& ByEffectiveDay();  // of published ones; unique
//   static const base::Machine<Edition::State, cases::EditionVerb>& Machine();
//   static constexpr const char* kTakeEffectTimer;
//   static std::string Name(int32_t number);
//   static base::LegalBasis Drafting();
//   // EFFECTIVE_DAY_TAKEN, by the edition that has the day.
//   static absl::Status DayTaken(base::Date day, const std::string& edition);
//
// and, for its entries (edition_entries.h), what stands there. A row has nisi.cases.v1.Life life.
// What a step asks of the edition first, and the refusals with their articles, are the service's.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/cases/beside.h"
#include "common/cases/edition_rules.h"
#include "common/cases/rows.h"
#include "common/cases/step.h"
#include "common/rpc/editions.h"
#include "common/rpc/list.h"
#include "common/rpc/store_call.h"
#include "common/rpc/update.h"

namespace nisi::cases {

using rpc::EditionOf;
using rpc::EntryOf;

template <class List>
using EditionStep = Step<typename List::EditionRow>;

// The number in an edition's name. NOT_FOUND for a name that no edition can have.
template <class List>
absl::StatusOr<int32_t> NumberOf(const std::string& name) {
  return rpc::NumberIn(name, absl::StrCat(List::Editions().name, "/*"), 0);
}

// A step of the edition that `name` names. NOT_FOUND; VERSION_MISMATCH; what its machine refuses.
template <class List>
absl::StatusOr<EditionStep<List>> BeginEdition(const store::Tx& tx, const rpc::Call& call,
                                               EditionVerb verb, const std::string& name,
                                               const std::string& etag) {
  ASSIGN_OR_RETURN(const int32_t number, NumberOf<List>(name));
  ASSIGN_OR_RETURN(auto found, tx.Find(List::Editions(), store::Key::Of(number)));
  if (!found.has_value()) return base::NotFound(List::Editions().name, name);
  const std::vector<base::Acted> acts = PreparersOf(found->row.edition());
  return Begin(call, List::Machine(), verb, std::move(found->row),
               {.roles = call.caller->roles, .etag = etag, .acts = acts});
}

// ---- Drafting

template <class List>
absl::StatusOr<EditionOf<List>> CreateEdition(store::Tx& tx, const rpc::Call& call,
                                              const EditionOf<List>& given) {
  RETURN_IF_ERROR(CheckNamed(given.title_kk(), given.title_ru(), "edition.title_ru"));
  ASSIGN_OR_RETURN(const int64_t number, tx.Next(List::Editions().name));
  typename List::EditionRow row;
  row.set_number(static_cast<int32_t>(number));
  EditionOf<List>& edition = *row.mutable_edition();
  edition = given;
  edition.set_name(List::Name(row.number()));
  edition.set_state(EditionOf<List>::DRAFT);
  edition.set_drafted_by(call.caller->subject);
  // Whoever drafts it prepares it, be it submitted by another.
  auto* act = row.mutable_life()->add_acts();
  act->set_duty(v1::Act::PREPARES);
  act->set_subject(call.caller->subject);
  tx.Cite(List::Drafting());
  RETURN_IF_ERROR(tx.Put(List::Editions(), &row));
  return edition;
}

template <class List, class Request>
absl::StatusOr<EditionOf<List>> UpdateEdition(store::Tx& tx, const norms::Norms& norms,
                                              const rpc::Call& call, const Request& request) {
  const EditionOf<List>& given = request.edition();
  ASSIGN_OR_RETURN(auto step,
                   BeginEdition<List>(tx, call, EditionVerb::kEdit, given.name(), given.etag()));
  EditionOf<List>& edition = *step.row.mutable_edition();
  RETURN_IF_ERROR(rpc::ApplyUpdate(given, request.update_mask(), &edition, &call));
  RETURN_IF_ERROR(CheckNamed(edition.title_kk(), edition.title_ru(), "edition.title_ru"));
  RETURN_IF_ERROR(Finish(tx, norms, List::Editions(), &step));
  return edition;
}

// Of a command that writes in the entries of an edition: EDITION_FROZEN and the like, and whoever
// writes has prepared it from now on.
template <class List>
absl::Status WriteIn(store::Tx& tx, const norms::Norms& norms, const rpc::Call& call,
                     int32_t edition) {
  ASSIGN_OR_RETURN(auto step,
                   BeginEdition<List>(tx, call, EditionVerb::kEdit, List::Name(edition), ""));
  return FinishBeside(tx, norms, List::Editions(), &step);
}

// ---- What becomes of it: the ends of steps that BeginEdition began

template <class List>
absl::StatusOr<EditionOf<List>> FinishSubmission(store::Tx& tx, const norms::Norms& norms,
                                                 int32_t entry_count, EditionStep<List>* step) {
  EditionOf<List>& edition = *step->row.mutable_edition();
  edition.set_entry_count(entry_count);
  edition.set_submitted_by(step->subject);
  // It waits for a decision again: who returned it before and why is for the journal to tell.
  edition.clear_decided_by();
  edition.clear_reason();
  RETURN_IF_ERROR(Finish(tx, norms, List::Editions(), step));
  return edition;
}

template <class List>
absl::StatusOr<EditionOf<List>> FinishWithdrawal(store::Tx& tx, const norms::Norms& norms,
                                                 const std::string& reason,
                                                 EditionStep<List>* step) {
  EditionOf<List>& edition = *step->row.mutable_edition();
  edition.set_decided_by(step->subject);
  edition.set_reason(reason);
  RETURN_IF_ERROR(Finish(tx, norms, List::Editions(), step));
  return edition;
}

// What it held when it was submitted is not told of one that is written on.
template <class List>
absl::StatusOr<EditionOf<List>> FinishReturn(store::Tx& tx, const norms::Norms& norms,
                                             const std::string& reason, EditionStep<List>* step) {
  step->row.mutable_edition()->set_entry_count(0);
  return FinishWithdrawal<List>(tx, norms, reason, step);
}

// The edition turns IN_FORCE as of its day, and the one before SUPERSEDED.
template <class List>
absl::Status PutInForce(store::Tx& tx, base::Date day, typename List::EditionRow row) {
  using Edition = EditionOf<List>;
  ASSIGN_OR_RETURN(auto before, AllOf(tx, List::ByState(),
                                      store::Key::Of(static_cast<int64_t>(Edition::IN_FORCE))));
  for (auto& one : before) {
    ASSIGN_OR_RETURN(const auto next,
                     List::Machine().NextByItself(one.edition().state(), EditionVerb::kSupersede));
    one.mutable_edition()->set_state(next);
    *one.mutable_edition()->mutable_effective_until() = row.edition().effective_from();
    RETURN_IF_ERROR(tx.Put(List::Editions(), &one, day));
  }
  ASSIGN_OR_RETURN(const auto next,
                   List::Machine().NextByItself(row.edition().state(), EditionVerb::kTakeEffect));
  row.mutable_edition()->set_state(next);
  tx.Cite(List::Basis());
  return tx.Put(List::Editions(), &row, day);
}

// Every approved edition whose first day has come by `today`, in the order of days: also one whose
// timer failed when it was due, or it would supersede what came after it when it is tried again.
template <class List>
absl::Status PutDueInForce(store::Tx& tx, base::Date today) {
  using Edition = EditionOf<List>;
  ASSIGN_OR_RETURN(auto approved, AllOf(tx, List::ByState(),
                                        store::Key::Of(static_cast<int64_t>(Edition::APPROVED))));
  std::map<base::Date, typename List::EditionRow> due;
  for (auto& row : approved) {
    ASSIGN_OR_RETURN(const base::Date day, base::Date::FromProto(row.edition().effective_from()));
    if (day <= today) due.emplace(day, std::move(row));
  }
  for (auto& [day, row] : due) RETURN_IF_ERROR(PutInForce<List>(tx, day, std::move(row)));
  return absl::OkStatus();
}

// The timer of List::kTakeEffectTimer; its payload, the edition's number, is for whoever reads it.
template <class List>
absl::Status TakeEffect(store::Tx& tx, absl::string_view /*payload*/, absl::Time due) {
  return PutDueInForce<List>(tx, base::Date::LegalDay(due));
}

// Of a request to approve: with order_date and effective_from.
template <class Request>
absl::StatusOr<EditionOrder> OrderOf(const store::Tx& tx, const rpc::Call& call,
                                     const Request& request) {
  EditionOrder order;
  order.approver = call.caller->subject;
  order.etag = tx.etag();
  ASSIGN_OR_RETURN(order.date, base::Date::FromProto(request.order_date()));
  ASSIGN_OR_RETURN(order.effective_from, base::Date::FromProto(request.effective_from()));
  return order;
}

// The edition is approved by `decision`, in force at once where its first day has begun. DayTaken.
template <class List, class Request>
absl::StatusOr<EditionOf<List>> FinishApproval(store::Tx& tx, const norms::Norms& norms,
                                               const Request& request, const EditionOrder& order,
                                               decision::v1::Decision decision,
                                               EditionStep<List>* step) {
  ASSIGN_OR_RETURN(const auto same_day,
                   tx.FindUnique(List::ByEffectiveDay(), store::Key::Of(order.effective_from)));
  if (same_day.has_value()) {
    return List::DayTaken(order.effective_from, same_day->row.edition().name());
  }
  EditionOf<List>& edition = *step->row.mutable_edition();
  SetDecideTime(tx, &decision);
  *edition.mutable_decision() = std::move(decision);
  edition.set_order_number(request.order_number());
  *edition.mutable_order_date() = request.order_date();
  *edition.mutable_effective_from() = request.effective_from();
  edition.set_decided_by(order.approver);
  RETURN_IF_ERROR(Finish(tx, norms, List::Editions(), step));
  const int32_t number = step->row.number();
  if (order.effective_from > tx.today()) {
    tx.Schedule(order.effective_from.StartOfDay(), List::kTakeEffectTimer, absl::StrCat(number));
  } else {
    RETURN_IF_ERROR(PutDueInForce<List>(tx, tx.today()));
  }
  ASSIGN_OR_RETURN(auto stored, Need(tx, List::Editions(), store::Key::Of(number)));
  return std::move(*stored.mutable_edition());
}

// ---- Reading

// The first days of the editions that are published by what `at` knows.
template <class List>
absl::StatusOr<std::set<base::Date>> FirstDays(const store::Reader& reader, const store::At& at) {
  std::set<base::Date> days;
  RETURN_IF_ERROR(reader.Scan(
      List::ByEffectiveDay(), {}, at,
      [&](const store::RowView& view, absl::string_view) -> absl::StatusOr<bool> {
        ASSIGN_OR_RETURN(const auto stored, store::Reader::Parse<typename List::EditionRow>(view));
        ASSIGN_OR_RETURN(const base::Date day,
                         base::Date::FromProto(stored.row.edition().effective_from()));
        days.insert(day);
        return true;
      }));
  return days;
}

// The editions as they stand on the day that is asked about, of those that are `visible`, which is
// asked of each as it is stored; empty: all are.
template <class List, class Response, class Request>
absl::StatusOr<rpc::Encoded<Response>> ListEditions(
    const store::Store& store, const rpc::Call& call, const Request& request,
    const std::function<bool(const EditionOf<List>&)>& visible) {
  using Edition = EditionOf<List>;
  ASSIGN_OR_RETURN(rpc::ListPlan plan, rpc::PlanList(List::Editions(), request, call));
  const std::optional<base::Date> day = plan.at.as_of;
  std::set<base::Date> first_days;
  if (day.has_value()) {
    plan.prepare = [&](const store::Reader& reader, const store::At& at) -> absl::Status {
      ASSIGN_OR_RETURN(first_days, FirstDays<List>(reader, at));
      return absl::OkStatus();
    };
  } else {
    // Of the stored state: what a coming day brings by itself is stored on that day only.
    plan.indexes = {{"state", &List::ByState(), rpc::EnumKey<typename Edition::State>}};
  }
  if (visible || day.has_value()) {
    plan.show = [&](google::protobuf::Message* resource) {
      Edition& edition = static_cast<Edition&>(*resource);
      if (visible && !visible(edition)) return rpc::Shown::kNo;
      if (!day.has_value()) return rpc::Shown::kAsStored;
      ShowOn(*day, first_days, &edition);
      return rpc::Shown::kChanged;
    };
  }
  return rpc::ListAs<Response>(store, plan);
}

}  // namespace nisi::cases
