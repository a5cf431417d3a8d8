// Editions of the list: the same life as those of priority goods, by the authorized body for
// foreign trade alone.
#include <map>
#include <optional>
#include <set>

#include "absl/strings/str_cat.h"
#include "common/base/roles.h"
#include "common/cases/beside.h"
#include "common/cases/findings.h"
#include "services/export_refunds/errors.h"
#include "services/export_refunds/rpcs.h"

namespace nisi::export_refunds {
namespace {

bool EditionVisible(const google::protobuf::Message& resource, uint32_t roles) {
  return SeesDrafts(roles) || IsPublished(static_cast<const Edition&>(resource).state());
}

absl::StatusOr<int32_t> EditionNumber(const std::string& name) {
  return rpc::NumberIn(name, "lists/*", 0);
}

absl::StatusOr<int32_t> CountEntries(const store::Tx& tx, int32_t edition) {
  int32_t count = 0;
  RETURN_IF_ERROR(tx.Scan(kEntries, {store::Key::Of(edition), ""}, {},
                          [&](const store::RowView&, absl::string_view) -> absl::StatusOr<bool> {
                            ++count;
                            return true;
                          }));
  return count;
}

absl::StatusOr<std::vector<EditionRow>> EditionsIn(const store::Reader& reader,
                                                   Edition::State state) {
  return cases::AllOf(reader, kListsByState, store::Key::Of(static_cast<int64_t>(state)));
}

// The edition turns IN_FORCE as of its day, and the one before SUPERSEDED.
absl::Status PutInForce(store::Tx& tx, base::Date day, EditionRow row) {
  ASSIGN_OR_RETURN(std::vector<EditionRow> before, EditionsIn(tx, Edition::IN_FORCE));
  for (EditionRow& one : before) {
    ASSIGN_OR_RETURN(const auto next,
                     ListMachine().NextByItself(one.edition().state(), ListVerb::kSupersede));
    one.mutable_edition()->set_state(next);
    *one.mutable_edition()->mutable_effective_until() = row.edition().effective_from();
    RETURN_IF_ERROR(tx.Put(kLists, &one, day));
  }
  ASSIGN_OR_RETURN(const auto next,
                   ListMachine().NextByItself(row.edition().state(), ListVerb::kTakeEffect));
  row.mutable_edition()->set_state(next);
  tx.Cite(errors::List());
  return tx.Put(kLists, &row, day);
}

// Every approved edition whose first day has come by `today`, in the order of days.
absl::Status PutDueInForce(store::Tx& tx, base::Date today) {
  ASSIGN_OR_RETURN(std::vector<EditionRow> approved, EditionsIn(tx, Edition::APPROVED));
  std::map<base::Date, EditionRow> due;
  for (EditionRow& row : approved) {
    ASSIGN_OR_RETURN(const base::Date day, base::Date::FromProto(row.edition().effective_from()));
    if (day <= today) due.emplace(day, std::move(row));
  }
  for (auto& [day, row] : due) RETURN_IF_ERROR(PutInForce(tx, day, std::move(row)));
  return absl::OkStatus();
}

// The first days of the editions that are published by what `at` knows.
absl::StatusOr<std::set<base::Date>> FirstDays(const store::Reader& view, const store::At& at) {
  std::set<base::Date> days;
  RETURN_IF_ERROR(
      view.Scan(kListsByEffectiveDay, {}, at,
                [&](const store::RowView& row, absl::string_view) -> absl::StatusOr<bool> {
                  ASSIGN_OR_RETURN(const auto stored, store::Reader::Parse<EditionRow>(row));
                  ASSIGN_OR_RETURN(const base::Date day,
                                   base::Date::FromProto(stored.row.edition().effective_from()));
                  days.insert(day);
                  return true;
                }));
  return days;
}

absl::Status CheckTitle(const Edition& edition) {
  return CheckNamed(edition.title_kk(), edition.title_ru(), "edition.title_ru");
}

}  // namespace

bool SeesDrafts(uint32_t roles) {
  return (roles & (base::RoleBit(rpc::v1::AUTHORITY_TRADE) |
                   base::RoleBit(rpc::v1::INSTITUTE_EXPORT) | base::RoleBit(rpc::v1::AUDITOR))) !=
         0;
}

absl::Status CheckListReadable(const Env& env, const Call& call, const std::string& name,
                               const store::At& at) {
  ASSIGN_OR_RETURN(const int32_t number, EditionNumber(name));
  const store::View view = env.store->Read(call.reach);
  const store::Key key = store::Key::Of(number);
  // What was given up is not public any longer, nor is the past of what is published.
  RETURN_IF_ERROR(rpc::FindFor(view, call, kLists, key, name, EditionVisible).status());
  if (!at.as_of.has_value() && !at.known_at_us.has_value()) return absl::OkStatus();
  return rpc::FindFor(view, call, kLists, key, name, EditionVisible, at).status();
}

absl::StatusOr<cases::Step<EditionRow>> BeginEdition(const store::Tx& tx, const Call& call,
                                                     ListVerb verb, const std::string& name,
                                                     const std::string& etag) {
  ASSIGN_OR_RETURN(const int32_t number, EditionNumber(name));
  ASSIGN_OR_RETURN(auto found, tx.Find(kLists, store::Key::Of(number)));
  if (!found.has_value()) return base::NotFound(kLists.name, name);
  return cases::Begin(call, ListMachine(), verb, std::move(found->row),
                      {.roles = call.caller->roles, .etag = etag});
}

absl::Status WriteIn(const Env& env, store::Tx& tx, const Call& call, int32_t edition) {
  ASSIGN_OR_RETURN(auto step, BeginEdition(tx, call, ListVerb::kEdit, EditionName(edition), ""));
  return cases::FinishBeside(tx, *env.norms, kLists, &step);
}

absl::StatusOr<v1::Edition> CreateEdition(Env& /*env*/, const Call& call, store::Tx& tx,
                                          const v1::CreateEditionRequest& request) {
  RETURN_IF_ERROR(CheckTitle(request.edition()));
  ASSIGN_OR_RETURN(const int64_t number, tx.Next("lists"));
  EditionRow row;
  row.set_number(static_cast<int32_t>(number));
  Edition& edition = *row.mutable_edition();
  edition = request.edition();
  edition.set_name(EditionName(row.number()));
  edition.set_state(Edition::DRAFT);
  edition.set_drafted_by(call.caller->subject);
  // Whoever drafts it prepares it, be it submitted by another.
  auto* act = row.mutable_life()->add_acts();
  act->set_duty(cases::v1::Act::PREPARES);
  act->set_subject(call.caller->subject);
  tx.Cite(errors::List());
  RETURN_IF_ERROR(tx.Put(kLists, &row));
  return row.edition();
}

absl::StatusOr<v1::Edition> UpdateEdition(Env& env, const Call& call, store::Tx& tx,
                                          const v1::UpdateEditionRequest& request) {
  ASSIGN_OR_RETURN(auto step, BeginEdition(tx, call, ListVerb::kEdit, request.edition().name(),
                                           request.edition().etag()));
  Edition& edition = *step.row.mutable_edition();
  RETURN_IF_ERROR(rpc::ApplyUpdate(request.edition(), request.update_mask(), &edition, &call));
  RETURN_IF_ERROR(CheckTitle(edition));
  RETURN_IF_ERROR(cases::Finish(tx, *env.norms, kLists, &step));
  return edition;
}

absl::StatusOr<Encoded<v1::Edition>> GetEdition(Env& env, Call& call,
                                                const v1::GetEditionRequest& request) {
  ASSIGN_OR_RETURN(const int32_t number, EditionNumber(request.name()));
  ASSIGN_OR_RETURN(const store::At at, rpc::AtOf(request));
  RETURN_IF_ERROR(CheckListReadable(env, call, request.name(), at));
  const store::View view = env.store->Read(call.reach);
  ASSIGN_OR_RETURN(auto found, view.Find(kLists, store::Key::Of(number), at));
  if (!found.has_value()) return rpc::Missing(call, kLists.name, request.name());
  Edition& edition = *found->row.mutable_edition();
  if (at.as_of.has_value()) {
    ASSIGN_OR_RETURN(const std::set<base::Date> first_days, FirstDays(view, at));
    ShowOn(*at.as_of, first_days, &edition);
  }
  return Encoded<Edition>{edition.SerializeAsString()};
}

absl::StatusOr<Encoded<v1::ListEditionsResponse>> ListEditions(
    Env& env, Call& call, const v1::ListEditionsRequest& request) {
  rpc::ListPlan plan;
  plan.table = &kLists;
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
    plan.indexes = {{"state", &kListsByState, rpc::EnumKey<Edition::State>}};
  }
  plan.show = [&](google::protobuf::Message* resource) {
    auto& edition = static_cast<Edition&>(*resource);
    uint32_t roles = 0;
    if (!rpc::MaySee(call, rpc::TiesOf<Edition>(), edition, EditionVisible, &roles)) {
      return rpc::Shown::kNo;
    }
    if (!day.has_value()) return rpc::Shown::kAsStored;
    ShowOn(*day, first_days, &edition);
    return rpc::Shown::kChanged;
  };
  ASSIGN_OR_RETURN(std::string page, rpc::ListPage(*env.store, plan));
  return Encoded<v1::ListEditionsResponse>{std::move(page)};
}

