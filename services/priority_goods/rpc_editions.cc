#include <map>
#include <set>

#include "absl/strings/str_cat.h"
#include "common/rpc/resource.h"
#include "common/store/merkle.h"
#include "services/priority_goods/errors.h"
#include "services/priority_goods/levels.h"
#include "services/priority_goods/rpcs.h"
#include "services/priority_goods/rules.h"

namespace nisi::priority_goods {
namespace {

absl::Status CheckTitle(const Edition& edition) {
  return edition.title_kk().empty() && edition.title_ru().empty()
             ? errors::NameMissing("edition.title_ru")
             : absl::OkStatus();
}

// The tree over the entries of an edition, in order of code: how many they are and what they say.
absl::StatusOr<store::Frontier> EntriesOf(const store::Tx& tx, int32_t edition) {
  store::Frontier tree;
  std::vector<store::Node> completed;  // not kept: the root needs the edge alone
  RETURN_IF_ERROR(
      tx.Scan(kEntries, {store::Key::Of(edition), ""}, {},
              [&](const store::RowView& view, absl::string_view) -> absl::StatusOr<bool> {
                ASSIGN_OR_RETURN(const store::ResourceView row, store::SplitRow(view.row));
                completed.clear();
                tree.Append(store::LeafHash(row.resource), &completed);
                return true;
              }));
  return tree;
}

// The edition turns IN_FORCE as of its day, and the one before SUPERSEDED.
absl::Status PutInForce(store::Tx& tx, base::Date day, EditionRow row) {
  std::optional<EditionRow> before;
  RETURN_IF_ERROR(
      tx.Scan(kEditionsByState, {store::Key::Of(static_cast<int64_t>(Edition::IN_FORCE)), ""}, {},
              [&](const store::RowView& view, absl::string_view) -> absl::StatusOr<bool> {
                ASSIGN_OR_RETURN(auto stored, store::Reader::Parse<EditionRow>(view));
                before = std::move(stored.row);
                return false;
              }));
  if (before.has_value()) {
    ASSIGN_OR_RETURN(const auto next,
                     EditionMachine().NextByItself(before->edition().state(), Verb::kSupersede));
    before->mutable_edition()->set_state(next);
    *before->mutable_edition()->mutable_effective_until() = row.edition().effective_from();
    RETURN_IF_ERROR(tx.Put(kEditions, &*before, day));
  }
  ASSIGN_OR_RETURN(const auto next,
                   EditionMachine().NextByItself(row.edition().state(), Verb::kTakeEffect));
  row.mutable_edition()->set_state(next);
  tx.Cite(errors::ListOfPriorityGoods());
  return tx.Put(kEditions, &row, day);
}

// Every approved edition whose first day has come by `today`, in the order of days: also one whose
// timer failed when it was due, or it would supersede what came after it when it is tried again.
absl::Status PutDueInForce(store::Tx& tx, base::Date today) {
  std::map<base::Date, EditionRow> due;
  RETURN_IF_ERROR(
      tx.Scan(kEditionsByState, {store::Key::Of(static_cast<int64_t>(Edition::APPROVED)), ""}, {},
              [&](const store::RowView& view, absl::string_view) -> absl::StatusOr<bool> {
                ASSIGN_OR_RETURN(auto stored, store::Reader::Parse<EditionRow>(view));
                ASSIGN_OR_RETURN(const base::Date day,
                                 base::Date::FromProto(stored.row.edition().effective_from()));
                if (day <= today) due.emplace(day, std::move(stored.row));
                return true;
              }));
  for (auto& [day, row] : due) RETURN_IF_ERROR(PutInForce(tx, day, std::move(row)));
  return absl::OkStatus();
}

// Whether the public sees the edition in a list: published as it is shown and, as GetEdition has
// it, not withdrawn since.
bool IsPublic(const Calendar& calendar, const Edition& edition) {
  const auto number = EditionNumber(edition.name());
  return IsPublished(edition.state()) && number.ok() && calendar.Find(*number) != nullptr;
}

// The first days of the editions that are published by what `at` knows.
absl::StatusOr<std::set<base::Date>> FirstDays(const store::Reader& view, const store::At& at) {
  std::set<base::Date> days;
  RETURN_IF_ERROR(
      view.Scan(kEditionsByEffectiveDay, {}, at,
                [&](const store::RowView& row, absl::string_view) -> absl::StatusOr<bool> {
                  ASSIGN_OR_RETURN(const auto stored, store::Reader::Parse<EditionRow>(row));
                  ASSIGN_OR_RETURN(const base::Date day,
                                   base::Date::FromProto(stored.row.edition().effective_from()));
                  days.insert(day);
                  return true;
                }));
  return days;
}

}  // namespace

absl::StatusOr<v1::Edition> CreateEdition(Env& /*env*/, const Call& call, store::Tx& tx,
                                          const v1::CreateEditionRequest& request) {
  RETURN_IF_ERROR(CheckTitle(request.edition()));
  ASSIGN_OR_RETURN(const int64_t number, tx.Next("editions"));
  EditionRow row;
  row.set_number(static_cast<int32_t>(number));
  *row.mutable_edition() = request.edition();
  row.mutable_edition()->set_name(EditionName(row.number()));
  row.mutable_edition()->set_state(Edition::DRAFT);
  row.mutable_edition()->set_drafted_by(call.caller->subject);
  auto* act = row.mutable_life()->add_acts();
  act->set_duty(cases::v1::Act::PREPARES);
  act->set_subject(call.caller->subject);
  tx.Cite(errors::Drafting());
  RETURN_IF_ERROR(tx.Put(kEditions, &row));
  return row.edition();
}

absl::StatusOr<v1::Edition> UpdateEdition(Env& env, const Call& call, store::Tx& tx,
                                          const v1::UpdateEditionRequest& request) {
  ASSIGN_OR_RETURN(auto step, BeginStep(tx, call, request.edition().name(),
                                        request.edition().etag(), Verb::kEdit));
  Edition& edition = *step.row.mutable_edition();
  RETURN_IF_ERROR(rpc::ApplyUpdate(request.edition(), request.update_mask(), &edition, &call));
  RETURN_IF_ERROR(CheckTitle(edition));
  RETURN_IF_ERROR(cases::Finish(tx, *env.norms, kEditions, &step));
  return edition;
}

absl::StatusOr<Encoded<v1::Edition>> GetEdition(Env& env, Call& call,
                                                const v1::GetEditionRequest& request) {
  ASSIGN_OR_RETURN(const int32_t number, EditionNumber(request.name()));
  RETURN_IF_ERROR(CheckReadable(env, call, number));
  ASSIGN_OR_RETURN(const store::At at, rpc::AtOf(request));
  if (at.as_of.has_value() && call.reach == store::Reach::kMemory) return store::NotInMemory();
  const store::View view = env.store->Read(call.reach);
  ASSIGN_OR_RETURN(auto found, view.Find(kEditions, store::Key::Of(number), at));
  if (!found.has_value()) return base::NotFound("editions", request.name());
  // Its past as a draft is not public either.
  if (!IsInsider(*call.caller) && !IsPublished(found->row.edition().state()))
    return base::AccessDenied();
  if (at.as_of.has_value()) {
    ASSIGN_OR_RETURN(const std::set<base::Date> first_days, FirstDays(view, at));
    ShowOn(*at.as_of, first_days, found->row.mutable_edition());
  }
  return Encoded<Edition>{found->row.edition().SerializeAsString()};
}

absl::StatusOr<Encoded<v1::ListEditionsResponse>> ListEditions(
    Env& env, Call& call, const v1::ListEditionsRequest& request) {
  rpc::ListPlan plan;
  plan.table = &kEditions;
  ASSIGN_OR_RETURN(plan.at, rpc::AtOf(request));
  rpc::PlanPage(request, call, &plan);
  const std::optional<base::Date> day = plan.at.as_of;
  std::set<base::Date> first_days;
  if (day.has_value()) {
    plan.prepare = [&](const store::Reader& reader, const store::At& at) -> absl::Status {
      ASSIGN_OR_RETURN(first_days, FirstDays(reader, at));
      return absl::OkStatus();
    };
  } else {
    // Of the stored state: what a coming day brings by itself is stored on that day only.
    plan.indexes = {
        {"state", &kEditionsByState, [](const std::string& value) -> std::optional<store::Key> {
           Edition::State state = Edition::STATE_UNSPECIFIED;
           if (!Edition::State_Parse(value, &state)) return std::nullopt;
           return store::Key::Of(static_cast<int64_t>(state));
         }}};
  }
  const bool insider = IsInsider(*call.caller);
  std::shared_ptr<const Calendar> calendar;
  if (!insider) {
    ASSIGN_OR_RETURN(calendar, env.catalog->Current());
  }
  if (!insider || day.has_value()) {
    plan.show = [&](google::protobuf::Message* resource) {
      Edition& edition = static_cast<Edition&>(*resource);
      if (!insider && !IsPublic(*calendar, edition)) return rpc::Shown::kNo;
      if (!day.has_value()) return rpc::Shown::kAsStored;
      ShowOn(*day, first_days, &edition);
      return rpc::Shown::kChanged;
    };
  }
  ASSIGN_OR_RETURN(std::string page, rpc::ListPage(*env.store, plan));
  return Encoded<v1::ListEditionsResponse>{std::move(page)};
}

absl::StatusOr<v1::Edition> SubmitEdition(Env& env, const Call& call, store::Tx& tx,
                                          const v1::SubmitEditionRequest& request) {
  ASSIGN_OR_RETURN(auto step, BeginStep(tx, call, request.name(), request.etag(), Verb::kSubmit));
  ASSIGN_OR_RETURN(const store::Frontier entries, EntriesOf(tx, step.row.number()));
  if (entries.size() == 0) return errors::EditionEmpty();
  // What was assessed, or assessed otherwise, since the entries were written.
  ASSIGN_OR_RETURN(const auto levels, AssessedLevels(tx, step.row.number()));
  RETURN_IF_ERROR(CheckAssessed(levels));
  Edition& edition = *step.row.mutable_edition();
  edition.set_entry_count(static_cast<int32_t>(entries.size()));
  edition.set_entries_root(store::ToBytes(entries.root()));
  edition.set_submitted_by(step.subject);
  // It waits for a decision again: who returned it before and why is for the journal to tell.
  edition.clear_decided_by();
  edition.clear_reason();
  RETURN_IF_ERROR(cases::Finish(tx, *env.norms, kEditions, &step));
  return edition;
}

absl::StatusOr<v1::Edition> ReturnEdition(Env& env, const Call& call, store::Tx& tx,
                                          const v1::ReturnEditionRequest& request) {
  ASSIGN_OR_RETURN(auto step, BeginStep(tx, call, request.name(), request.etag(), Verb::kReturn));
  Edition& edition = *step.row.mutable_edition();
  edition.set_decided_by(step.subject);
  edition.set_reason(request.reason());
  edition.set_entry_count(0);
  edition.clear_entries_root();
  RETURN_IF_ERROR(cases::Finish(tx, *env.norms, kEditions, &step));
  return edition;
}

absl::StatusOr<v1::Edition> WithdrawEdition(Env& env, const Call& call, store::Tx& tx,
                                            const v1::WithdrawEditionRequest& request) {
  ASSIGN_OR_RETURN(auto step, BeginStep(tx, call, request.name(), request.etag(), Verb::kWithdraw));
  Edition& edition = *step.row.mutable_edition();
  // In force from midnight, also where the timer that says so cannot act.
  const auto day = base::Date::FromProto(edition.effective_from());
  if (edition.state() == Edition::APPROVED && day.ok() && *day <= tx.today())
    return EditionMachine()
        .Ask(Edition::IN_FORCE, Verb::kWithdraw, {step.roles, step.subject, {}})
        .status();
  edition.set_decided_by(step.subject);
  edition.set_reason(request.reason());
  RETURN_IF_ERROR(cases::Finish(tx, *env.norms, kEditions, &step));
  return edition;
}

absl::StatusOr<v1::Edition> ApproveEdition(Env& env, const Call& call, store::Tx& tx,
                                           const v1::ApproveEditionRequest& request) {
  Order order;
  order.approver = call.caller->subject;
  order.etag = tx.etag();
  ASSIGN_OR_RETURN(order.date, base::Date::FromProto(request.order_date()));
  ASSIGN_OR_RETURN(order.effective_from, base::Date::FromProto(request.effective_from()));
  ASSIGN_OR_RETURN(auto step, BeginStep(tx, call, request.name(), request.etag(), Verb::kApprove));
  Edition& edition = *step.row.mutable_edition();
  ASSIGN_OR_RETURN(const auto levels, AssessedLevels(tx, step.row.number()));
  ASSIGN_OR_RETURN(*edition.mutable_decision(),
                   Approve(edition, order, tx.today(), *env.norms, levels));
  ASSIGN_OR_RETURN(const auto same_day,
                   tx.FindUnique(kEditionsByEffectiveDay, store::Key::Of(order.effective_from)));
  if (same_day.has_value())
    return errors::EffectiveDayTaken(order.effective_from, same_day->row.edition().name());
  edition.mutable_decision()->mutable_decide_time()->set_seconds(
      absl::ToUnixSeconds(tx.recorded()));
  edition.set_order_number(request.order_number());
  *edition.mutable_order_date() = request.order_date();
  *edition.mutable_effective_from() = request.effective_from();
  edition.set_decided_by(order.approver);
  RETURN_IF_ERROR(cases::Finish(tx, *env.norms, kEditions, &step));
  // Its first day may be today, which has begun: then it acts at once.
  if (order.effective_from > tx.today()) {
    tx.Schedule(order.effective_from.StartOfDay(), kTakeEffectTimer,
                absl::StrCat(step.row.number()));
  } else {
    RETURN_IF_ERROR(PutDueInForce(tx, tx.today()));
  }
  ASSIGN_OR_RETURN(const auto stored, tx.Find(kEditions, store::Key::Of(step.row.number())));
  return stored->row.edition();
}

absl::Status TakeEffect(store::Tx& tx, absl::string_view /*payload*/, absl::Time due) {
  return PutDueInForce(tx, base::Date::LegalDay(due));
}

}  // namespace nisi::priority_goods
