#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/base/hash.h"
#include "common/cases/refusals.h"
#include "common/cases/rows.h"
#include "common/cases/step.h"
#include "common/rpc/resource.h"
#include "google/protobuf/util/message_differencer.h"
#include "services/suppliers/errors.h"
#include "services/suppliers/offers.h"
#include "services/suppliers/rpcs.h"
#include "services/suppliers/rules_demand.h"
#include "services/suppliers/rules_evidence.h"

namespace nisi::suppliers {
namespace {

std::string EditionIn(const std::string& name) {
  return name.substr(name.find('/') + 1);
}

// What stands for the content of an edition: all of the request but how it was sent.
std::string DigestOf(v1::PublishDemandsRequest request) {
  request.clear_request_id();
  request.clear_validate_only();
  return base::Sha256Bytes(request.SerializeAsString());
}

absl::Status ScheduleEnd(store::Tx& tx, const DemandRow& row) {
  if (!row.demand().has_respond_until()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const base::Date last, base::Date::FromProto(row.demand().respond_until()));
  tx.Schedule(last.EndOfDay(), kCloseDemandTimer, absl::StrCat(row.number()));
  return absl::OkStatus();
}

absl::Status CheckRespondUntil(const Demand& demand, base::Date today) {
  if (!demand.has_respond_until()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const base::Date last, base::Date::FromProto(demand.respond_until()));
  return last >= today ? absl::OkStatus() : errors::RespondUntilPast("demand.respond_until");
}

// A step of a request for a subcontractor. NOT_FOUND, ACCESS_DENIED, DEMAND_OF_THE_LIST;
// VERSION_MISMATCH; what the machine refuses.
absl::StatusOr<cases::Step<DemandRow>> BeginDemand(const store::Tx& tx, const Call& call,
                                                   const std::string& name, const std::string& etag,
                                                   DemandVerb verb) {
  ASSIGN_OR_RETURN(const int64_t number, NumberOf(name, "demands/*"));
  ASSIGN_OR_RETURN(auto found, rpc::FindFor(tx, call, kDemands, store::Key::Of(number), name));
  if (found.row.demand().source() == Demand::LIST_OF_GOODS) return errors::DemandOfTheList();
  return cases::Begin(call, SubcontractingMachine(), verb, std::move(found.row),
                      {.roles = found.roles, .etag = etag});
}

absl::StatusOr<Demand> PutDemand(store::Tx& tx, Demand demand, const std::string& edition,
                                 Demand::Source source) {
  DemandRow row;
  ASSIGN_OR_RETURN(const int64_t number, tx.Next("demands"));
  row.set_number(number);
  row.set_edition(edition);
  *row.mutable_demand() = std::move(demand);
  row.mutable_demand()->set_name(DemandName(number));
  row.mutable_demand()->set_source(source);
  row.mutable_demand()->set_state(Demand::OPEN);
  RETURN_IF_ERROR(tx.Put(kDemands, &row));
  RETURN_IF_ERROR(ScheduleEnd(tx, row));
  return std::move(*row.mutable_demand());
}

// Whether one more may be open of whoever asks: they are in the list that everybody reads.
absl::Status CheckRoom(const store::Tx& tx, const std::string& customer_bin) {
  constexpr int64_t kMost = 1'000;
  ASSIGN_OR_RETURN(const int64_t open,
                   cases::CountIn(tx, kOpenRequests, store::Key::Of(customer_bin)));
  return open < kMost ? absl::OkStatus() : errors::DemandsTooMany(kMost);
}

std::optional<store::Key> PublicationKey(const std::string& value) {
  if (!absl::StartsWith(value, "publications/")) return std::nullopt;
  return store::Key::Of(EditionIn(value));
}

}  // namespace

absl::StatusOr<v1::Publication> PublishDemands(Env& env, const Call& call, store::Tx& tx,
                                               const v1::PublishDemandsRequest& request) {
  const std::string edition = EditionIn(request.name());
  const std::string digest = DigestOf(request);
  ASSIGN_OR_RETURN(auto found, tx.Find(kPublications, store::Key::Of(edition)));
  PublicationRow row;
  if (found.has_value()) row = std::move(found->row);
  ASSIGN_OR_RETURN(auto step, cases::Begin(call, PublicationMachine(), PublicationVerb::kPublish,
                                           std::move(row), {.roles = call.caller->roles}));
  Publication& publication = *step.row.mutable_publication();
  if (found.has_value()) {
    // Whatever its request id: contract planning delivers until it is confirmed.
    if (publication.sha256() != digest) return errors::PublicationDiffers();
    return publication;
  }
  ASSIGN_OR_RETURN(const base::Date ordered, base::Date::FromProto(request.order_date()));
  if (ordered > tx.today()) return cases::OrderDateInvalid(errors::Database());
  std::set<std::string> items;
  for (int i = 0; i < request.demands_size(); ++i) {
    const Demand& demand = request.demands(i);
    if (demand.item_id().empty()) return errors::ItemMissing(i);
    if (!items.insert(demand.item_id()).second) return errors::ItemTwice(i);
    RETURN_IF_ERROR(CheckQuantity(demand.quantity(), absl::StrCat("demands[", i, "].quantity")));
    Demand listed = demand;
    listed.set_publication(request.name());
    RETURN_IF_ERROR(PutDemand(tx, std::move(listed), edition, Demand::LIST_OF_GOODS).status());
  }
  step.row.set_edition(edition);
  publication.set_name(request.name());
  publication.set_cycle(request.cycle());
  publication.set_order_number(request.order_number());
  *publication.mutable_order_date() = request.order_date();
  publication.set_demand_count(request.demands_size());
  publication.set_sha256(digest);
  ASSIGN_OR_RETURN(const bool late, IsLate(*env.norms, request.cycle(), tx.today()));
  publication.set_late(late);
  RETURN_IF_ERROR(cases::Finish(tx, *env.norms, kPublications, &step));
  return publication;
}

absl::StatusOr<v1::Publication> WithdrawDemands(Env& env, const Call& call, store::Tx& tx,
                                                const v1::WithdrawDemandsRequest& request) {
  const std::string edition = EditionIn(request.name());
  ASSIGN_OR_RETURN(auto found,
                   rpc::FindFor(tx, call, kPublications, store::Key::Of(edition), request.name()));
  const bool was_withdrawn = found.row.publication().state() == Publication::WITHDRAWN;
  ASSIGN_OR_RETURN(auto step, cases::Begin(call, PublicationMachine(), PublicationVerb::kWithdraw,
                                           std::move(found.row), {.roles = found.roles}));
  Publication& publication = *step.row.mutable_publication();
  if (was_withdrawn) return publication;
  ASSIGN_OR_RETURN(std::vector<DemandRow> rows,
                   cases::AllOf(tx, kDemandsByEdition, store::Key::Of(edition)));
  for (DemandRow& row : rows) {
    ASSIGN_OR_RETURN(auto demand, cases::BeginByItself(ListedDemandMachine(), ListedVerb::kWithdraw,
                                                       std::move(row)));
    demand.row.mutable_demand()->set_reason(request.reason());
    RETURN_IF_ERROR(cases::Finish(tx, *env.norms, kDemands, &demand));
  }
  publication.set_reason(request.reason());
  RETURN_IF_ERROR(cases::Finish(tx, *env.norms, kPublications, &step));
  return publication;
}

absl::StatusOr<Encoded<v1::Publication>> GetPublication(Env& env, Call& call,
                                                        const v1::GetPublicationRequest& request) {
  return rpc::GetRecord<Publication>(*env.store, call, kPublications,
                                     store::Key::Of(EditionIn(request.name())), request);
}

absl::StatusOr<Encoded<v1::ListPublicationsResponse>> ListPublications(
    Env& env, Call& call, const v1::ListPublicationsRequest& request) {
  ASSIGN_OR_RETURN(rpc::ListPlan plan, rpc::PlanList(kPublications, request, call));
  return rpc::ListAs<v1::ListPublicationsResponse>(*env.store, plan);
}

absl::StatusOr<v1::Demand> CreateDemand(Env& /*env*/, const Call& /*call*/, store::Tx& tx,
                                        const v1::CreateDemandRequest& request) {
  const Demand& demand = request.demand();
  if (!demand.item_id().empty())
    return base::InvalidField("demand.item_id", "is for lines of the List");
  RETURN_IF_ERROR(CheckQuantity(demand.quantity(), "demand.quantity"));
  RETURN_IF_ERROR(CheckRespondUntil(demand, tx.today()));
  RETURN_IF_ERROR(CheckRoom(tx, demand.customer_bin()));
  tx.Cite(errors::Subcontracting());
  return PutDemand(tx, demand, "", Demand::SUBCONTRACTING);
}

absl::StatusOr<v1::Demand> UpdateDemand(Env& env, const Call& call, store::Tx& tx,
                                        const v1::UpdateDemandRequest& request) {
  ASSIGN_OR_RETURN(auto step, BeginDemand(tx, call, request.demand().name(),
                                          request.demand().etag(), DemandVerb::kEdit));
  Demand& demand = *step.row.mutable_demand();
  const Demand before = demand;
  RETURN_IF_ERROR(rpc::ApplyUpdate(request.demand(), request.update_mask(), &demand, &call));
  if (google::protobuf::util::MessageDifferencer::Equals(before, demand)) return before;
  RETURN_IF_ERROR(CheckQuantity(demand.quantity(), "demand.quantity"));
  RETURN_IF_ERROR(CheckRespondUntil(demand, tx.today()));
  RETURN_IF_ERROR(ScheduleEnd(tx, step.row));
  RETURN_IF_ERROR(cases::Finish(tx, *env.norms, kDemands, &step));
  return demand;
}

absl::StatusOr<v1::Demand> CloseDemand(Env& env, const Call& call, store::Tx& tx,
                                       const v1::CloseDemandRequest& request) {
  ASSIGN_OR_RETURN(auto step,
                   BeginDemand(tx, call, request.name(), request.etag(),
                               request.withdraw() ? DemandVerb::kWithdraw : DemandVerb::kClose));
  step.row.mutable_demand()->set_reason(request.reason());
  RETURN_IF_ERROR(cases::Finish(tx, *env.norms, kDemands, &step));
  return step.row.demand();
}

absl::Status EndDemand(Env& env, store::Tx& tx, absl::string_view payload, absl::Time due) {
  int64_t number = 0;
  if (!absl::SimpleAtoi(payload, &number)) return base::StoreCorrupt("timer payload");
  ASSIGN_OR_RETURN(auto found, tx.Find(kDemands, store::Key::Of(number)));
  if (!found.has_value() || found->row.demand().state() != Demand::OPEN) return absl::OkStatus();
  if (!found->row.demand().has_respond_until()) return absl::OkStatus();  // it stays open now
  // From midnight on, also where the process was down then; not before it was put: an edition may
  // come when the last day of a line has passed.
  const base::Date day = std::max(base::Date::LegalDay(due), found->version.effective_from);
  ASSIGN_OR_RETURN(const base::Date last,
                   base::Date::FromProto(found->row.demand().respond_until()));
  if (last >= day) return absl::OkStatus();  // it was put off
  if (found->row.demand().source() == Demand::LIST_OF_GOODS) {
    ASSIGN_OR_RETURN(auto step, cases::BeginByItself(ListedDemandMachine(), ListedVerb::kEnd,
                                                     std::move(found->row), day));
    return cases::Finish(tx, *env.norms, kDemands, &step);
  }
  ASSIGN_OR_RETURN(auto step, cases::BeginByItself(SubcontractingMachine(), DemandVerb::kEnd,
                                                   std::move(found->row), day));
  return cases::Finish(tx, *env.norms, kDemands, &step);
}

absl::StatusOr<Encoded<v1::Demand>> GetDemand(Env& env, Call& call,
                                              const v1::GetDemandRequest& request) {
  ASSIGN_OR_RETURN(const int64_t number, NumberOf(request.name(), "demands/*"));
  ASSIGN_OR_RETURN(const store::At at, rpc::AtOf(request));
  const store::View view = env.store->Read();
  ASSIGN_OR_RETURN(auto found, view.Find(kDemands, store::Key::Of(number), at));
  if (!found.has_value())
    return rpc::Absent(call, rpc::TiesOf<Demand>(), nullptr, kDemands.name, request.name());
  Demand& demand = *found->row.mutable_demand();
  ShowOn(DayOf(at, view), &demand);
  return Encoded<Demand>{demand.SerializeAsString()};
}

absl::StatusOr<Encoded<v1::ListDemandsResponse>> ListDemands(
    Env& env, Call& call, const v1::ListDemandsRequest& request) {
  ASSIGN_OR_RETURN(rpc::ListPlan plan, rpc::PlanList(kDemands, request, call));
  plan.indexes = {{"publication", &kDemandsByEdition, PublicationKey},
                  {"ens_tru", &kDemandsByEnsTru,
                   [](const std::string& code) { return std::optional(store::Key::Of(code)); }}};
  // States of a day, and of today as it was known, are those that are shown, not those that are
  // stored.
  if (!plan.at.as_of.has_value() && !plan.at.known_at_us.has_value())
    plan.indexes.push_back({"state", &kDemandsByState, rpc::EnumKey<Demand::State>});
  std::optional<v1::Subscription> subscription;
  if (!request.subscription().empty()) {
    const store::View view = env.store->Read();
    ASSIGN_OR_RETURN(subscription, SubscriptionOf(view, call, request.subscription()));
  }
  const auto day = std::make_shared<base::Date>();
  plan.prepare = [day](const store::Reader& reader, const store::At& at) {
    *day = DayOf(at, reader);
    return absl::OkStatus();
  };
  plan.show = [subscription = std::move(subscription), day](google::protobuf::Message* resource) {
    Demand& demand = static_cast<Demand&>(*resource);
    if (subscription.has_value() && !Wants(*subscription, demand)) return rpc::Shown::kNo;
    const Demand::State stored = demand.state();
    ShowOn(*day, &demand);
    return demand.state() == stored ? rpc::Shown::kAsStored : rpc::Shown::kChanged;
  };
  return rpc::ListAs<v1::ListDemandsResponse>(*env.store, plan);
}

absl::StatusOr<v1::MatchDemandResponse> MatchDemand(Env& env, Call& call,
                                                    const v1::MatchDemandRequest& request) {
  ASSIGN_OR_RETURN(store::At at, rpc::AtOf(request));
  const store::View view = env.store->Read();
  MatchNeed need;
  std::string quantity;
  if (request.has_demand()) {
    ASSIGN_OR_RETURN(const int64_t number, NumberOf(request.demand(), "demands/*"));
    ASSIGN_OR_RETURN(const auto found, view.Find(kDemands, store::Key::Of(number), at));
    if (!found.has_value()) return rpc::Missing(call, kDemands.name, request.demand());
    const Demand& demand = found->row.demand();
    need = {demand.ens_tru(), demand.unit(), {}, demand.minimum_in_country_value_bp(),
            demand.name(),    demand.etag()};
    quantity = demand.quantity();
  } else {
    need = {request.need().ens_tru(),
            request.need().unit(),
            {},
            request.need().minimum_in_country_value_bp(),
            "request",
            ""};
    quantity = request.need().quantity();
    RETURN_IF_ERROR(CheckQuantity(quantity, "need.quantity"));
  }
  ASSIGN_OR_RETURN(need.quantity, base::Quantity::Parse(quantity));

  const base::Date day = DayOf(at, view);
  const std::string code = need.ens_tru;
  Matching matching(std::move(need), day);
  // What was looked up of a supplier is of no use to the next.
  std::optional<Books> books;
  std::string of;
  RETURN_IF_ERROR(view.Scan(
      kOffersByEnsTruAndSupplier, {store::Key::Of(code), ""}, at,
      [&](const store::RowView& row, absl::string_view) -> absl::StatusOr<bool> {
        ASSIGN_OR_RETURN(const auto stored, store::Reader::Parse<OfferRow>(row));
        const Offer& offer = stored.row.offer();
        if (std::exchange(of, offer.bin()) != offer.bin() || !books.has_value())
          books.emplace(view, at.known_at_us);
        // What is not in the public register is not told of here either.
        ASSIGN_OR_RETURN(const bool active, books->IsActiveOn(offer.bin(), day));
        if (!active) return true;
        ASSIGN_OR_RETURN(const int32_t value, ValueOn(offer, day, *books));
        matching.Add({offer.name(), offer.bin(), offer.unit(), offer.annual_capacity(), value});
        return true;
      }));
  v1::MatchDemandResponse response = matching.Finish();
  response.mutable_decision()->set_norms_edition(env.norms->edition());
  *response.mutable_as_of() = day.ToProto();
  ASSIGN_OR_RETURN(const int64_t position, view.Position());
  response.set_position(position);
  return response;
}

}  // namespace nisi::suppliers