absl::StatusOr<v1::Edition> SubmitEdition(Env& env, const Call& call, store::Tx& tx,
                                          const v1::SubmitEditionRequest& request) {
  ASSIGN_OR_RETURN(auto step,
                   BeginEdition(tx, call, ListVerb::kSubmit, request.name(), request.etag()));
  ASSIGN_OR_RETURN(const int32_t count, CountEntries(tx, step.row.number()));
  if (count == 0) return errors::EditionEmpty();
  Edition& edition = *step.row.mutable_edition();
  edition.set_entry_count(count);
  edition.set_submitted_by(step.subject);
  // It waits for a decision again: who returned it before and why is for the journal to tell.
  edition.clear_decided_by();
  edition.clear_reason();
  RETURN_IF_ERROR(cases::Finish(tx, *env.norms, kLists, &step));
  return edition;
}

absl::StatusOr<v1::Edition> ReturnEdition(Env& env, const Call& call, store::Tx& tx,
                                          const v1::ReturnEditionRequest& request) {
  ASSIGN_OR_RETURN(auto step,
                   BeginEdition(tx, call, ListVerb::kReturn, request.name(), request.etag()));
  Edition& edition = *step.row.mutable_edition();
  edition.set_decided_by(step.subject);
  edition.set_reason(request.reason());
  edition.set_entry_count(0);
  RETURN_IF_ERROR(cases::Finish(tx, *env.norms, kLists, &step));
  return edition;
}

