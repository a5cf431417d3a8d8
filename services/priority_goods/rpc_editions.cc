#include <set>

#include "common/cases/editions.h"
#include "common/cases/refusals.h"
#include "common/rpc/resource.h"
#include "common/store/merkle.h"
#include "services/priority_goods/errors.h"
#include "services/priority_goods/levels.h"
#include "services/priority_goods/rpcs.h"
#include "services/priority_goods/rules.h"

namespace nisi::priority_goods {
namespace {

template <class Request>
absl::StatusOr<cases::EditionStep<GoodsList>> Begin(const store::Tx& tx, const Call& call,
                                                    Verb verb, const Request& request) {
  return cases::BeginEdition<GoodsList>(tx, call, verb, request.name(), request.etag());
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

// Whether the public sees the edition in a list: published as it is shown and, as GetEdition has
// it, not withdrawn since.
bool IsPublic(const Calendar& calendar, const Edition& edition) {
  const auto number = EditionNumber(edition.name());
  return IsPublished(edition.state()) && number.ok() && calendar.Find(*number) != nullptr;
}

}  // namespace

absl::StatusOr<v1::Edition> CreateEdition(Env& /*env*/, const Call& call, store::Tx& tx,
                                          const v1::CreateEditionRequest& request) {
  return cases::CreateEdition<GoodsList>(tx, call, request.edition());
}

absl::StatusOr<v1::Edition> UpdateEdition(Env& env, const Call& call, store::Tx& tx,
                                          const v1::UpdateEditionRequest& request) {
  return cases::UpdateEdition<GoodsList>(tx, *env.norms, call, request);
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
    ASSIGN_OR_RETURN(const std::set<base::Date> first_days, cases::FirstDays<GoodsList>(view, at));
    cases::ShowOn(*at.as_of, first_days, found->row.mutable_edition());
  }
  return Encoded<Edition>{found->row.edition().SerializeAsString()};
}

absl::StatusOr<Encoded<v1::ListEditionsResponse>> ListEditions(
    Env& env, Call& call, const v1::ListEditionsRequest& request) {
  if (IsInsider(*call.caller)) {
    return cases::ListEditions<GoodsList, v1::ListEditionsResponse>(*env.store, call, request,
                                                                    nullptr);
  }
  ASSIGN_OR_RETURN(const auto calendar, env.catalog->Current());
  return cases::ListEditions<GoodsList, v1::ListEditionsResponse>(
      *env.store, call, request,
      [&](const Edition& edition) { return IsPublic(*calendar, edition); });
}

absl::StatusOr<v1::Edition> SubmitEdition(Env& env, const Call& call, store::Tx& tx,
                                          const v1::SubmitEditionRequest& request) {
  ASSIGN_OR_RETURN(auto step, Begin(tx, call, Verb::kSubmit, request));
  ASSIGN_OR_RETURN(const store::Frontier entries, EntriesOf(tx, step.row.number()));
  if (entries.size() == 0) return cases::EditionEmpty(errors::ListOfPriorityGoods());
  // What was assessed, or assessed otherwise, since the entries were written.
  ASSIGN_OR_RETURN(const auto levels, AssessedLevels(tx, step.row.number()));
  RETURN_IF_ERROR(CheckAssessed(levels));
  step.row.mutable_edition()->set_entries_root(store::ToBytes(entries.root()));
  return cases::FinishSubmission<GoodsList>(tx, *env.norms, static_cast<int32_t>(entries.size()),
                                            &step);
}

absl::StatusOr<v1::Edition> ReturnEdition(Env& env, const Call& call, store::Tx& tx,
                                          const v1::ReturnEditionRequest& request) {
  ASSIGN_OR_RETURN(auto step, Begin(tx, call, Verb::kReturn, request));
  step.row.mutable_edition()->clear_entries_root();
  return cases::FinishReturn<GoodsList>(tx, *env.norms, request.reason(), &step);
}

absl::StatusOr<v1::Edition> WithdrawEdition(Env& env, const Call& call, store::Tx& tx,
                                            const v1::WithdrawEditionRequest& request) {
  ASSIGN_OR_RETURN(auto step, Begin(tx, call, Verb::kWithdraw, request));
  const Edition& edition = step.row.edition();
  // In force from midnight, also where the timer that says so cannot act.
  const auto day = base::Date::FromProto(edition.effective_from());
  if (edition.state() == Edition::APPROVED && day.ok() && *day <= tx.today())
    return EditionMachine()
        .Ask(Edition::IN_FORCE, Verb::kWithdraw, {step.roles, step.subject, {}})
        .status();
  return cases::FinishWithdrawal<GoodsList>(tx, *env.norms, request.reason(), &step);
}

absl::StatusOr<v1::Edition> ApproveEdition(Env& env, const Call& call, store::Tx& tx,
                                           const v1::ApproveEditionRequest& request) {
  ASSIGN_OR_RETURN(const cases::EditionOrder order, cases::OrderOf(tx, call, request));
  ASSIGN_OR_RETURN(auto step, Begin(tx, call, Verb::kApprove, request));
  ASSIGN_OR_RETURN(const auto levels, AssessedLevels(tx, step.row.number()));
  ASSIGN_OR_RETURN(auto decision,
                   Approve(step.row.edition(), order, tx.today(), *env.norms, levels));
  return cases::FinishApproval<GoodsList>(tx, *env.norms, request, order, std::move(decision),
                                          &step);
}

}  // namespace nisi::priority_goods
