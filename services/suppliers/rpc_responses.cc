// Answers of suppliers to demands, and subscriptions to hear of demands.
#include "absl/strings/str_cat.h"
#include "common/cases/step.h"
#include "common/rpc/resource.h"
#include "services/suppliers/errors.h"
#include "services/suppliers/rpcs.h"
#include "services/suppliers/rules_demand.h"
#include "services/suppliers/rules_evidence.h"
#include "services/suppliers/steps.h"

namespace nisi::suppliers {
namespace {

using v1::Subscription;

constexpr int kMaxSubscriptions = 100;  // a BIN

// What somebody looks for says what it is about to make: it is the subscriber's and the auditors',
// also where the method that names it is for everybody.
bool SubscriptionIsVisible(const google::protobuf::Message&, uint32_t roles) {
  return (roles & (base::RoleBit(rpc::v1::ENTITY) | base::RoleBit(rpc::v1::CUSTOMER) |
                   base::RoleBit(rpc::v1::AUDITOR))) != 0;
}

absl::StatusOr<Demand> OpenDemand(const store::Tx& tx, const Call& call, const std::string& name) {
  ASSIGN_OR_RETURN(const int64_t number, rpc::NumberIn(name, "demands/*", 0));
  ASSIGN_OR_RETURN(auto found, tx.Find(kDemands, store::Key::Of(number)));
  if (!found.has_value()) return rpc::Missing(call, kDemands.name, name);
  if (found->row.demand().state() != Demand::OPEN)
    return errors::DemandState(Demand::State_Name(found->row.demand().state()));
  if (found->row.demand().has_respond_until()) {  // its timer may be about to run
    ASSIGN_OR_RETURN(const base::Date last,
                     base::Date::FromProto(found->row.demand().respond_until()));
    if (last < tx.today()) return errors::RespondUntilPast("respond_until");
  }
  return std::move(*found->row.mutable_demand());
}

absl::Status CheckAnswer(const store::Tx& tx, const Demand& demand, const Response& response) {
  RETURN_IF_ERROR(CheckQuantity(response.quantity(), "response.quantity"));
  for (const std::string& name : response.offers()) {
    ASSIGN_OR_RETURN(const int64_t number, rpc::NumberIn(name, "offers/*", 0));
    ASSIGN_OR_RETURN(const auto found, tx.Find(kOffers, store::Key::Of(number)));
    if (!found.has_value() || found->row.offer().bin() != response.bin())
      return errors::OfferForeign(name);
    if (found->row.offer().ens_tru() != demand.ens_tru())
      return errors::OfferDoesNotMatch(name, "the ENS TRU code of the demand is needed");
    if (found->row.offer().unit() != demand.unit())
      return errors::OfferDoesNotMatch(name, "the unit of the demand is needed");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<v1::Response> RespondToDemand(Env& env, const Call& call, store::Tx& tx,
                                             const v1::RespondToDemandRequest& request) {
  const std::string& bin = request.response().bin();  // its own, as the policy says
  ASSIGN_OR_RETURN(const Demand demand, OpenDemand(tx, call, request.parent()));
  if (bin == demand.customer_bin()) return errors::AnswerToItself();
  Books books(tx);
  ASSIGN_OR_RETURN(const Supplier* supplier, books.SupplierOn(bin, tx.today()));
  if (supplier == nullptr || supplier->state() != Supplier::ACTIVE) {
    return errors::SupplierState(
        supplier == nullptr ? "NOT_REGISTERED" : Supplier::State_Name(supplier->state()),
        "a registration that is ACTIVE is needed");
  }
  RETURN_IF_ERROR(CheckAnswer(tx, demand, request.response()));
  ASSIGN_OR_RETURN(const int64_t number, rpc::NumberIn(request.parent(), "demands/*", 0));
  ASSIGN_OR_RETURN(auto found, tx.Find(kResponses, store::Key::Of(number, bin)));
  ResponseRow row;
  if (found.has_value()) row = std::move(found->row);
  ASSIGN_OR_RETURN(auto step,
                   cases::Begin(call, ResponseMachine(), ResponseVerb::kRespond, std::move(row),
                                {.roles = call.caller->roles, .etag = request.response().etag()}));
  step.row.set_demand(number);
  Response& response = *step.row.mutable_response();
  response = request.response();
  response.set_name(ResponseName(number, bin));
  response.set_customer_bin(demand.customer_bin());
  RETURN_IF_ERROR(cases::Finish(tx, *env.norms, kResponses, &step));
  return response;
}

absl::StatusOr<v1::Response> WithdrawResponse(Env& env, const Call& call, store::Tx& tx,
                                              const v1::WithdrawResponseRequest& request) {
  ASSIGN_OR_RETURN(const int64_t number, rpc::NumberIn(request.name(), "demands/*/responses/*", 0));
  ASSIGN_OR_RETURN(auto found,
                   rpc::FindFor(tx, call, kResponses, store::Key::Of(number, BinIn(request.name())),
                                request.name()));
  // Whoever asked is tied to the answer, too; it does not take it back.
  if (found.row.response().bin() != call.caller->bin)
    return rpc::Missing(call, kResponses.name, request.name());
  ASSIGN_OR_RETURN(auto step, cases::Begin(call, ResponseMachine(), ResponseVerb::kWithdraw,
                                           std::move(found.row),
                                           {.roles = found.roles, .etag = request.etag()}));
  RETURN_IF_ERROR(OpenDemand(tx, call, DemandName(number)).status());
  RETURN_IF_ERROR(cases::Finish(tx, *env.norms, kResponses, &step));
  return step.row.response();
}

absl::StatusOr<Encoded<v1::ListResponsesResponse>> ListResponses(
    Env& env, Call& call, const v1::ListResponsesRequest& request) {
  ASSIGN_OR_RETURN(const int64_t number, rpc::NumberIn(request.parent(), "demands/*", 0));
  ASSIGN_OR_RETURN(rpc::ListPlan plan, rpc::PlanList(kResponses, request, call));
  plan.prefix = store::Key::Of(number);
  plan.show = rpc::ShowTo<Response>(call);
  return rpc::ListAs<v1::ListResponsesResponse>(*env.store, plan);
}

absl::StatusOr<Subscription> SubscriptionOf(const store::Reader& reader, const Call& call,
                                            const std::string& name) {
  ASSIGN_OR_RETURN(const int64_t number, rpc::NumberIn(name, "subscriptions/*", 0));
  ASSIGN_OR_RETURN(auto found, rpc::FindFor(reader, call, kSubscriptions, store::Key::Of(number),
                                            name, SubscriptionIsVisible));
  return std::move(*found.row.mutable_subscription());
}

absl::StatusOr<v1::Subscription> Subscribe(Env& /*env*/, const Call& /*call*/, store::Tx& tx,
                                           const v1::SubscribeRequest& request) {
  int count = 0;
  RETURN_IF_ERROR(tx.Scan(kSubscriptionsByBin, {store::Key::Of(request.subscription().bin()), ""},
                          {},
                          [&](const store::RowView&, absl::string_view) -> absl::StatusOr<bool> {
                            return ++count < kMaxSubscriptions;
                          }));
  if (count >= kMaxSubscriptions) return errors::SubscriptionsTooMany(kMaxSubscriptions);
  ASSIGN_OR_RETURN(const int64_t number, tx.Next("subscriptions"));
  SubscriptionRow row;
  row.set_number(number);
  *row.mutable_subscription() = request.subscription();
  row.mutable_subscription()->set_name(absl::StrCat("subscriptions/", number));
  tx.Cite(errors::ListOfGoods());
  RETURN_IF_ERROR(tx.Put(kSubscriptions, &row));
  return row.subscription();
}

absl::StatusOr<v1::UnsubscribeResponse> Unsubscribe(Env& /*env*/, const Call& call, store::Tx& tx,
                                                    const v1::UnsubscribeRequest& request) {
  RETURN_IF_ERROR(SubscriptionOf(tx, call, request.name()).status());
  ASSIGN_OR_RETURN(const int64_t number, rpc::NumberIn(request.name(), "subscriptions/*", 0));
  tx.Cite(errors::ListOfGoods());
  RETURN_IF_ERROR(tx.End(kSubscriptions, store::Key::Of(number)));
  return v1::UnsubscribeResponse();
}

absl::StatusOr<Encoded<v1::ListSubscriptionsResponse>> ListSubscriptions(
    Env& env, Call& call, const v1::ListSubscriptionsRequest& request) {
  ASSIGN_OR_RETURN(rpc::ListPlan plan, rpc::PlanList(kSubscriptions, request, call));
  plan.orders = {{"number", &kSubscriptionsByBin, store::Key::Of(request.bin())}};
  plan.order_by = "number";
  plan.show = rpc::ShowTo<Subscription>(call);
  return rpc::ListAs<v1::ListSubscriptionsResponse>(*env.store, plan);
}

}  // namespace nisi::suppliers