absl::StatusOr<v1::Edition> WithdrawEdition(Env& env, const Call& call, store::Tx& tx,
                                            const v1::WithdrawEditionRequest& request) {
  ASSIGN_OR_RETURN(auto step,
                   BeginEdition(tx, call, ListVerb::kWithdraw, request.name(), request.etag()));
  Edition& edition = *step.row.mutable_edition();
  edition.set_decided_by(step.subject);
  edition.set_reason(request.reason());
  RETURN_IF_ERROR(cases::Finish(tx, *env.norms, kLists, &step));
  return edition;
}

absl::StatusOr<v1::Edition> ApproveEdition(Env& env, const Call& call, store::Tx& tx,
                                           const v1::ApproveEditionRequest& request) {
  ListOrder order;
  order.approver = call.caller->subject;
  order.etag = tx.etag();
  ASSIGN_OR_RETURN(order.date, base::Date::FromProto(request.order_date()));
  ASSIGN_OR_RETURN(order.effective_from, base::Date::FromProto(request.effective_from()));
  ASSIGN_OR_RETURN(auto step,
                   BeginEdition(tx, call, ListVerb::kApprove, request.name(), request.etag()));
  Edition& edition = *step.row.mutable_edition();
  ASSIGN_OR_RETURN(Decision decision, ApproveList(edition, order, tx.today(), *env.norms));
  ASSIGN_OR_RETURN(const auto same_day,
                   tx.FindUnique(kListsByEffectiveDay, store::Key::Of(order.effective_from)));
  if (same_day.has_value()) {
    return errors::EffectiveDayTaken(order.effective_from, same_day->row.edition().name());
  }
  SetDecideTime(tx, &decision);
  *edition.mutable_decision() = std::move(decision);
  edition.set_order_number(request.order_number());
  *edition.mutable_order_date() = request.order_date();
  *edition.mutable_effective_from() = request.effective_from();
  edition.set_decided_by(order.approver);
  RETURN_IF_ERROR(cases::Finish(tx, *env.norms, kLists, &step));
  // Its first day may be today, which has begun: then it acts at once.
  if (order.effective_from > tx.today()) {
    tx.Schedule(order.effective_from.StartOfDay(), kTakeEffectTimer,
                absl::StrCat(step.row.number()));
  } else {
    RETURN_IF_ERROR(PutDueInForce(tx, tx.today()));
  }
  ASSIGN_OR_RETURN(const auto stored, tx.Find(kLists, store::Key::Of(step.row.number())));
  return stored->row.edition();
}

absl::Status TakeEffect(store::Tx& tx, absl::string_view /*payload*/, absl::Time due) {
  return PutDueInForce(tx, base::Date::LegalDay(due));
}

absl::StatusOr<v1::ReplayEditionResponse> ReplayEdition(Env& env, Call&,
                                                        const v1::ReplayEditionRequest& request) {
  ASSIGN_OR_RETURN(const int32_t number, EditionNumber(request.name()));
  const store::View view = env.store->Read();
  ASSIGN_OR_RETURN(const auto found, view.Find(kLists, store::Key::Of(number)));
  if (!found.has_value()) return base::NotFound(kLists.name, request.name());
  if (!found->row.edition().has_decision()) return errors::DecisionMissing();
  return cases::ReplayAnswer<v1::ReplayEditionResponse>(found->row.edition().decision(),
                                                        ReplayList);
}

}  // namespace nisi::export_refunds
