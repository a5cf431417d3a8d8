// Editions of the list: the life that common/cases/editions.h tells, by the authorized body for
// foreign trade alone.
#include <set>

#include "common/base/roles.h"
#include "common/cases/editions.h"
#include "common/cases/findings.h"
#include "common/cases/refusals.h"
#include "services/export_refunds/errors.h"
#include "services/export_refunds/rpcs.h"

namespace nisi::export_refunds {
namespace {

bool EditionVisible(const google::protobuf::Message& resource, uint32_t roles) {
  return SeesDrafts(roles) || IsPublished(static_cast<const Edition&>(resource).state());
}

template <class Request>
absl::StatusOr<cases::EditionStep<PromotedList>> Begin(const store::Tx& tx, const Call& call,
                                                       ListVerb verb, const Request& request) {
  return cases::BeginEdition<PromotedList>(tx, call, verb, request.name(), request.etag());
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

}  // namespace

absl::StatusOr<int32_t> EditionNumber(const std::string& name) {
  return cases::NumberOf<PromotedList>(name);
}

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

absl::StatusOr<bool> EditionIsShown(const store::Reader& reader,
                                    const google::protobuf::Message& version, uint32_t roles) {
  if (!EditionVisible(version, roles)) return false;
  if (SeesDrafts(roles)) return true;
  ASSIGN_OR_RETURN(const int32_t number,
                   EditionNumber(static_cast<const Edition&>(version).name()));
  ASSIGN_OR_RETURN(const auto found, reader.Find(kLists, store::Key::Of(number)));
  return found.has_value() && EditionVisible(found->row.edition(), roles);
}

// It is written in a draft alone, and the past of a draft stays closed.
absl::StatusOr<bool> EntryIsShown(const store::Reader& /*reader*/,
                                  const google::protobuf::Message& /*version*/, uint32_t roles) {
  return SeesDrafts(roles);
}

absl::StatusOr<v1::Edition> CreateEdition(Env& /*env*/, const Call& call, store::Tx& tx,
                                          const v1::CreateEditionRequest& request) {
  return cases::CreateEdition<PromotedList>(tx, call, request.edition());
}

absl::StatusOr<v1::Edition> UpdateEdition(Env& env, const Call& call, store::Tx& tx,
                                          const v1::UpdateEditionRequest& request) {
  return cases::UpdateEdition<PromotedList>(tx, *env.norms, call, request);
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
    ASSIGN_OR_RETURN(const std::set<base::Date> first_days,
                     cases::FirstDays<PromotedList>(view, at));
    cases::ShowOn(*at.as_of, first_days, &edition);
  }
  return Encoded<Edition>{edition.SerializeAsString()};
}

absl::StatusOr<Encoded<v1::ListEditionsResponse>> ListEditions(
    Env& env, Call& call, const v1::ListEditionsRequest& request) {
  return cases::ListEditions<PromotedList, v1::ListEditionsResponse>(
      *env.store, call, request, [&](const Edition& edition) {
        uint32_t roles = 0;
        return rpc::MaySee(call, rpc::TiesOf<Edition>(), edition, EditionVisible, &roles);
      });
}

absl::StatusOr<v1::Edition> SubmitEdition(Env& env, const Call& call, store::Tx& tx,
                                          const v1::SubmitEditionRequest& request) {
  ASSIGN_OR_RETURN(auto step, Begin(tx, call, ListVerb::kSubmit, request));
  ASSIGN_OR_RETURN(const int32_t count, CountEntries(tx, step.row.number()));
  if (count == 0) return cases::EditionEmpty(errors::List());
  return cases::FinishSubmission<PromotedList>(tx, *env.norms, count, &step);
}

absl::StatusOr<v1::Edition> ReturnEdition(Env& env, const Call& call, store::Tx& tx,
                                          const v1::ReturnEditionRequest& request) {
  ASSIGN_OR_RETURN(auto step, Begin(tx, call, ListVerb::kReturn, request));
  return cases::FinishReturn<PromotedList>(tx, *env.norms, request.reason(), &step);
}

absl::StatusOr<v1::Edition> WithdrawEdition(Env& env, const Call& call, store::Tx& tx,
                                            const v1::WithdrawEditionRequest& request) {
  ASSIGN_OR_RETURN(auto step, Begin(tx, call, ListVerb::kWithdraw, request));
  return cases::FinishWithdrawal<PromotedList>(tx, *env.norms, request.reason(), &step);
}

absl::StatusOr<v1::Edition> ApproveEdition(Env& env, const Call& call, store::Tx& tx,
                                           const v1::ApproveEditionRequest& request) {
  ASSIGN_OR_RETURN(const cases::EditionOrder order, cases::OrderOf(tx, call, request));
  ASSIGN_OR_RETURN(auto step, Begin(tx, call, ListVerb::kApprove, request));
  ASSIGN_OR_RETURN(Decision decision,
                   ApproveList(step.row.edition(), order, tx.today(), *env.norms));
  return cases::FinishApproval<PromotedList>(tx, *env.norms, request, order, std::move(decision),
                                             &step);
}

absl::StatusOr<v1::ReplayEditionResponse> ReplayEdition(Env& env, Call&,
                                                        const v1::ReplayEditionRequest& request) {
  ASSIGN_OR_RETURN(const int32_t number, EditionNumber(request.name()));
  const store::View view = env.store->Read();
  ASSIGN_OR_RETURN(const auto found, view.Find(kLists, store::Key::Of(number)));
  if (!found.has_value()) return base::NotFound(kLists.name, request.name());
  if (!found->row.edition().has_decision()) return cases::DecisionMissing(errors::Rules());
  return cases::ReplayAnswer<v1::ReplayEditionResponse>(found->row.edition().decision(),
                                                        ReplayList);
}

}  // namespace nisi::export_refunds
